//! Growth of the live heap that is too large or too fast.

use std::collections::VecDeque;

use super::cause::{Cause, CauseKind, Culprit};
use super::detector::{Detector, Found, Group, Occurrence, Verdict};
use super::{
    Alert, Beside, Distribution, Gauge, Limit, Line, MIB, Metric, Panel, Rule, RuleSettings,
    SECOND, Severity, Thresholds, Unit, function,
};
use crate::timeline::{Allocator, FrameKey, HeapFloor, Kinds, Timeline};
use crate::units;

/// The registry's entry.
pub(super) static RULE: Rule = Rule {
    name: "HeapGrowthSpike",
    unit: Unit::Bytes,
    brief: "growth of what is live after a collection",
    summary: "Growth of the live heap from the end of one garbage collection to the end of a \
        later one: the floor of the sawtooth, not its teeth. Absolute, and per second \
        over at least a second.",
    why: "What is live after a collection can't be freed. A spike decides how much \
        memory the process needs, and a container limit below it kills the process.",
    advice: "Take a heap profile around the time given (net/http/pprof, `go tool pprof \
        -inuse_space`). Stream instead of loading whole, bound caches and queues, \
        bound how many large requests run at once, set GOMEMLIMIT.",
    needs: "Heap metrics and two garbage collections within the trace: Go 1.11 and later.",
    thresholds: [
        growth((64 * MIB, 32 * MIB), (256 * MIB, 128 * MIB)),
        growth((100 * MIB, 50 * MIB), (500 * MIB, 200 * MIB)),
        growth((1024 * MIB, 1024 * MIB), (4096 * MIB, 4096 * MIB)),
    ],
    percent_of: "",
    lost: None,
    off_in: &[],
    watches: Kinds::NONE,
    detector: new,
    settings: &[],
    metric: Metric {
        name: "gotrace_heap_growth",
        reading: "One value for each collection after the first; 0 where the floor did not rise.",
        about: "growth of the live heap from one collection to the next",
        by_reason: None,
    },
    alert: Alert {
        percent: 10,
        hold: "5m",
        summary: "The live heap of {program} grows fast",
        happened: "the heap that survives collections grew fast",
        gauge: Some(Gauge {
            metric: "gotrace_heap_live_bytes",
            text: "{} are live now.",
        }),
        meaning: "What is live after a garbage collection grew by more than the threshold within \
            single traces. This is the floor of the sawtooth, not its teeth: memory that is in \
            use, and that no collection gives back.",
    },
    panel: Panel {
        sum: "growth of the live heap each second",
        sum_unit: "Bps",
        beside: Beside::Values {
            title: "Heap: floor, goal and peak",
            description: "What is live after a collection, the size at which the collector means to be \
                done, and the most that was held. A floor that only rises is a leak; a peak over \
                the goal means that the collector can not keep up.",
            unit: "bytes",
            log: false,
            lines: &[
                Line {
                    expr: "sum by (instance) (gotrace_heap_live_bytes{$target})",
                    legend: "floor",
                    right: None,
                },
                Line {
                    expr: "sum by (instance) (gotrace_heap_goal_bytes{$target})",
                    legend: "goal",
                    right: None,
                },
                Line {
                    expr: "sum by (instance) (gotrace_heap_peak_bytes{$target})",
                    legend: "peak",
                    right: None,
                },
            ],
        },
    },
};

const fn growth(warn: (u64, u64), error: (u64, u64)) -> Thresholds {
    Thresholds {
        warn: limit(warn),
        error: limit(error),
    }
}

const fn limit((value, per_second): (u64, u64)) -> Limit {
    Limit {
        per_second: Some(per_second),
        ..Limit::value(value)
    }
}

/// Minimum time for a rate, ns: a jump within milliseconds has none.
const LEAST_WINDOW: u64 = SECOND;
/// Advice for a heap that is never collected.
const COLLECTOR_OFF: &str = "The garbage collector is off (GOGC=off): nothing that is allocated is freed. Set GOMEMLIMIT, \
    so that it runs before memory is short, or turn it on.";
/// Maximum age of a floor from which a rate is computed, ns.
const WINDOW: u64 = 10 * SECOND;

