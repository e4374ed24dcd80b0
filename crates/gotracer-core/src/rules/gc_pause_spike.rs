//! Garbage collections that stop the world for too long.

use super::detector::{Detector, Verdict};
use super::stops::Stops;
use super::{
    Alert, Beside, ByReason, Distribution, Lost, MS, Metric, Panel, Rule, RuleSettings, Setting,
    Unit, times,
};
use crate::timeline::{FrameKey, Interval, Kind, Kinds, Timeline, is_collectors_stop};

/// The registry's entry.
pub(super) static RULE: Rule = Rule {
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
    percent_of: "",
    lost: Some(Lost {
        to: "GC pauses",
        many: None,
        counted: "goroutines",
    }),
    off_in: &[],
    watches: Kinds::STOP_THE_WORLD,
    detector: new,
    settings: &[Setting {
        key: "all_stops",
        about: "Does nothing: the rule StopTheWorld judges the stop-the-worlds that are not the \
            collector's.",
        retired: Some(
            "the rule StopTheWorld judges the stop-the-worlds that are not the collector's",
        ),
    }],
    metric: Metric {
        name: "gotrace_gc_pause",
        reading: "The rate of the sum by gotrace_observed_seconds_total is the share of time in which \
            the collector stopped the program.",
        about: "the collector's stop-the-worlds, until the world runs again",
        by_reason: Some(ByReason {
            name: "gotrace_stop_the_world",
            help: "All stop-the-world pauses by their reason, the collector's and the others. The \
                rule GCPauseSpike judges the collector's, StopTheWorld the others.",
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

#[derive(Clone)]
struct GcPauseSpike {
    settings: RuleSettings,
    stops: Stops,
    /// Place at which the program last started a collection.
    starter: FrameKey,
}

fn new(settings: RuleSettings) -> Box<dyn Detector> {
    Box::new(GcPauseSpike {
        settings,
        stops: Stops::default(),
        starter: FrameKey::default(),
    })
}

impl Detector for GcPauseSpike {
    fn interval(&mut self, i: &Interval, t: &Timeline) {
        let Kind::StopTheWorld(reason) = i.kind else {
            return;
        };
        self.stops.measure(i, reason, t);
        if !is_collectors_stop(t.stop_reason(reason)) {
            return;
        }
        let asked = t.stacks().traits(i.victim.stack);
        if asked.own {
            self.starter = asked.place;
        }
        if self.settings.thresholds.crossed_by(i, i.duration(), t) {
            // The collector's own goroutine stops the world for the one in the program that started the cycle.
            let asked = match asked.own || !self.starter.is_some() {
                true => asked.place,
                false => self.starter,
            };
            self.stops.judge(i, reason, asked, t.silent_stop(), t);
        }
    }

    fn measurement(&self) -> Option<Distribution> {
        let pauses = self.stops.by_reason();
        let pauses = pauses.filter(|(reason, _)| is_collectors_stop(reason));
        Some(Distribution::of_all(pauses.map(|(_, seen)| seen)))
    }

    fn verdict(&self, t: &Timeline) -> Verdict {
        Verdict {
            measurement: self.measurement().unwrap_or_default(),
            by_reason: self.stops.by_reason().cloned().collect(),
            found: self.stops.found(&self.settings.thresholds, t),
            ..Verdict::default()
        }
    }

    fn forget(&mut self, _: &Timeline) {
        self.stops.forget();
    }

    fn held(&self) -> u64 {
        self.stops.held()
    }

    fn boxed_clone(&self) -> Box<dyn Detector> {
        Box::new(self.clone())
    }
}
