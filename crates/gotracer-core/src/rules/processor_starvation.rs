//! Idle processors beside runnable goroutines.

use super::detector::{Description, Detector, Occurrence, Verdict};
use super::signal::Signal;
use super::{
    Alert, Beside, Distribution, Line, Lost, MS, Metric, Panel, Rule, RuleSettings, SECOND,
    Severity, Unit, times,
};
use crate::timeline::{FrameKey, Interval, Kinds, Owner, Timeline};
use crate::trace::internal::of_vec;
use crate::units;

/// The registry's entry.
pub(super) static RULE: Rule = Rule {
    name: "ProcessorStarvation",
    unit: Unit::Nanoseconds,
    brief: "idle processors beside runnable goroutines",
    summary: "Time in which a processor (P) stood idle while a goroutine was runnable. An \
        idle service has none, and time under a stop-the-world is the stop's.",
    why: "There was work and there was a processor, and they did not meet: the program \
        is slower than its GOMAXPROCS promises. The usual reason is that the operating \
        system did not run the thread that was to take the processor.",
    advice: "Compare GOMAXPROCS with the CPU the container really gets: a CPU quota below \
        GOMAXPROCS throttles all threads at once (look at \
        container_cpu_cfs_throttled_periods_total). Lower GOMAXPROCS to the quota (Go \
        1.25 does so by itself), raise the quota, or move noisy neighbours away.",
    needs: "Processor and goroutine state transitions: Go 1.11 and later.",
    thresholds: times([(MS, 10 * MS), (10 * MS, 100 * MS), (100 * MS, SECOND)]),
    percent_of: "",
    lost: Some(Lost {
        to: "idle Ps beside runnable goroutines",
        many: Some("Ps were idle beside runnable goroutines"),
        counted: "idle Ps",
    }),
    off_in: &[],
    watches: Kinds::STARVATION,
    detector: new,
    settings: &[],
    metric: Metric {
        name: "gotrace_processor_starvation",
        reading: "The rate of the sum by gotrace_observed_seconds_total is how many processors stand \
            idle beside work; compare with CPU throttling.",
        about: "idle processors beside runnable goroutines",
        by_reason: None,
    },
    alert: Alert {
        percent: 25,
        hold: "10m",
        summary: "Processors of {program} stand idle beside work",
        happened: "processors stood idle while goroutines could run",
        gauge: None,
        meaning: "A processor of Go (one of GOMAXPROCS) stood idle for longer than the threshold while \
            a goroutine could have run. There was work, there was a processor, and they did not \
            meet. The usual reason is not in the program: the operating system did not run the \
            thread that was to take the work.",
    },
    panel: Panel {
        sum: "processors idle beside work",
        sum_unit: "short",
        beside: Beside::Values {
            title: "Processors idle beside work",
            description: "Processors that stand idle while a goroutine could run, on average, and \
                GOMAXPROCS. More than a few hundredths: compare with CPU throttling of the \
                container.",
            unit: "short",
            log: true,
            lines: &[
                Line {
                    expr: "$sum",
                    legend: "",
                    right: None,
                },
                Line {
                    expr: "max by (instance) (gotrace_gomaxprocs_threads{$target})",
                    legend: "GOMAXPROCS",
                    right: None,
                },
            ],
        },
    },
};

#[derive(Clone)]
struct ProcessorStarvation {
    signal: Signal,
    /// Intervals of goroutines that had not shown a stack by then. They may be the runtime's.
    unplaced: Vec<Interval>,
}

fn new(settings: RuleSettings) -> Box<dyn Detector> {
    Box::new(ProcessorStarvation {
        signal: Signal::new(&settings),
        unplaced: Vec::new(),
    })
}

impl Detector for ProcessorStarvation {
    fn interval(&mut self, i: &Interval, t: &Timeline) {
        self.signal.measure(i, i.duration());
        // Most are short, and to find the victim takes longer than to count them.
        if !self.signal.crosses(i, t) {
            return;
        }
        let mut i = *i;
        if !i.victim.g.is_some() {
            i.victim = t.longest_runnable().unwrap_or(i.victim);
        }
        if i.victim.stack.is_some() {
            self.signal.judge(&i, i.duration(), t, |o| placed(o, t));
        } else {
            self.unplaced.push(i);
        }
    }

    fn measurement(&self) -> Option<Distribution> {
        self.signal.measurement()
    }

    fn verdict(&self, t: &Timeline) -> Verdict {
        let mut signal = self.signal.clone();
        for i in &self.unplaced {
            let mut i = *i;
            let Some(g) = t.find(i.victim.g) else {
                continue;
            };
            i.victim.stack = g.best_stack();
            if g.owner == Owner::Program && i.victim.stack.is_some() {
                signal.judge(&i, i.duration(), t, |o| placed(o, t));
            }
        }
        signal.verdict(|group| Description {
            variant: "",
            message: format!(
                "goroutine {} was runnable while a processor stood idle for {}",
                group.victim.g,
                units::duration(group.worst)
            ),
            cause: None,
            at_most: Severity::Error,
            advice: None,
        })
    }

    fn forget(&mut self, _: &Timeline) {
        self.signal.forget();
        self.unplaced.clear();
    }

    fn held(&self) -> u64 {
        self.signal.held() + of_vec(&self.unplaced, 1)
    }

    fn boxed_clone(&self) -> Box<dyn Detector> {
        Box::new(self.clone())
    }
}

/// Groups by function, because the line of the delayed goroutine is incidental.
fn placed(o: &Occurrence, t: &Timeline) -> FrameKey {
    t.stacks().traits(o.victim.stack).function
}