/// Rise of the heap's floor from a low to the highest floor after it.
#[derive(Clone, Copy)]
struct Rise {
    low: HeapFloor,
    high: HeapFloor,
    /// Steepest growth over at least a second that ended within the rise, bytes per second.
    rate: u64,
    /// Largest step from one collection to the next, and the goroutine that allocated most during it.
    step: u64,
    top: Option<Allocator>,
    /// Severity in the last report.
    reported: Option<Severity>,
}

impl Rise {
    fn from(low: HeapFloor) -> Self {
        Self {
            low,
            high: low,
            rate: 0,
            step: 0,
            top: None,
            reported: None,
        }
    }

    fn growth(&self) -> u64 {
        self.high.live - self.low.live
    }
}

#[derive(Clone)]
struct HeapGrowthSpike {
    settings: RuleSettings,
    /// Growth from each collection to the next.
    steps: Distribution,
    recent: VecDeque<HeapFloor>,
    rise: Option<Rise>,
    /// Ended rises that crossed a threshold, by severity.
    spikes: Option<(Severity, u64, Group)>,
}

fn new(settings: RuleSettings) -> Box<dyn Detector> {
    Box::new(HeapGrowthSpike {
        settings,
        steps: Distribution::default(),
        recent: VecDeque::new(),
        rise: None,
        spikes: None,
    })
}

impl Detector for HeapGrowthSpike {
    fn heap_floor(&mut self, floor: HeapFloor, t: &Timeline) {
        let last = self.recent.back().copied();
        let step = last.map_or(0, |last| floor.live.saturating_sub(last.live));
        if last.is_some() {
            self.steps.record(step);
        }
        let rate = self.steepest(floor);
        let rise = self.rise.get_or_insert(Rise::from(floor));
        if floor.live > rise.high.live {
            rise.high = floor;
        }
        rise.rate = rise.rate.max(rate);
        if step > rise.step {
            rise.step = step;
            rise.top = t.top_allocator();
        }
        // A rise ends once half of its growth is collected.
        if floor.live <= rise.low.live + rise.growth() / 2 && floor.live < rise.high.live {
            let over = std::mem::replace(rise, Rise::from(floor));
            self.judge(&over, t);
        }
        self.recent.push_back(floor);
        while let Some(first) = self.recent.front()
            && since(first, floor) > WINDOW
        {
            self.recent.pop_front();
        }
    }

    fn verdict(&self, t: &Timeline) -> Verdict {
        if t.collections() < 2 && t.is_collector_off() {
            return self.without_collector(t);
        }
        if t.collections() < 2 {
            return Verdict {
                not_applicable: Some(format!(
                    "growth shows between two garbage collections, the trace holds {}",
                    t.collections()
                )),
                ..Verdict::default()
            };
        }
        let mut whole = self.clone();
        if let Some(rise) = self.rise {
            whole.judge(&rise, t);
        }
        let found = whole
            .spikes
            .into_iter()
            .map(|(severity, threshold, group)| {
                let grown = units::bytes(group.worst);
                let took = units::duration((group.last - group.first).max(0) as u64);
                Found {
                    severity,
                    threshold,
                    variant: String::new(),
                    advice: None,
                    message: match group.count {
                        1 => format!("the live heap grew by {grown} within {took}"),
                        n => format!("the live heap grew {n} times, by up to {grown}"),
                    },
                    cause: cause(&group, t),
                    group,
                }
            });
        Verdict {
            measurement: self.steps.clone(),
            found: found.collect(),
            ..Verdict::default()
        }
    }

    fn forget(&mut self, _: &Timeline) {
        self.steps = Distribution::default();
        self.spikes = None;
        if let Some(mut rise) = self.rise {
            let severity = self.severity(&rise).map(|(severity, _)| severity);
            rise.reported = rise.reported.max(severity);
            self.rise = Some(rise);
        }
    }

    fn boxed_clone(&self) -> Box<dyn Detector> {
        Box::new(self.clone())
    }
}

fn cause(group: &Group, t: &Timeline) -> Option<Cause> {
    match group.by {
        Culprit::Allocated(Allocator {
            actor,
            bytes,
            is_site,
        }) if actor.g.is_some() => Some(Cause {
            kind: CauseKind::AllocatedMost,
            text: format!(
                "goroutine {} added {} in the steepest step, {} {}",
                actor.g,
                units::bytes(bytes),
                seen(is_site),
                function(t, actor.stack)
            ),
            actor,
        }),
        _ => None,
    }
}

