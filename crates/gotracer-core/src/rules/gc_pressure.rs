//! A garbage collector that takes much of the CPU.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::cause::{Cause, CauseKind, Culprit};
use super::detector::{AtPlace, Detector, Found, Group, Occurrence, PLACES, Verdict};
use super::gc_assist::parts;
use super::heap_growth_spike::seen;
use super::{
    Alert, Beside, Distribution, Limit, MS, Metric, Panel, Preset, Rule, RuleSettings, SECOND,
    Severity, Thresholds, Unit, function,
};
use crate::timeline::{
    Actor, Allocator, FrameKey, HeapFloor, Interval, Kind, Kinds, Owner, Timeline,
};
use crate::trace::Time;
use crate::trace::internal::of_map;
use crate::units;

/// The registry's entry.
pub(super) static RULE: Rule = Rule {
    name: "GCPressure",
    unit: Unit::Nanoseconds,
    brief: "the collector's share of the CPU in the worst second, and why it is so high",
    summary: "Garbage collections that take much of the CPU: the collector's share of all Ps in the \
        worst second (of the trace, if that is shorter). Mark workers, mark assists and pauses count, \
        idle marking does not. The measurement is how long each collection marks.",
    why: "What the collector takes the program does not get. A collector that hardly ever stops \
        shows as slow requests everywhere and at no place, and a program near its memory limit gets \
        slower and slower without failing.",
    advice: "Give the collector room: GOMEMLIMIT well above the live heap, a larger GOGC. Allocate \
        less at the places that are named (reuse buffers, preallocate, sync.Pool); `go tool pprof \
        -sample_index=alloc_space` ranks them.",
    needs: "Marking ranges and labels of mark workers: Go 1.11 and later.",
    thresholds: [shares(25.0, 50.0), shares(30.0, 60.0), shares(50.0, 90.0)],
    percent_of: "all CPU time in the worst second, without idle marking",
    lost: None,
    off_in: &[Preset::Batch],
    watches: Kinds::MARKING
        .union(Kinds::MARK_ASSIST)
        .union(Kinds::CREDIT),
    detector: new,
    settings: &[],
    metric: Metric {
        name: "gotrace_gc_mark",
        reading: "One value for each collection. The rate of the sum by gotrace_observed_seconds_total \
            is the share of time in which the collector marks.",
        about: "how long each garbage collection marks",
        by_reason: None,
    },
    alert: Alert {
        percent: 25,
        hold: "10m",
        summary: "The garbage collector takes much of the CPU of {program}",
        happened: "the garbage collector took much of the CPU",
        gauge: None,
        meaning: "The garbage collector took more of the program's CPU than the threshold for a \
            second. That is more than the quarter that it takes while it marks: goroutines that \
            allocate have to help. The live heap is near the memory limit, GOGC is small, or the \
            program allocates very fast.",
    },
    panel: Panel {
        sum: "share of time in which the collector marks",
        sum_unit: "percentunit",
        beside: Beside::Sum,
    },
};

/// Up to this percentage of the live heap, the heap goal is set by a memory limit.
const AT_LIMIT: u64 = 102;
/// Up to this percentage of the live heap, the heap goal is that of a small GOGC.
const SMALL: u64 = 160;

const fn shares(warn: f64, error: f64) -> Thresholds {
    const fn limit(percent: f64) -> Limit {
        Limit {
            percent: Some(percent),
            ..Limit::value(20 * MS)
        }
    }
    Thresholds {
        warn: limit(warn),
        error: limit(error),
    }
}

/// Advice for a memory limit below the live heap.
const RAISE_LIMIT: &str = "Raise GOMEMLIMIT (debug.SetMemoryLimit) well above the live heap, or hold less memory. At the \
    limit the next collection starts as soon as one ends.";
/// Advice for a small GOGC.
const RAISE_GOGC: &str = "Raise GOGC: collections are as frequent as the heap may grow little between them. With \
    GOMEMLIMIT for the peak it can be 100 and more.";

/// Advice for collections that the program starts.
const DO_NOT_REQUEST: &str = "Do not call runtime.GC or debug.FreeOSMemory while the program works: the runtime collects \
    when it is due.";

/// Mark assists at one place.
#[derive(Clone, Copy)]
struct Assists {
    count: u64,
    worst: u64,
    total: u64,
    victim: Actor,
}

#[derive(Clone)]
struct GcPressure {
    settings: RuleSettings,
    marks: Distribution,
    /// Length of the longest marking phase.
    longest: u64,
    span: (Time, Time),
    first: Option<Time>,
    cut: u64,
    assists: HashMap<FrameKey, Assists, foldhash::fast::RandomState>,
    /// Collections whose heap goal and live heap before are known.
    judged: u64,
    /// Of these, the ones whose heap goal was at the live heap.
    at_limit: u64,
    /// Of these, the ones whose heap goal was little above the live heap.
    small: u64,
    /// Of these, the ones that the program started by `runtime.GC`.
    requested: u64,
    /// Whether the program started the last one by `runtime.GC`.
    is_requested: bool,
    live: Option<u64>,
    /// The goroutine that allocated most between two collections.
    top: Option<Allocator>,
}

