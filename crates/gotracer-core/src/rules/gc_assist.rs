//! Goroutines that do the garbage collector's work.

use std::collections::HashMap;

use super::detector::{Description, Detector, Verdict};
use super::signal::Signal;
use super::{
    Alert, Beside, Distribution, Lost, MS, Metric, Panel, Rule, RuleSettings, Severity, Unit, times,
};
use crate::timeline::{Assisted, FrameKey, Interval, Kind, Kinds, Owner, Timeline};
use crate::trace::GoId;
use crate::trace::internal::of_map;
use crate::units;

/// The registry's entry.
pub(super) static RULE: Rule = Rule {
    name: "GCAssist",
    unit: Unit::Nanoseconds,
    brief: "goroutines that do the collector's work",
    summary: "Mark assists: time in which a goroutine that allocates marks, or waits until \
        others have marked enough. Time in which it waits for a processor, for others to \
        end marking, or under a stop-the-world is left out.",
    why: "The program allocates faster than the collector marks, and the collector takes \
        the time from those who allocate. Requests get slower just when there are \
        many.",
    advice: "Allocate less where the stack says (reuse buffers, preallocate, avoid \
        conversions), or give the collector a head start: a larger GOGC, GOMEMLIMIT \
        instead of a small GOGC, more CPU.",
    needs: "Mark assist ranges: Go 1.11 and later.",
    thresholds: times([(MS, 10 * MS), (5 * MS, 50 * MS), (50 * MS, 500 * MS)]),
    percent_of: "",
    lost: Some(Lost {
        to: "mark assists",
        many: Some("goroutines were in mark assists"),
        counted: "goroutines",
    }),
    off_in: &[],
    watches: Kinds::MARK_ASSIST.union(Kinds::CREDIT),
    detector: new,
    settings: &[],
    metric: Metric {
        name: "gotrace_mark_assist",
        reading: "The rate of the sum by gotrace_observed_seconds_total is how many goroutines work \
            for the collector instead of for their callers.",
        about: "goroutines that mark for the collector, or wait for credit",
        by_reason: None,
    },
    alert: Alert {
        percent: 25,
        hold: "10m",
        summary: "Goroutines of {program} do the work of the garbage collector",
        happened: "goroutines that allocate had to do the work of the garbage collector",
        gauge: None,
        meaning: "Goroutines that allocate marked for the garbage collector, or waited until others \
            had marked, for longer than the threshold. The program allocates faster than the \
            collector marks, and requests pay for that when there are most of them.",
    },
    panel: Panel {
        sum: "goroutines working for the collector",
        sum_unit: "short",
        beside: Beside::Sum,
    },
};

/// Advice for goroutines that mostly waited for the end of marking.
const COLLECT_LESS: &str = "Let the collector run less often: a larger GOGC, GOMEMLIMIT well above the live heap, \
    fewer allocations. Marking was nearly over, and the goroutine waited for the last ones to end it.";

#[derive(Clone)]
struct GcAssist {
    signal: Signal,
    /// Time in marking by goroutine, ns.
    marked: HashMap<GoId, u64, foldhash::fast::RandomState>,
    /// The parts of the worst assist at each place.
    worst: HashMap<FrameKey, Assisted, foldhash::fast::RandomState>,
}

fn new(settings: RuleSettings) -> Box<dyn Detector> {
    Box::new(GcAssist {
        signal: Signal::new(&settings),
        marked: HashMap::default(),
        worst: HashMap::default(),
    })
}

impl Detector for GcAssist {
    fn interval(&mut self, i: &Interval, t: &Timeline) {
        if i.owner != Owner::Program {
            return;
        }
        let parts = parts(i, t);
        if !i.under_way {
            let marked = self.marked.entry(i.victim.g).or_default();
            *marked = marked.saturating_add(parts.marking);
        }
        let place = t.stacks().traits(i.victim.stack).place;
        self.signal.see(i, parts.total(), t, |_| {
            let worst = self.worst.entry(place).or_default();
            if parts.total() > worst.total() {
                *worst = parts;
            }
            place
        });
    }

    fn measurement(&self) -> Option<Distribution> {
        self.signal.measurement()
    }

    fn verdict(&self, t: &Timeline) -> Verdict {
        self.signal.verdict(|group| {
            let parts = self.worst.get(&group.place).copied().unwrap_or_default();
            let waited_for_end = parts.ending > parts.total();
            Description {
                variant: "",
                message: format!(
                    "goroutine {} {}{}",
                    group.victim.g,
                    message(parts),
                    self.share(group.victim.g, t)
                ),
                cause: None,
                at_most: Severity::Error,
                advice: waited_for_end.then_some(COLLECT_LESS),
            }
        })
    }

    fn forget(&mut self, t: &Timeline) {
        self.signal.forget();
        self.worst.clear();
        // The share refers to the goroutine's whole life.
        self.marked.retain(|&g, _| t.find(g).is_some());
    }

    fn held(&self) -> u64 {
        self.signal.held() + of_map(&self.marked, 1) + of_map(&self.worst, 1)
    }

    fn boxed_clone(&self) -> Box<dyn Detector> {
        Box::new(self.clone())
    }
}

impl GcAssist {
    /// Returns all marking as a share of the time the goroutine ran, if the latter is known.
    fn share(&self, g: GoId, t: &Timeline) -> String {
        let marked = self.marked.get(&g).copied().unwrap_or(0);
        match t.find(g).map(|g| g.ran) {
            Some(ran) if ran >= marked && ran > 0 => {
                let percent = marked as f64 / ran as f64 * 100.0;
                format!("; marking took {percent:.0} % of its run time in all")
            }
            _ => String::new(),
        }
    }
}

/// Returns the parts of an assist: marking, waiting for credit, waiting for the end of marking.
pub(super) fn parts(i: &Interval, t: &Timeline) -> Assisted {
    match i.kind {
        Kind::MarkAssist => t.assisted(i.victim.g).unwrap_or_default(),
        _ => Assisted {
            credit: i.duration(),
            ..Assisted::default()
        },
    }
}

fn message(parts: Assisted) -> String {
    let Assisted {
        marking,
        credit,
        ending,
    } = parts;
    let total = units::duration(parts.total());
    let mut text = match credit > marking {
        true => format!(
            "assisted the garbage collector for {total}, of which it waited {} for credit",
            units::duration(credit)
        ),
        false => format!("assisted the garbage collector for {total}"),
    };
    if ending > parts.total() {
        let ending = units::duration(ending);
        text += &format!(", and waited {ending} for others to end marking");
    }
    text
}
