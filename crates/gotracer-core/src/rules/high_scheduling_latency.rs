//! Goroutines that wait for a P although they are runnable.

mod instead;

use super::cause::Culprit;
use super::detector::{Description, Detector, Found, Groups, Occurrence, Verdict};
use super::{
    Alert, Beside, ByReason, Distribution, Lost, MS, Metric, Panel, Rule, RuleSettings, SECOND,
    Severity, Unit, function, times,
};
use crate::timeline::{FrameKey, Interval, Kind, Kinds, Owner, StackKey, Timeline, Way};
use crate::trace::internal::of_vec;
use crate::units;
use instead::{cause, instead, ran};

/// The registry's entry.
pub(super) static RULE: Rule = Rule {
    name: "HighSchedulingLatency",
    unit: Unit::Nanoseconds,
    brief: "goroutines that could run and had to wait for a processor, and what ran \
        instead",
    summary: "Time from when a goroutine becomes runnable (woken, created, preempted, back \
        from a syscall) until it runs.",
    why: "The goroutine had something to do and nothing to wait for but a processor. To \
        its user the program is slow although nothing in it is.",
    advice: "Run fewer CPU-bound goroutines at a time (a worker pool of GOMAXPROCS), or give the \
        program more processors (GOMAXPROCS, the container's CPU limit). Shorter stretches of work \
        between blocking calls help as well: see what ran meanwhile. Goroutines of one computation \
        that only take turns with each other are reported as info.",
    needs: "Goroutine state transitions: Go 1.11 and later.",
    thresholds: times([(MS, 10 * MS), (10 * MS, 50 * MS), (100 * MS, SECOND)]),
    percent_of: "",
    lost: Some(Lost {
        to: "waiting for a P",
        many: Some("goroutines were waiting for a P"),
        counted: "goroutines",
    }),
    off_in: &[],
    watches: Kinds::RUNNABLE,
    detector: new,
    settings: &[],
    metric: Metric {
        name: "gotrace_sched_latency",
        reading: "High quantiles are what requests feel while the CPU is short.",
        about: "from runnable to running",
        by_reason: Some(ByReason {
            name: "gotrace_sched_latency_by_reason",
            help: "The waits of gotrace_sched_latency_seconds by how the goroutine became runnable. \
                (rule HighSchedulingLatency)",
            about: "the same waits by how the goroutine became runnable",
        }),
    },
    alert: Alert {
        percent: 25,
        hold: "10m",
        summary: "Goroutines of {program} wait for a processor",
        happened: "goroutines could run and waited for a processor",
        gauge: None,
        meaning: "Goroutines that could have run waited for a processor for longer than the threshold. \
            All of GOMAXPROCS were busy with others, or the operating system did not run the \
            threads. To its users the program is slow although nothing in it is.",
    },
    panel: Panel {
        sum: "goroutines waiting for a processor",
        sum_unit: "short",
        beside: Beside::ByReason {
            title: "Waits by how they began",
            description: "Goroutines waiting for a processor at any time, by how they became runnable. \
                Mostly preempted: too many of them compute at once. Mostly woken: the processors \
                are busy with others; compare with GOMAXPROCS and the CPU limit.",
        },
    },
};

/// Tags of groups: the reason of the wait.
mod tag {
    /// An event made the goroutine runnable.
    pub(super) const MADE_RUNNABLE: u8 = 0;
    /// The goroutine takes turns with others, because there are more of them than Ps.
    pub(super) const TAKING_TURNS: u8 = 1;
    /// The goroutine was runnable at the trace's start, for an unknown reason. Starting a trace stops the world.
    pub(super) const FROM_THE_START: u8 = 2;
    /// All waits together, while no P was idle.
    pub(super) const BUSY: u8 = 3;
}

/// Percentage of the time without an idle P from which all Ps are called busy.
const BUSY: u64 = 25;

/// Wait of a goroutine that is older than the trace and has shown no stack yet. It may be one of the runtime's.
#[derive(Clone, Copy)]
struct Unplaced {
    tag: u8,
    occurrence: Occurrence,
    by: Culprit,
}

#[derive(Clone)]
struct HighSchedulingLatency {
    settings: RuleSettings,
    /// By cause. Eight, so that an index needs no bounds check.
    by_way: [Distribution; 8],
    groups: Groups,
    unplaced: Vec<Unplaced>,
}

fn new(settings: RuleSettings) -> Box<dyn Detector> {
    Box::new(HighSchedulingLatency {
        settings,
        by_way: Default::default(),
        groups: Groups::default(),
        unplaced: Vec::new(),
    })
}

impl Detector for HighSchedulingLatency {
    fn interval(&mut self, i: &Interval, t: &Timeline) {
        let Kind::Runnable(way) = i.kind else {
            return;
        };
        if i.owner != Owner::Program {
            return;
        }
        if !i.under_way {
            self.by_way[way as usize % 8].record(i.duration());
        }
        if !self.settings.thresholds.crossed_by(i, i.duration(), t) {
            return;
        }
        let occurrence = Occurrence::of(i);
        let by = instead(i, t);
        let tag = match way {
            Way::Preempted | Way::Yielded => tag::TAKING_TURNS,
            Way::Unknown => tag::FROM_THE_START,
            _ if t.takes_turn(i.victim.g, ran(by)) => tag::TAKING_TURNS,
            _ => tag::MADE_RUNNABLE,
        };
        if i.victim.stack.is_some() {
            let place = place(tag, i.victim.stack, t);
            self.groups.add(place, tag, &occurrence, || by);
        } else {
            self.unplaced.push(Unplaced {
                tag,
                occurrence,
                by,
            });
        }
    }