/// Words before the function of an allocator's stack.
pub(super) fn seen(is_site: bool) -> &'static str {
    match is_site {
        true => "seen allocating in",
        false => "last seen in",
    }
}

fn since(first: &HeapFloor, now: HeapFloor) -> u64 {
    (now.time - first.time).max(0) as u64
}

impl HeapGrowthSpike {
    /// Returns the steepest growth up to `floor` over at least a second, bytes per second.
    fn steepest(&self, floor: HeapFloor) -> u64 {
        let earlier = self.recent.iter();
        let rates = earlier.filter_map(|f| {
            let ns = since(f, floor);
            let grown = floor.live.saturating_sub(f.live);
            (ns >= LEAST_WINDOW)
                .then(|| (u128::from(grown) * u128::from(SECOND) / u128::from(ns)) as u64)
        });
        rates.max().unwrap_or(0)
    }

    /// Judges the peak if the collector is off, because no memory is freed. Growth between collections is not measured.
    fn without_collector(&self, t: &Timeline) -> Verdict {
        let (Some(first), Some(peak)) = (t.heap_first(), t.heap_peak()) else {
            return Verdict {
                not_applicable: Some("the trace does not say how large the heap is".into()),
                ..Verdict::default()
            };
        };
        let grown = peak.saturating_sub(first);
        let ns = t.duration();
        let rate = match ns >= LEAST_WINDOW {
            true => (u128::from(grown) * u128::from(SECOND) / u128::from(ns)) as u64,
            false => 0,
        };
        let found = self.crossed(grown, rate).map(|(severity, limit)| {
            let top = t.top_allocator().unwrap_or(Allocator::NONE);
            let o = Occurrence {
                value: grown,
                start: t.stretch(),
                end: t.now(),
                open: false,
                victim: top.actor,
            };
            let mut group = Group::new(t.stacks().traits(top.actor.stack).place, &o);
            group.add(&o, || Culprit::Allocated(top));
            let (grown, peak) = (units::bytes(grown), units::bytes(peak));
            Found {
                severity,
                threshold: limit.value,
                variant: String::new(),
                advice: Some(COLLECTOR_OFF),
                message: format!(
                    "the heap grew by {grown} to {peak} within {}, and the garbage collector is off",
                    units::duration(ns)
                ),
                cause: cause(&group, t),
                group,
            }
        });
        Verdict {
            found: found.into_iter().collect(),
            ..Verdict::default()
        }
    }

    /// Returns the severity of a rise, and the threshold that it crossed.
    fn severity(&self, rise: &Rise) -> Option<(Severity, Limit)> {
        self.crossed(rise.growth(), rise.rate)
    }

    /// Returns the severity of growth by `growth` bytes at `rate`, and the threshold that it crossed.
    fn crossed(&self, growth: u64, rate: u64) -> Option<(Severity, Limit)> {
        let thresholds = &self.settings.thresholds;
        let crosses = |limit: Limit| {
            let per_second = limit.per_second.is_some_and(|r| rate >= r);
            growth >= limit.value || per_second
        };
        if crosses(thresholds.error) {
            Some((Severity::Error, thresholds.error))
        } else if crosses(thresholds.warn) {
            Some((Severity::Warn, thresholds.warn))
        } else {
            None
        }
    }

    fn judge(&mut self, rise: &Rise, t: &Timeline) {
        let news = self.severity(rise);
        let Some((severity, limit)) = news.filter(|(s, _)| Some(*s) > rise.reported) else {
            return;
        };
        let top = rise.top.unwrap_or(Allocator::NONE);
        let o = Occurrence {
            value: rise.growth(),
            start: rise.low.time,
            end: rise.high.time,
            open: false,
            victim: top.actor,
        };
        let (worst, threshold, group) = self.spikes.get_or_insert_with(|| {
            let group = Group::new(FrameKey::default(), &o);
            (severity, limit.value, group)
        });
        if severity > *worst {
            (*worst, *threshold) = (severity, limit.value);
        }
        if o.value > group.worst {
            group.place = t.stacks().traits(top.actor.stack).place;
        }
        group.add(&o, || Culprit::Allocated(top));
    }
}

#[cfg(test)]
mod tests;
