//! Idle processors beside runnable goroutines.

use super::detector::{Description, Detector, Signal, Verdict};
use super::{Distribution, MS, Rule, RuleSettings, SECOND, Severity, Unit, times};
use crate::timeline::{Interval, Timeline, kinds};
use crate::units;

/// The registry's entry.
pub static RULE: Rule = Rule {
    name: "ProcessorStarvation",
    unit: Unit::Nanoseconds,
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
    watches: kinds::STARVATION,
    detector: new,
};

#[derive(Clone)]
struct ProcessorStarvation(Signal);

fn new(settings: RuleSettings) -> Box<dyn Detector> {
    Box::new(ProcessorStarvation(Signal::new(&settings)))
}

impl Detector for ProcessorStarvation {
    fn interval(&mut self, i: &Interval, t: &Timeline) {
        self.0.see(i, t, |o| {
            if !o.victim.g.is_some() {
                o.victim = t.longest_runnable().unwrap_or(o.victim);
            }
            (t.stacks().traits(o.victim.stack).function, o.victim)
        });
    }

    fn measurement(&self) -> Option<Distribution> {
        self.0.measurement()
    }

    fn verdict(&self, _: &Timeline) -> Verdict {
        self.0.verdict(|group| Description {
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
        self.0.forget();
    }

    fn boxed_clone(&self) -> Box<dyn Detector> {
        Box::new(self.clone())
    }
}
