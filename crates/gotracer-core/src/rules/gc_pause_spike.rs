//! Garbage collections that stop the world for too long.

use super::detector::{Cause, Description, Detector, Groups, Occurrence, Verdict};
use super::{
    Alert, Beside, ByReason, Distribution, MS, Metric, Panel, Rule, RuleSettings, Setting,
    Severity, Unit, function, times,
};
use crate::timeline::{FrameKey, Interval, Kind, Kinds, Timeline};
use crate::units;

/// The registry's entry.
pub static RULE: Rule = Rule {
    name: "GCPauseSpike",
    unit: Unit::Nanoseconds,
    brief: "the collector's stop-the-worlds, and who was the last to stop",
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
    settings: &[Setting {
        key: "all_stops",
        about: "Judges also the stop-the-worlds that are not the collector's, such as a change of \
            GOMAXPROCS or runtime.ReadMemStats.",
    }],
    metric: Metric {
        name: "gotrace_gc_pause",
        reading: "The rate of the sum by gotrace_observed_seconds_total is the share of time in which \
            the collector stopped the program.",
        about: "the collector's stop-the-worlds, until the world runs again",
        by_reason: Some(ByReason {
            name: "gotrace_stop_the_world",
            help: "All stop-the-world pauses by their reason, the collector's and the others. Of \
                these, the rule GCPauseSpike judges the collector's alone.",
            about: "all stop-the-worlds by reason, the collector's and others",
        }),
    },
    alert: Alert {
        percent: 10,
        hold: "5m",
        summary: "The garbage collector stops {program} for long",
        happened: "the garbage collector stopped the program for long",
        gauge: None,
        meaning: "The garbage collector stopped all goroutines of the program for longer than the \
            threshold. Every request in flight was delayed by the whole pause. Collecting itself \
            is concurrent. Most of a long pause is the way to the stop, because one goroutine or \
            thread was slow to reach it.",
    },
    panel: Panel {
        sum: "share of time stopped",
        sum_unit: "percentunit",
        beside: Beside::ByReason {
            title: "Stop-the-world by reason",
            description: "Share of time in which all of the program stands still, for the collector and \
                for others. Reasons other than GC: somebody calls ReadMemStats, takes goroutine \
                profiles or changes GOMAXPROCS; make them call it less often.",
        },
    },
};

/// Index of the setting `all_stops`.
const ALL_STOPS: usize = 0;

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
        let judged = is_collectors(name) || (self.settings.own[ALL_STOPS] && !is_tracers(name));
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