    fn counts_latency_below(&self) -> Option<u64> {
        Some(self.settings.thresholds.warn.value)
    }

    fn latency(&mut self, way: Way, ns: u64) {
        self.by_way[way as usize % 8].record(ns);
    }

    fn measurement(&self) -> Option<Distribution> {
        Some(Distribution::of_all(&self.by_way))
    }

    fn verdict(&self, t: &Timeline) -> Verdict {
        let seen = Way::ALL.iter().zip(&self.by_way);
        let seen = seen.filter(|(_, d)| d.count() > 0);
        let groups = self.with_unplaced(t);
        let busy = self.busy(&groups, t);
        // The place of a preemption, or at the trace's start, is incidental, so a phase is one finding.
        let phases = groups.merged(|tag| (tag != tag::MADE_RUNNABLE).then_some(tag));
        let mut found = phases.found(&self.settings.thresholds, |tag, group| {
            let (g, worst) = (group.victim.g, units::duration(group.worst));
            let (variant, message, at_most) = match tag {
                // Goroutines that use all Ps and share them fairly
                // need no change, so they fail no build.
                tag::TAKING_TURNS => (
                    "taking_turns",
                    format!(
                        "goroutine {g} takes turns with others and waited {worst} for its next turn"
                    ),
                    Severity::Info,
                ),
                tag::FROM_THE_START => (
                    "from_the_start",
                    format!("goroutine {g} could run when the trace started and waited {worst}"),
                    Severity::Info,
                ),
                _ => (
                    "",
                    format!("goroutine {g} could run and waited {worst} for a processor"),
                    Severity::Error,
                ),
            };
            Description {
                variant,
                message,
                cause: cause(group, t),
                at_most,
                advice: None,
            }
        });
        found.extend(busy);
        Verdict {
            measurement: Distribution::of_all(&self.by_way),
            by_reason: seen
                .map(|(way, d)| (way.name().to_owned(), d.clone()))
                .collect(),
            found,
            ..Verdict::default()
        }
    }

    fn forget(&mut self, _: &Timeline) {
        self.by_way = Default::default();
        self.groups = Groups::default();
        self.unplaced.clear();
    }

    fn held(&self) -> u64 {
        self.groups.held() + of_vec(&self.unplaced, 1)
    }

    fn boxed_clone(&self) -> Box<dyn Detector> {
        Box::new(self.clone())
    }
}

impl HighSchedulingLatency {
    /// Returns the info about the time during which all Ps were busy, with the worst wait, if that explains the waits.
    fn busy(&self, groups: &Groups, t: &Timeline) -> Option<Found> {
        let (busy, all) = (t.busy(), t.duration());
        if u128::from(busy) * 100 < u128::from(all) * u128::from(BUSY) {
            return None;
        }
        // Starting a trace stops the world, so waits from the start are not due to busy Ps.
        let merged = groups.merged(|tag| (tag != tag::FROM_THE_START).then_some(tag::BUSY));
        let found = merged.found(&self.settings.thresholds, |tag, group| Description {
            variant: if tag == tag::BUSY { "busy" } else { "" },
            message: format!(
                "all {} were busy for {} of {}; worst hit: {}",
                processors(t),
                units::duration(busy),
                units::duration(all),
                function(t, group.victim.stack)
            ),
            cause: None,
            at_most: Severity::Info,
            advice: None,
        });
        found.into_iter().find(|f| f.variant == "busy")
    }

    /// Returns all groups, with waits of once unknown goroutines at the stacks that they showed later. Waits of the
    /// runtime's goroutines and of those without any stack are left out: a finding would name no place to change.
    fn with_unplaced(&self, t: &Timeline) -> Groups {
        let mut groups = self.groups.clone();
        for u in &self.unplaced {
            let mut occurrence = u.occurrence;
            if let Some(g) = t.find(occurrence.victim.g) {
                if g.owner != Owner::Program {
                    continue;
                }
                occurrence.victim.stack = g.best_stack();
            }
            if !occurrence.victim.stack.is_some() {
                continue;
            }
            let place = place(u.tag, occurrence.victim.stack, t);
            groups.add(place, u.tag, &occurrence, || u.by);
        }
        groups
    }
}

fn processors(t: &Timeline) -> String {
    match t.gomaxprocs() {
        Some(n) if n > 1 => format!("{n} processors"),
        _ => "processors".into(),
    }
}

fn place(tag: u8, stack: StackKey, t: &Timeline) -> FrameKey {
    let traits = t.stacks().traits(stack);
    match tag {
        tag::MADE_RUNNABLE => traits.place,
        _ => traits.function,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Settings;
    use crate::timeline::Actor;

    #[test]
    fn a_short_wait_counts_as_its_interval_does() {
        let settings = *Settings::default().of(&RULE);
        let (mut by_interval, mut by_ns) = (new(settings), new(settings));
        let needed = by_ns.counts_latency_below().unwrap();
        for (ns, way) in [(0, Way::Created), (needed - 1, Way::Preempted)] {
            let wait = Interval {
                kind: Kind::Runnable(way),
                start: 5,
                end: 5 + ns as i64,
                cut_at_start: false,
                cut_at_end: false,
                under_way: false,
                victim: Actor::NONE,
                owner: Owner::Program,
                by: Actor::NONE,
                stopped: 0,
                in_c: false,
            };
            by_interval.interval(&wait, &Timeline::default());
            by_ns.latency(way, ns);
        }
        let verdicts = [by_interval, by_ns].map(|detector| detector.verdict(&Timeline::default()));
        let [by_interval, by_ns] = verdicts.map(|v| (v.measurement, v.by_reason, v.found.len()));
        assert_eq!(by_interval, by_ns);
        assert_eq!(by_ns.0.count(), 2);
    }
}
