//! The report of one trace and its parts.
//!
//! [`wire`](super::wire) holds the part that machine formats contain.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tasks::{Region, Request, Task};
use super::time::GoroutineGroup;
use super::{Course, CpuSamples, Gc, Moment};
use crate::rules::{Distribution, Rule, Severity, Thresholds, Unit};
use crate::timeline::{Leaves, State, StateVector};
use crate::units::system_time;

/// One frame of a stack.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Frame {
    /// Function with its package path; empty if unknown.
    pub function: String,
    /// Source file; empty if unknown.
    pub file: String,
    /// Line, from 1; 0 if unknown.
    pub line: u64,
}

/// The trace that was read.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Default)]
#[schemars(deny_unknown_fields)]
pub struct TraceInfo {
    /// Path or URL as given, or `-` for standard input.
    pub source: String,
    /// Go version of the trace format, such as `1.25`.
    pub go_version: Option<String>,
    /// Wall-clock time of the trace's start, or null if the trace does not hold the wall clock.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub start_time: Option<Timestamp>,
    /// From the first event to the last, ns.
    pub duration_ns: u64,
    /// Generations read.
    pub generations: u64,
    /// Events read.
    pub events: u64,
    /// Bytes read, after decompression.
    pub bytes: u64,
    /// Bytes that gave no events, because the trace is truncated or corrupt.
    pub lost_bytes: u64,
    /// The last known GOMAXPROCS.
    pub gomaxprocs: Option<u64>,
    /// Why reading stopped early; null if the trace was read to its end. With 0 events, nothing could be read.
    pub error: Option<String>,
    /// Why the report may be incomplete: the trace has a newer format. Absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub warning: Option<String>,
}

/// The traced program: its goroutines and its heap. The runtime's own goroutines do not count.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Program {
    /// Numbers of goroutines.
    pub goroutines: Goroutines,
    /// Time of all its goroutines by state. Reports of older versions lack it.
    #[serde(default, with = "super::by_state")]
    #[schemars(with = "super::by_state::Time")]
    pub time: StateVector,
    /// Time in which goroutines were runnable and not running. Reports of version 0.1 lack it.
    #[serde(default)]
    pub sched_pressure: Option<Pressure>,
    /// Live heap as of the last garbage collection, bytes; null without a collection.
    pub heap_live_bytes: Option<u64>,
    /// Size at which the collector aims to finish its next cycle, bytes.
    pub heap_goal_bytes: Option<u64>,
    /// Peak size of the heap, live or not swept yet, bytes.
    pub heap_peak_bytes: Option<u64>,
    /// The garbage collector's work. Reports of version 0.1 lack it.
    #[serde(default)]
    pub gc: Option<Gc>,
}

/// Scheduler pressure, without coroutine switches and stop-the-world time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Pressure {
    /// Time in which at least one goroutine was runnable and not running, ns.
    pub some_ns: u64,
    /// Part of `some_ns` in which no goroutine was running, ns.
    pub full_ns: u64,
}

/// Numbers of goroutines.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Goroutines {
    /// At the trace's start.
    pub start: u64,
    /// At the trace's end.
    pub end: u64,
    /// At most.
    pub peak: u64,
    /// Created within the trace.
    pub created: u64,
    /// Ended within the trace.
    pub exited: u64,
    /// By the place that created them: at most 100 places, those that grew most.
    #[serde(default)]
    pub places: Vec<Creations>,
}

/// Goroutines that one place created within the trace.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Creations {
    /// The place.
    #[serde(flatten)]
    pub place: Frame,
    /// Number of goroutines created within the trace.
    pub created: u64,
    /// Number of those that ended within the trace.
    pub exited: u64,
}

/// Outcome of a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The rule had evidence and nothing crossed a threshold.
    Ok,
    /// A value crossed a threshold.
    Found,
    /// The trace does not hold what the rule needs.
    NotApplicable,
}

impl Status {
    /// Returns its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Found => "found",
            Self::NotApplicable => "not applicable",
        }
    }
}

