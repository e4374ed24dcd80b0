//! Time in which the process did not run.

use super::cause::{Cause, CauseKind, Culprit};
use super::detector::{Description, Detector, Group, Groups, Occurrence, Verdict};
use super::{
    Alert, Beside, Distribution, Limit, MS, Metric, Panel, Rule, RuleSettings, Severity,
    Thresholds, Unit, function,
};
use crate::timeline::{Interval, Kind, Kinds, Timeline};
use crate::units;

/// The registry's entry.
pub(super) static RULE: Rule = Rule {
    name: "ProcessStalled",
    unit: Unit::Nanoseconds,
    brief: "time without an event of any thread: a CPU quota, a stopped process, one long operation",
    summary: "Time of 50 ms and more in which no thread wrote an event although a goroutine was \
        running and the world was not stopped: the process did not run, or one operation could not \
        be interrupted. At least three that make up a part of the trace are a finding that fails.",
    why: "The runtime preempts a running goroutine within 20 ms, which is an event. Without any, \
        the operating system ran no thread of the process: everything in the program stood still, \
        and nothing in the program is to blame.",
    advice: "Compare with container_cpu_cfs_throttled_periods_total: a CPU quota below what the \
        program uses stops all threads at once for most of each 100 ms. Raise the quota, lower \
        GOMAXPROCS to it (Go 1.25 does so by itself), or move noisy neighbours away. A single gap \
        may be one large copy or clear: a trace with a CPU profile tells which.",
    needs: "Events of all threads: Go 1.11 and later.",
    thresholds: [shares(2.0, 10.0), shares(5.0, 30.0), shares(10.0, 50.0)],
    percent_of: "the trace's duration, in at least three gaps",
    lost: None,
    off_in: &[],
    watches: Kinds::SILENCE,
    detector: new,
    settings: &[],
    metric: Metric {
        name: "gotrace_process_stall",
        reading: "The rate of the sum by gotrace_observed_seconds_total is the share of time in which \
            the process did not run.",
        about: "gaps of 50 ms and more without an event of any thread while a goroutine was running",
        by_reason: None,
    },
    alert: Alert {
        percent: 25,
        hold: "10m",
        summary: "{program} does not get the CPU it needs",
        happened: "the process did not run for 50 ms and more, again and again",
        gauge: None,
        meaning: "No thread of the program ran for 50 ms and more, again and again, although \
            goroutines were running. A CPU quota throttles the container, the host is busy, or the \
            process is stopped from outside. Waits of that time are nobody's fault in the program.",
    },
    panel: Panel {
        sum: "share of time in which the process did not run",
        sum_unit: "percentunit",
        beside: Beside::Sum,
    },
};

/// Minimum number of gaps for a severity above info.
const LEAST: u64 = 3;

const fn shares(warn: f64, error: f64) -> Thresholds {
    const fn limit(percent: f64) -> Limit {
        Limit {
            percent: Some(percent),
            ..Limit::value(50 * MS)
        }
    }
    Thresholds {
        warn: limit(warn),
        error: limit(error),
    }
}

/// Advice for one operation that CPU samples show.
const SPLIT: &str = "Copy or clear a few MiB at a time. The runtime cannot preempt a goroutine within such an operation, \
    and a garbage collection that begins meanwhile stops all others until it ends.";

/// Tags of groups: the kind of the gap.
mod tag {
    /// The process did not run, or one operation could not be interrupted.
    pub(super) const STALL: u8 = 0;
    /// CPU samples show one operation.
    pub(super) const OPERATION: u8 = 1;
}

#[derive(Clone)]
struct ProcessStalled {
    settings: RuleSettings,
    seen: Distribution,
    groups: Groups,
}

fn new(settings: RuleSettings) -> Box<dyn Detector> {
    Box::new(ProcessStalled {
        settings,
        seen: Distribution::default(),
        groups: Groups::default(),
    })
}

impl Detector for ProcessStalled {
    fn interval(&mut self, i: &Interval, t: &Timeline) {
        if i.kind != Kind::Silence {
            return;
        }
        let operation = i.by.g.is_some();
        if !operation {
            self.seen.record(i.duration());
        }
        if i.duration() < self.settings.thresholds.warn.value {
            return;
        }
        let mut occurrence = Occurrence::of(i);
        let mut tag = tag::STALL;
        if operation {
            (occurrence.victim, tag) = (i.by, tag::OPERATION);
        }
        let place = t.stacks().traits(occurrence.victim.stack).place;
        let by = Culprit::Goroutine(occurrence.victim);
        self.groups.add(place, tag, &occurrence, || by);
    }

    fn measurement(&self) -> Option<Distribution> {
        Some(self.seen.clone())
    }

    fn verdict(&self, t: &Timeline) -> Verdict {
        // The places of goroutines while the process does not run are incidental.
        let groups = self.groups.merged(|tag| (tag == tag::STALL).then_some(tag));
        let found = groups.found(&self.settings.thresholds, |tag, group| {
            let worst = units::duration(group.worst);
            let (variant, message) = match tag {
                tag::OPERATION => (
                    "operation",
                    format!(
                        "nothing was recorded for {worst}: goroutine {} ran one operation that could not be interrupted",
                        group.victim.g
                    ),
                ),
                _ => (
                    "stalled",
                    format!(
                        "nothing was recorded for {worst}: the process did not run, or one operation could not be \
                         interrupted{}",
                        self.course(group, t)
                    ),
                ),
            };
            Description {
                variant,
                message,
                cause: (tag == tag::OPERATION).then(|| Cause {
                    kind: CauseKind::Operation,
                    text: format!("CPU samples show it in {}", function(t, group.victim.stack)),
                    actor: group.victim,
                }),
                at_most: match tag {
                    tag::OPERATION => Severity::Info,
                    _ => self.severity(group, t),
                },
                advice: (tag == tag::OPERATION).then_some(SPLIT),
            }
        });
        Verdict {
            measurement: self.seen.clone(),
            found,
            ..Verdict::default()
        }
    }

    fn forget(&mut self, _: &Timeline) {
        self.seen = Distribution::default();
        self.groups = Groups::default();
    }

    fn held(&self) -> u64 {
        self.groups.held()
    }

    fn boxed_clone(&self) -> Box<dyn Detector> {
        Box::new(self.clone())
    }
}

impl ProcessStalled {
    /// Severity of the gaps. One operation that cannot be preempted, again and again, looks as a quota does to a program
    /// of one goroutine: both fail, and the message names the place.
    fn severity(&self, group: &Group, t: &Timeline) -> Severity {
        let percent = group.total as f64 / t.duration().max(1) as f64 * 100.0;
        let enough = |limit: Limit| limit.percent.is_none_or(|p| percent >= p);
        let crosses = |limit: Limit| group.count >= LEAST && enough(limit);
        let Thresholds { warn, error } = self.settings.thresholds;
        match (crosses(warn), crosses(error)) {
            (_, true) => Severity::Error,
            (true, false) => Severity::Warn,
            (false, false) => Severity::Info,
        }
    }

    fn course(&self, group: &Group, t: &Timeline) -> String {
        if group.count < LEAST {
            return String::new();
        }
        let (total, all) = (units::duration(group.total), units::duration(t.duration()));
        let mut text = format!("; {} such gaps, {total} of {all}", group.count);
        if at_one_place(group) {
            let place = function(t, group.victim.stack);
            text += &format!(", {place} was running in all of them");
        }
        text
    }
}

/// Returns whether the same place was running in all gaps.
fn at_one_place(group: &Group) -> bool {
    group.places.len() == 1 && group.more_places == 0 && group.place.is_some()
}
