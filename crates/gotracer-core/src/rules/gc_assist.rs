//! Goroutines that do the garbage collector's work.

use std::collections::HashMap;

use super::detector::{Description, Detector, Signal, Verdict};
use super::{Distribution, MS, Rule, RuleSettings, Severity, Unit, times};
use crate::timeline::{Interval, Owner, Timeline, kinds};
use crate::trace::GoId;
use crate::units;

/// The registry's entry.
pub static RULE: Rule = Rule {
    name: "GCAssist",
    unit: Unit::Nanoseconds,
    summary: "Mark assists: time in which a goroutine that allocates is made to mark, or to \
        wait until others have marked enough.",
    why: "The program allocates faster than the collector marks, and the collector takes \
        the time from those who allocate. Requests get slower just when there are \
        many.",
    advice: "Allocate less where the stack says (reuse buffers, preallocate, avoid \
        conversions), or give the collector a head start: a larger GOGC, GOMEMLIMIT \
        instead of a small GOGC, more CPU.",
    needs: "Mark assist ranges: Go 1.11 and later.",
    thresholds: times([(MS, 10 * MS), (5 * MS, 50 * MS), (50 * MS, 500 * MS)]),
    watches: kinds::MARK_ASSIST | kinds::CREDIT,
    detector: new,
};

#[derive(Clone)]
struct GcAssist {
    signal: Signal,
    /// Time each goroutine spent assisting, ns.
    by_goroutine: HashMap<GoId, u64, foldhash::fast::RandomState>,
}

fn new(settings: RuleSettings) -> Box<dyn Detector> {
    Box::new(GcAssist {
        signal: Signal::new(&settings),
        by_goroutine: HashMap::default(),
    })
}

impl Detector for GcAssist {
    fn interval(&mut self, i: &Interval, t: &Timeline) {
        if i.owner == Owner::Program {
            if !i.under_way {
                *self.by_goroutine.entry(i.victim.g).or_default() += i.duration();
            }
            let place = t.stacks().traits(i.victim.stack).place;
            self.signal.see(i, t, |o| (place, o.victim));
        }
    }

    fn measurement(&self) -> Option<Distribution> {
        self.signal.measurement()
    }

    fn verdict(&self, t: &Timeline) -> Verdict {
        self.signal.verdict(|group| Description {
            variant: "",
            message: format!(
                "goroutine {} assisted the garbage collector for {}{}",
                group.victim.g,
                units::duration(group.worst),
                self.share(group.victim.g, t)
            ),
            cause: None,
            at_most: Severity::Error,
        })
    }

    fn forget(&mut self, t: &Timeline) {
        self.signal.forget();
        // A share is that of a goroutine's whole life.
        self.by_goroutine.retain(|&g, _| t.find(g).is_some());
    }

    fn boxed_clone(&self) -> Box<dyn Detector> {
        Box::new(self.clone())
    }
}

impl GcAssist {
    /// All its assists as a share of the time the goroutine ran, where it is
    /// known how long it ran.
    fn share(&self, g: GoId, t: &Timeline) -> String {
        let assisted = self.by_goroutine.get(&g).copied().unwrap_or(0);
        match t.find(g).map(|g| g.ran) {
            Some(ran) if ran >= assisted && ran > 0 => {
                let percent = assisted as f64 / ran as f64 * 100.0;
                format!(" ({percent:.0} % of its run time in all)")
            }
            _ => String::new(),
        }
    }
}