/// Measurement and outcome of one rule.
#[derive(Clone, Debug)]
pub struct RuleReport {
    /// The rule.
    pub rule: &'static Rule,
    /// Thresholds in force; unknown in a saved report.
    pub thresholds: Option<Thresholds>,
    /// Outcome of the rule.
    pub status: Status,
    /// Why the rule is not applicable.
    pub reason: Option<String>,
    /// Distribution of the rule's values.
    pub measurement: Distribution,
    /// Uncertainty of the measurement, if the trace is long enough to estimate it.
    pub spread: Option<Spread>,
    /// The measurement by a bounded label, if the rule has one: pauses by reason, scheduling waits by how the
    /// goroutine became runnable.
    pub by_reason: Vec<(String, Distribution)>,
}

/// Statistical uncertainty of a measurement: a standard error below and above, estimated from how much slices of the
/// trace differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Spread {
    /// Of the median.
    pub p50: (u64, u64),
    /// Of the 99th percentile.
    pub p99: (u64, u64),
    /// Of the sum.
    pub sum: (u64, u64),
}

/// Why an interval lasted as long as it did.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Cause {
    /// Kind of the cause, for scripts, such as `held_by` or `ran_instead`.
    pub kind: Cow<'static, str>,
    /// The cause in one sentence, for people.
    pub text: String,
    /// The goroutine that caused it.
    pub goroutine: Option<i64>,
    /// Place of that goroutine.
    pub place: Option<Frame>,
    /// Stack of that goroutine, innermost frame first.
    pub stack: Vec<Frame>,
}

/// Occurrences at one place of a finding that covers several places.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PlaceCount {
    /// The place.
    #[serde(flatten)]
    pub place: Frame,
    /// Number of occurrences there.
    pub count: u64,
    /// The worst of them, in the rule's unit.
    pub worst: u64,
}

/// Maximum number of places of a phase after findings of several reports are merged.
const MOST_PLACES: usize = 10;

/// Occurrences that crossed a threshold at one place, or in one phase at any places.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Identifier that is the same for the same rule and place, or phase, in every trace.
    pub id: String,
    /// The rule.
    pub rule: &'static Rule,
    /// Severity of the worst occurrence.
    pub severity: Severity,
    /// Occurrences that crossed the threshold.
    pub count: u64,
    /// Number of occurrences that the trace's start or end cuts off: their length is a lower bound.
    pub open: u64,
    /// The worst occurrence, in the rule's unit.
    pub worst: u64,
    /// Start of the worst occurrence, ns since the trace's start.
    pub worst_at_ns: u64,
    /// Duration of the worst occurrence, ns; 0 for growth.
    pub worst_for_ns: u64,
    /// Sum of all occurrences, in the rule's unit.
    pub total: u64,
    /// The threshold that the worst one crossed, in the rule's unit.
    pub threshold: u64,
    /// Start of the first occurrence, ns since the trace's start.
    pub first_ns: u64,
    /// End of the last occurrence, ns since the trace's start.
    pub last_ns: u64,
    /// Start of the first occurrence by the wall clock.
    pub first_time: Option<Timestamp>,
    /// Start of the worst occurrence by the wall clock; unknown in a saved report.
    pub worst_time: Option<Timestamp>,
    /// The finding in one sentence.
    pub message: String,
    /// Suggested fix.
    pub suggestion: String,
    /// Goroutines of the worst few occurrences.
    pub goroutines: Vec<i64>,
    /// Frame to change; for a phase, that of the worst occurrence.
    pub place: Frame,
    /// Phase of the occurrences, such as `GC mark termination` or `taking_turns`: they have one cause at many places.
    pub phase: Option<String>,
    /// Places of a phase, the worst first. A phase with many places lists only the worst.
    pub places: Vec<PlaceCount>,
    /// Number of places that are not in `places`.
    pub more_places: u64,
    /// Stack of the worst occurrence, innermost frame first.
    pub stack: Vec<Frame>,
    /// Cause of the worst occurrence, if the trace shows one.
    pub cause: Option<Cause>,
    /// The total by what the waits were in the end; `None` if the occurrences are no waits for other goroutines.
    pub time_in_the_end: Option<Leaves>,
}

/// A finding that the configuration suppresses.
#[derive(Clone, Debug)]
pub struct Suppressed {
    /// The finding.
    pub finding: Finding,
    /// Why it is accepted.
    pub reason: String,
    /// The last day on which it is accepted.
    pub until: Option<Date>,
    /// File and line that suppress it.
    pub place: String,
}

