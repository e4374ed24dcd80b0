//! What a trace told: the report and its parts, in the shape of the JSON
//! format (`schema/report-v1.json`).

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Course;
use crate::rules::{Distribution, Rule, Severity, Thresholds, Unit};

/// One frame of a stack.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Frame {
    /// The function with its package path; empty if unknown.
    pub function: String,
    /// Source file; empty if unknown.
    pub file: String,
    /// Line, from 1; 0 if unknown.
    pub line: u64,
}

/// What a trace was.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TraceInfo {
    /// Path, URL or `-`, as the user named it.
    pub source: String,
    /// The Go version of the trace format, such as `1.25`.
    pub go_version: Option<String>,
    /// Wall-clock time of the trace's start, where the trace tells it.
    pub start_time: Option<Timestamp>,
    /// From the first event to the last, ns.
    pub duration_ns: u64,
    /// Generations read.
    pub generations: u64,
    /// Events read.
    pub events: u64,
    /// Bytes read, decompressed.
    pub bytes: u64,
    /// Bytes that gave no events, because the trace breaks off or is corrupt.
    pub lost_bytes: u64,
    /// The last known GOMAXPROCS.
    pub gomaxprocs: Option<u64>,
    /// Why reading stopped early.
    pub error: Option<String>,
    /// Why what was read may not be all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// What the program was like: at the trace's end, and at most within it. What
/// the runtime itself runs does not count.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Program {
    /// Its goroutines.
    pub goroutines: Goroutines,
    /// What the last garbage collection found to be live, bytes.
    pub heap_live_bytes: Option<u64>,
    /// The size at which the collector aims to finish its next cycle, bytes.
    pub heap_goal_bytes: Option<u64>,
    /// The most bytes that the heap held, live or not swept yet.
    pub heap_peak_bytes: Option<u64>,
}

/// How many goroutines there were.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Goroutines {
    /// At the trace's start.
    pub start: u64,
    /// At its end.
    pub end: u64,
    /// At most.
    pub peak: u64,
    /// Created within the trace.
    pub created: u64,
    /// Ended within the trace.
    pub exited: u64,
    /// By the place that created them: those that grew most, and not all of
    /// them where there are many.
    #[serde(default)]
    pub places: Vec<Creations>,
}

/// What became of the goroutines that one place created.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Creations {
    /// The place.
    #[serde(flatten)]
    pub place: Frame,
    /// How many it created within the trace.
    pub created: u64,
    /// How many of those ended within the trace.
    pub exited: u64,
}

/// Whether a rule found something.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The rule had evidence and nothing crossed a threshold.
    Ok,
    /// Something crossed a threshold.
    Found,
    /// The trace does not hold what the rule needs.
    NotApplicable,
}

impl Status {
    /// Its name for people and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Found => "found",
            Self::NotApplicable => "not applicable",
        }
    }
}

/// What a rule saw, whether or not it crossed a threshold.
#[derive(Clone, Debug)]
pub struct RuleReport {
    /// The rule.
    pub rule: &'static Rule,
    /// From where on it finds something; unknown in a report that was saved.
    pub thresholds: Option<Thresholds>,
    /// Whether it found something.
    pub status: Status,
    /// Why it is not applicable.
    pub reason: Option<String>,
    /// The rule's signal.
    pub measurement: Distribution,
    /// How much of that is chance, where the trace is long enough to tell.
    pub spread: Option<Spread>,
    /// The same by a bounded label where the rule has one: stop-the-worlds by
    /// reason, scheduling waits by how the goroutine became runnable.
    pub by_reason: Vec<(String, Distribution)>,
}

/// How much of a measurement is chance: a standard error below and above, told
/// by how much slices of the trace differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Spread {
    /// Of the median.
    pub p50: (u64, u64),
    /// Of the 99th percentile.
    pub p99: (u64, u64),
    /// Of the sum.
    pub sum: (u64, u64),
}

/// Why something lasted as long as it did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cause {
    /// A word for scripts, such as `unlocked_late` or `preempted`.
    pub kind: Cow<'static, str>,
    /// The same for people.
    pub text: String,
    /// The goroutine to blame.
    pub goroutine: Option<i64>,
    /// Where it was.
    pub place: Option<Frame>,
    /// Its stack, innermost first.
    pub stack: Vec<Frame>,
}

