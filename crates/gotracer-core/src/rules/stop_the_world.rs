//! Stop-the-worlds that are not the garbage collector's.

use super::detector::{Detector, Verdict};
use super::stops::{Stops, is_tracers};
use super::{
    Alert, Beside, Distribution, Lost, MS, Metric, Panel, Rule, RuleSettings, Unit, times,
};
use crate::timeline::{Interval, Kind, Kinds, Timeline, is_collectors_stop};

/// The registry's entry.
pub(super) static RULE: Rule = Rule {
    name: "StopTheWorld",
    unit: Unit::Nanoseconds,
    brief: "stop-the-worlds for other reasons: heap dumps, goroutine profiles, ReadMemStats, GOMAXPROCS",
    summary: "Stop-the-world pauses that are not the garbage collector's, by reason: heap dumps, \
        goroutine profiles, runtime.ReadMemStats, changes of GOMAXPROCS. Those of tracing itself \
        do not count.",
    why: "While the world is stopped no goroutine runs. Such stops come from code that \
        observes the program, and last longer the larger the program is.",
    advice: "Do what stops the world less often, or not at all: runtime/metrics instead of \
        runtime.ReadMemStats, one goroutine profile a minute instead of one a second, no heap dump \
        (debug.WriteHeapDump) and no runtime.Stack of all goroutines in production.",
    needs: "Stop-the-world ranges: Go 1.11 and later.",
    thresholds: times([(MS, 10 * MS), (5 * MS, 20 * MS), (50 * MS, 200 * MS)]),
    percent_of: "",
    lost: Some(Lost {
        to: "stop-the-world pauses",
        many: None,
        counted: "goroutines",
    }),
    off_in: &[],
    watches: Kinds::STOP_THE_WORLD,
    detector: new,
    settings: &[],
    metric: Metric {
        name: "gotrace_other_stop",
        reading: "gotrace_stop_the_world_seconds has the same stops by reason.",
        about: "stop-the-worlds that are neither the collector's nor the tracer's",
        by_reason: None,
    },
    alert: Alert {
        percent: 25,
        hold: "10m",
        summary: "{program} is stopped for long, and not by the garbage collector",
        happened: "the program was stopped for long for another reason than garbage collection",
        gauge: None,
        meaning: "Something other than the garbage collector stopped all goroutines of the program \
            for longer than the threshold. Every request in flight was delayed by the whole pause. \
            The finding names the reason and the code that asked for the stop.",
    },
    panel: Panel {
        sum: "share of time stopped",
        sum_unit: "percentunit",
        beside: Beside::Sum,
    },
};

#[derive(Clone)]
struct StopTheWorld {
    settings: RuleSettings,
    stops: Stops,
}

fn new(settings: RuleSettings) -> Box<dyn Detector> {
    Box::new(StopTheWorld {
        settings,
        stops: Stops::default(),
    })
}

impl Detector for StopTheWorld {
    fn interval(&mut self, i: &Interval, t: &Timeline) {
        let Kind::StopTheWorld(reason) = i.kind else {
            return;
        };
        let name = t.stop_reason(reason);
        if is_collectors_stop(name) || is_tracers(name) {
            return;
        }
        self.stops.measure(i, reason, t);
        if self.settings.thresholds.crossed_by(i, i.duration(), t) {
            let asked = t.stacks().traits(i.victim.stack).place;
            // The goroutine that requested the stop works while the world is stopped, without an event.
            self.stops.judge(i, reason, asked, 0, t);
        }
    }

    fn measurement(&self) -> Option<Distribution> {
        let stops = self.stops.by_reason();
        Some(Distribution::of_all(stops.map(|(_, seen)| seen)))
    }

    fn verdict(&self, t: &Timeline) -> Verdict {
        Verdict {
            measurement: self.measurement().unwrap_or_default(),
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