/// The report of one trace.
#[derive(Clone, Debug)]
pub struct Report {
    /// The trace that was read.
    pub trace: TraceInfo,
    /// The traced program.
    pub program: Program,
    /// Durations of waits of the program's goroutines, by state; empty in a saved report.
    pub waits: Vec<(State, Distribution)>,
    /// Goroutines by start function, those with most time first: at most 1,000 functions, and the rest as one.
    /// Without the runtime's own unless the settings ask for them.
    pub goroutines: Vec<GoroutineGroup>,
    /// Tasks by type, the largest total duration first.
    pub tasks: Vec<Task>,
    /// Regions by type, the largest total duration first.
    pub regions: Vec<Region>,
    /// Requests of HTTP and gRPC servers by handler, the largest total duration first.
    pub requests: Vec<Request>,
    /// CPU samples, if the trace was recorded beside a CPU profile.
    pub cpu_samples: Option<CpuSamples>,
    /// Every rule that was applied, in the registry's order.
    pub rules: Vec<RuleReport>,
    /// Findings, the worst first.
    pub findings: Vec<Finding>,
    /// The program over time, if a format draws it.
    pub course: Option<Course>,
    /// The moments of the worst findings, if a format draws them, see [`moments`](crate::explain::moments).
    pub moments: Vec<Moment>,
    /// Findings that the configuration suppresses, the worst first.
    pub suppressed: Vec<Suppressed>,
    /// Number of findings that a baseline holds, see [`Baseline`](crate::compare::Baseline).
    pub known: u64,
    /// Location of the stored trace, if it was stored.
    pub evidence: Option<String>,
}

impl TraceInfo {
    /// Returns the wall-clock window of the trace. A trace without a wall clock counts as ending when it was read. So
    /// does a trace that ends later than that, because its clock is ahead.
    pub fn window(&self, read: SystemTime) -> (SystemTime, SystemTime) {
        let lasted = Duration::from_nanos(self.duration_ns);
        let start = self.start_time.map(system_time);
        let end = start.and_then(|start| start.checked_add(lasted));
        match (start, end) {
            (Some(start), Some(end)) if end <= read => (start, end),
            _ => (read.checked_sub(lasted).unwrap_or(read), read),
        }
    }
}

impl Finding {
    /// Returns the unit of `worst`, `total` and `threshold`.
    pub fn unit(&self) -> Unit {
        self.rule.unit
    }

    /// Returns the number of places at which a phase occurred; 1 for a finding of one place.
    pub fn all_places(&self) -> u64 {
        (self.places.len() as u64 + self.more_places).max(1)
    }

    /// Adds occurrences at the same place. Message, stack and cause are those of the worst.
    pub fn add(&mut self, mut other: Self) {
        if (other.severity, other.worst) > (self.severity, self.worst) {
            std::mem::swap(self, &mut other);
        }
        self.count += other.count;
        self.open += other.open;
        self.total = self.total.saturating_add(other.total);
        if let Some(leaves) = other.time_in_the_end {
            *self.time_in_the_end.get_or_insert_default() += leaves;
        }
        self.first_ns = self.first_ns.min(other.first_ns);
        self.last_ns = self.last_ns.max(other.last_ns);
        let times = [self.first_time, other.first_time];
        self.first_time = times.into_iter().flatten().min();
        self.add_places(other.places, other.more_places);
    }

    /// Adds places of the same phase, and keeps at most [`MOST_PLACES`].
    fn add_places(&mut self, places: Vec<PlaceCount>, more: u64) {
        let most = self.places.len().max(places.len());
        for new in places {
            match self.places.iter_mut().find(|p| p.place == new.place) {
                Some(known) => {
                    known.count += new.count;
                    known.worst = known.worst.max(new.worst);
                }
                None => self.places.push(new),
            }
        }
        self.places.sort_by_key(|p| Reverse(p.worst));
        let left_out = self.places.len().saturating_sub(MOST_PLACES.max(most));
        self.places.truncate(MOST_PLACES.max(most));
        self.more_places = self.more_places.max(more) + left_out as u64;
    }
}

impl Report {
    /// Returns whether any rule had the evidence it needs. If none had, "no findings" means nothing.
    pub fn is_judged(&self) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|rule| rule.status != Status::NotApplicable)
    }

    /// Returns the worst severity among the findings.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|f| f.severity).max()
    }
}