/// What crossed a threshold at one place.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The same for the same rule and place in every trace.
    pub id: String,
    /// The rule.
    pub rule: &'static Rule,
    /// How bad the worst occurrence is.
    pub severity: Severity,
    /// Occurrences that crossed the threshold.
    pub count: u64,
    /// How many of them the trace's start or end cut off, so that their
    /// length is a lower bound.
    pub open: u64,
    /// The worst occurrence, in the rule's unit.
    pub worst: u64,
    /// Start of the worst occurrence, ns since the trace's start.
    pub worst_at_ns: u64,
    /// How long the worst occurrence lasted, ns; 0 for growth.
    pub worst_for_ns: u64,
    /// All occurrences added up, in the rule's unit.
    pub total: u64,
    /// The threshold that the worst one crossed, in the rule's unit.
    pub threshold: u64,
    /// Start of the first occurrence, ns since the trace's start.
    pub first_ns: u64,
    /// End of the last occurrence, ns since the trace's start.
    pub last_ns: u64,
    /// Start of the first occurrence by the wall clock.
    pub first_time: Option<Timestamp>,
    /// Start of the worst occurrence by the wall clock; unknown in a report that
    /// was saved.
    pub worst_time: Option<Timestamp>,
    /// What happened, in one sentence.
    pub message: String,
    /// What to do about it.
    pub suggestion: String,
    /// The goroutines of the worst few occurrences.
    pub goroutines: Vec<i64>,
    /// The frame that a person would go and change.
    pub place: Frame,
    /// The stack of the worst occurrence, innermost first.
    pub stack: Vec<Frame>,
    /// Why it lasted, where the trace tells.
    pub cause: Option<Cause>,
}

/// All that one trace told.
#[derive(Clone, Debug)]
pub struct Report {
    /// What the trace was.
    pub trace: TraceInfo,
    /// What the program was like.
    pub program: Program,
    /// Every rule that was asked, in the registry's order.
    pub rules: Vec<RuleReport>,
    /// Findings, those that hurt most first.
    pub findings: Vec<Finding>,
    /// How the program went over time, where that was asked for.
    pub course: Option<Course>,
    /// How many more there are that a baseline knows, see
    /// [`Baseline`](crate::compare::Baseline).
    pub known: u64,
    /// Where the trace is kept, if it is.
    pub evidence: Option<String>,
}

impl TraceInfo {
    /// The time that the trace covers, as far as can be told. A trace that does
    /// not say when it started ended when it was read. So did one that says it
    /// ended later: its clock is ahead.
    pub fn window(&self, read: SystemTime) -> (SystemTime, SystemTime) {
        let lasted = Duration::from_nanos(self.duration_ns);
        let start = self.start_time.map(SystemTime::from);
        let end = start.and_then(|start| start.checked_add(lasted));
        match (start, end) {
            (Some(start), Some(end)) if end <= read => (start, end),
            _ => (read.checked_sub(lasted).unwrap_or(read), read),
        }
    }
}

impl Finding {
    /// The unit of `worst`, `total` and `threshold`.
    pub fn unit(&self) -> Unit {
        self.rule.unit
    }

    /// Adds occurrences at the same place; what is said of it is said of the
    /// worst.
    pub fn add(&mut self, mut other: Self) {
        if (other.severity, other.worst) > (self.severity, self.worst) {
            std::mem::swap(self, &mut other);
        }
        self.count += other.count;
        self.open += other.open;
        self.total = self.total.saturating_add(other.total);
        self.first_ns = self.first_ns.min(other.first_ns);
        self.last_ns = self.last_ns.max(other.last_ns);
        let times = [self.first_time, other.first_time];
        self.first_time = times.into_iter().flatten().min();
    }
}

impl Report {
    /// Whether a rule had the evidence it needs. Without any, no finding means
    /// nothing.
    pub fn is_judged(&self) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|rule| rule.status != Status::NotApplicable)
    }

    /// The worst severity among the findings.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|f| f.severity).max()
    }
}
