//! Garbage collections that stop the world for too long.

use super::detector::{Cause, Description, Detector, Groups, Occurrence, Verdict};
use super::{Distribution, MS, Rule, RuleSettings, Severity, Unit, function, times};
use crate::timeline::{FrameKey, Interval, Kind, Kinds, Timeline};
use crate::units;

/// The registry's entry.
pub static RULE: Rule = Rule {
    name: "GCPauseSpike",
    unit: Unit::Nanoseconds,
    summary: "Stop-the-world pauses of the garbage collector: sweep termination and mark \
        termination.",
    why: "While the world is stopped no goroutine runs. Every request in flight is \
        delayed by the whole pause, and a pause is only as short as the slowest \
        goroutine is to stop.",
    advice: "Look at what ran when the world was to stop: a goroutine in a long assembly \
        loop or a large copy, or a thread that the operating system or a CPU limit did \
        not let run. Split large copies, give the container more CPU, or collect less \
        often (a larger GOGC with GOMEMLIMIT, fewer allocations).",
    needs: "Stop-the-world ranges: Go 1.11 and later.",
    thresholds: times([(MS, 10 * MS), (5 * MS, 20 * MS), (50 * MS, 200 * MS)]),
    watches: Kinds::STOP_THE_WORLD,
    detector: new,
};

/// Stops of the collector, in the words of all Go versions.
pub fn is_collectors(reason: &str) -> bool {
    reason.contains("mark termination") || reason.contains("sweep termination")
}

/// Stops that would not be there without the trace.
fn is_tracers(reason: &str) -> bool {
    matches!(reason, "start trace" | "stop trace")
}

#[derive(Clone)]
struct GcPauseSpike {
    settings: RuleSettings,
    /// What was seen of each reason, by its number, with its name.
    by_reason: Vec<(String, Distribution)>,
    /// Tagged with the reason's number.
    groups: Groups,
    /// Where the program last started a collection.
    starter: FrameKey,
}

fn new(settings: RuleSettings) -> Box<dyn Detector> {
    Box::new(GcPauseSpike {
        settings,
        by_reason: Vec::new(),
        groups: Groups::default(),
        starter: FrameKey::default(),
    })
}

impl GcPauseSpike {
    /// The place that asked for a stop: where the collector's own goroutine
    /// did, the one in the program that started the cycle.
    fn asked(&self, i: &Interval, t: &Timeline) -> FrameKey {
        let asked = t.stacks().traits(i.victim.stack);
        match asked.own || !self.starter.is_some() {
            true => asked.place,
            false => self.starter,
        }
    }
}

impl Detector for GcPauseSpike {
    fn interval(&mut self, i: &Interval, t: &Timeline) {
        let Kind::StopTheWorld(reason) = i.kind else {
            return;
        };
        // Reasons are numbered in the order of their first stop.
        let number = reason.index();
        while self.by_reason.len() <= number {
            self.by_reason.push(Default::default());
        }
        let name = t.stop_reason(reason);
        let (known, seen) = &mut self.by_reason[number];
        if known.is_empty() {
            name.clone_into(known);
        }
        if !i.under_way {
            seen.record(i.duration());
        }
        let asked = t.stacks().traits(i.victim.stack);
        if is_collectors(name) && asked.own {
            self.starter = asked.place;
        }
        let judged = is_collectors(name) || (self.settings.all_stops && !is_tracers(name));
        if judged && self.settings.thresholds.crossed_by(i, i.duration(), t) {
            // What is to be changed is what the stop waited for, if that is
            // known, else what asked for it.
            let held_up = t.stacks().traits(i.by.stack).place;
            let place = if held_up.is_some() {
                held_up
            } else {
                self.asked(i, t)
            };
            let tag = number as u8;
            let by = || (i.by, 0);
            self.groups.add(place, tag, &Occurrence::of(i), by);
        }
    }

    fn measurement(&self) -> Option<Distribution> {
        let seen = self.by_reason.iter();
        let pauses = seen.filter(|(name, _)| is_collectors(name));
        Some(Distribution::of_all(pauses.map(|(_, d)| d)))
    }

    fn verdict(&self, t: &Timeline) -> Verdict {
        let seen = self.by_reason.iter().filter(|(_, d)| d.count() > 0);
        let found = self.groups.found(&self.settings.thresholds, |tag, group| {
            let (reason, _) = &self.by_reason[usize::from(tag)];
            let cause = group.by.g.is_some().then(|| Cause {
                kind: "late_to_stop",
                text: format!(
                    "goroutine {} was the last to stop, in {}",
                    group.by.g,
                    function(t, group.by.stack)
                ),
                actor: group.by,
            });
            Description {
                variant: reason,
                message: format!(
                    "the world was stopped for {} ({reason})",
                    units::duration(group.worst)
                ),
                cause,
                at_most: Severity::Error,
                advice: None,
            }
        });
        Verdict {
            measurement: self.measurement().unwrap_or_default(),
            by_reason: seen.cloned().collect(),
            found,
            ..Verdict::default()
        }
    }

    fn forget(&mut self, _: &Timeline) {
        self.by_reason.clear();
        self.groups = Groups::default();
    }

    fn held(&self) -> u64 {
        self.groups.held()
    }

    fn boxed_clone(&self) -> Box<dyn Detector> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_collector_s_stops_are_pauses() {
        assert!(is_collectors("GC mark termination"));
        assert!(is_collectors("GC sweep termination"));
        for other in [
            "read mem stats",
            "GOMAXPROCS",
            "goroutine profile",
            "start trace",
        ] {
            assert!(!is_collectors(other));
        }
    }
}