fn new(settings: RuleSettings) -> Box<dyn Detector> {
    Box::new(GcPressure::of(settings))
}

impl Detector for GcPressure {
    fn interval(&mut self, i: &Interval, t: &Timeline) {
        match i.kind {
            Kind::Marking => self.marked(i, t),
            _ if i.owner == Owner::Program && !i.under_way => self.assisted(i, t),
            _ => {}
        }
    }

    fn heap_floor(&mut self, floor: HeapFloor, t: &Timeline) {
        // The goal of the collection that ends now was set at the end of the previous one.
        if let (Some(live), Some(goal)) = (self.live, t.heap_goal()) {
            let percent = u128::from(goal) * 100 / u128::from(live.max(1));
            self.judged += 1;
            self.at_limit += u64::from(percent <= u128::from(AT_LIMIT) && !self.is_requested);
            self.small += u64::from(percent <= u128::from(SMALL) && !self.is_requested);
            self.requested += u64::from(self.is_requested);
        } else if t.is_collector_off() {
            // With GOGC=off only a memory limit starts collections, or the program does.
            self.judged += 1;
            self.at_limit += u64::from(!self.is_requested);
            self.requested += u64::from(self.is_requested);
        }
        self.live = Some(floor.live);
        self.top = more(self.top, t.top_allocator());
    }

    fn measurement(&self) -> Option<Distribution> {
        Some(self.marks.clone())
    }

    fn verdict(&self, t: &Timeline) -> Verdict {
        let work = t.gc_work();
        if work.marking == 0 && self.marks.count() == 0 {
            return Verdict {
                not_applicable: Some("the trace holds no garbage collection".into()),
                ..Verdict::default()
            };
        }
        Verdict {
            measurement: self.marks.clone(),
            found: self.found(t).into_iter().collect(),
            ..Verdict::default()
        }
    }

    fn forget(&mut self, _: &Timeline) {
        *self = Self {
            live: self.live,
            ..Self::of(self.settings)
        };
    }

    fn held(&self) -> u64 {
        of_map(&self.assists, 1)
    }

    fn boxed_clone(&self) -> Box<dyn Detector> {
        Box::new(self.clone())
    }
}

impl GcPressure {
    fn of(settings: RuleSettings) -> Self {
        Self {
            settings,
            marks: Distribution::default(),
            longest: 0,
            span: (0, 0),
            first: None,
            cut: 0,
            assists: HashMap::default(),
            judged: 0,
            at_limit: 0,
            small: 0,
            requested: 0,
            is_requested: false,
            live: None,
            top: None,
        }
    }

    fn marked(&mut self, i: &Interval, t: &Timeline) {
        let mut frames = t.stacks().frames(i.by.stack);
        self.is_requested = frames.any(|f| f.function == "runtime.GC");
        self.marks.record(i.duration());
        self.cut += u64::from(i.is_cut());
        self.first.get_or_insert(i.start);
        if i.duration() >= self.longest {
            self.longest = i.duration();
            self.span.0 = i.start;
        }
        self.span.1 = i.end;
    }

    fn assisted(&mut self, i: &Interval, t: &Timeline) {
        let ns = parts(i, t).total();
        let place = t.stacks().traits(i.victim.stack).place;
        let at = self.assists.entry(place).or_insert(Assists {
            count: 0,
            worst: 0,
            total: 0,
            victim: i.victim,
        });
        at.count += 1;
        at.total = at.total.saturating_add(ns);
        if ns > at.worst {
            (at.worst, at.victim) = (ns, i.victim);
        }
    }

    /// Returns the finding if the collector's share crosses a threshold.
    fn found(&self, t: &Timeline) -> Option<Found> {
        let (work, [.., (_, utilization)]) = (t.gc_work(), t.minimum_utilization());
        let share = (1.0 - utilization) * 100.0;
        // GCPauseSpike reports long pauses.
        let marking = work.cpu.background + work.cpu.assist;
        if work.pauses > marking {
            return None;
        }
        // A damaged trace may show mark workers without a marking phase.
        if self.marks.count() == 0 {
            return None;
        }
        let crosses = |limit: Limit| {
            work.marking >= limit.value && limit.percent.is_some_and(|percent| share >= percent)
        };
        let Thresholds { warn, error } = self.settings.thresholds;
        let (severity, limit) = match (crosses(warn), crosses(error)) {
            (_, true) => (Severity::Error, error),
            (true, false) => (Severity::Warn, warn),
            (false, false) => return None,
        };
        let (cause, advice) = self.cause(t);
        let window = t.duration().min(SECOND) as f64;
        let part = |percent: f64| (window * percent / 100.0) as u64;
        let total = work.cpu.ratio(work.cpu.taken()) * t.duration() as f64;
        Some(Found {
            severity,
            threshold: part(limit.percent.unwrap_or_default()),
            group: self.group(part(share), total as u64, t),
            variant: "collector".into(),
            message: message(share, self.marks.count(), t),
            cause: Some(cause),
            advice,
        })
    }

    /// Returns the collections as occurrences at the places that assisted most. `worst` and `total` are the time for
    /// which the collector would have had all Ps, ns.
    fn group(&self, worst: u64, total: u64, t: &Timeline) -> Group {
        let mut places: Vec<_> = self.assists.iter().collect();
        places.retain(|(place, _)| place.is_some());
        places.sort_by_key(|(place, at)| (Reverse(at.total), **place));
        let top = self.top.map_or(Actor::NONE, |top| top.actor);
        let victim = places.first().map_or(top, |(_, at)| at.victim);
        let at = |(place, at): &(&FrameKey, &Assists)| AtPlace {
            place: **place,
            count: at.count,
            worst: at.worst,
        };
        let occurrence = Occurrence {
            value: worst,
            start: self.span.0,
            end: self
                .span
                .0
                .saturating_add(i64::try_from(self.longest).unwrap_or(0)),
            open: false,
            victim,
        };
        let place = t.stacks().traits(victim.stack).place;
        let mut group = Group::new(place, &occurrence);
        group.add(&occurrence, || Culprit::Goroutine(victim));
        group.count = self.marks.count();
        group.open = self.cut;
        // Both are rounded, and the trace may be no longer than the worst second.
        group.total = total.max(worst);
        group.first = self.first.unwrap_or(occurrence.start);
        group.last = self.span.1;
        group.places = places.iter().take(PLACES).map(at).collect();
        group.more_places = places.len().saturating_sub(PLACES) as u64;
        if group.places.is_empty() {
            group.places.push(AtPlace {
                place,
                count: group.count,
                worst: group.worst,
            });
        }
        group
    }

    fn cause(&self, t: &Timeline) -> (Cause, Option<&'static str>) {
        let live = units::bytes(self.live.unwrap_or(0));
        let seconds = t.duration().max(1) as f64 / 1e9;
        let rate = units::bytes((t.allocated() as f64 / seconds) as u64);
        let Allocator { actor, is_site, .. } = self.top.unwrap_or(Allocator::NONE);
        let by = match actor.stack.is_some() {
            true => format!(
                "; goroutine {} allocated most, {} {}",
                actor.g,
                seen(is_site),
                function(t, actor.stack)
            ),
            false => String::new(),
        };
        let (kind, text, advice) = if self.requested * 2 > self.judged {
            let text = format!("the program calls runtime.GC, with {live} that are live");
            (CauseKind::RequestedCollections, text, Some(DO_NOT_REQUEST))
        } else if self.at_limit * 2 > self.judged {
            let near = match t.is_collector_off() {
                true => "GOGC is off, and the memory limit is near the live heap",
                false => "the memory limit is below the live heap",
            };
            let text = format!("{near} ({live}): collections follow each other");
            (CauseKind::MemoryLimit, text, Some(RAISE_LIMIT))
        } else if self.small * 2 > self.judged {
            let text = format!(
                "the heap may grow only little above what is live ({live}): GOGC is small, or the memory limit near"
            );
            (CauseKind::SmallGogc, text, Some(RAISE_GOGC))
        } else {
            let text =
                format!("the program allocates {rate} each second beside {live} that are live");
            (CauseKind::AllocationRate, text, None)
        };
        let text = text + &by;
        (Cause { kind, text, actor }, advice)
    }
}

fn message(share: f64, cycles: u64, t: &Timeline) -> String {
    let (work, all) = (t.gc_work(), t.duration());
    let whole = work.cpu.ratio(work.cpu.taken()) * 100.0;
    let (duration, marking) = (units::duration(all), units::duration(work.marking));
    let took = match all > SECOND {
        true => {
            format!("{share:.0} % of the CPU in the worst second, {whole:.0} % in all {duration}")
        }
        false => format!("{share:.0} % of the CPU within {duration}"),
    };
    format!("the garbage collector took {took}: {cycles} collections marked for {marking}")
}

/// Returns the goroutine that allocated more, of those that have a place.
fn more(known: Option<Allocator>, new: Option<Allocator>) -> Option<Allocator> {
    match (known, new) {
        (Some(a), Some(b)) if b.bytes > a.bytes || !a.actor.stack.is_some() => Some(b),
        (None, new) => new,
        (known, _) => known,
    }
}
