//! Sums of the reports of one target since the daemon started: the one accumulator that all
//! exporters read.

mod bounded;
mod custom;
mod exemplar;
mod functions;
mod last;
mod leaks;
mod places;
mod recent;
mod record;
mod room;
mod spans;
mod states;
mod stream;
mod suppressed;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

use super::births::{Birth, Births};
use crate::report::{Distribution, Pressure, Program};
use crate::rules::RULES;
use crate::timeline::{State, StateVector};
use room::Room;

use exemplar::exemplar;

pub(super) use bounded::{Bounded, OTHER};
pub(super) use custom::CustomRules;
pub(super) use exemplar::{Exemplar, shorten};
pub(super) use functions::Functions;
pub(super) use last::Last;
pub use leaks::LeakProfile;
pub(super) use leaks::Leaks;
pub(super) use places::{Created, Places};
pub(super) use room::{Limits, Series};
pub(super) use spans::{SPAN_ID, Spans, TRACE_ID};
pub(super) use states::STATES;
pub use stream::{Gap, Stream};
use suppressed::Suppressed;

/// Findings of a rule and severity.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Number of findings.
    pub count: u64,
    /// The last finding; boxed, because most rules find nothing.
    pub exemplar: Option<Box<Exemplar>>,
}

/// Sums of the reports of one target.
#[derive(Debug)]
pub struct Totals {
    /// Start of the series that do not begin later.
    pub birth: Birth,
    /// Gives later series their start.
    births: Births,
    /// Findings by rule, then by severity as in [`Severity::ALL`].
    pub findings: Vec<[Findings; 3]>,
    /// Custom rules.
    pub custom: CustomRules,
    /// Findings by rule whose worst is ten times the threshold of an error.
    pub extreme: Vec<u64>,
    /// Findings that the configuration suppresses.
    pub suppressed: Suppressed,
    /// Measurements by rule.
    pub measurements: Vec<Distribution>,
    /// Measurements by rule, then by reason.
    pub by_reason: Vec<Bounded<Distribution>>,
    /// Tasks by type.
    pub tasks: Spans,
    /// Regions by type.
    pub regions: Spans,
    /// Requests by handler.
    pub requests: Spans,
    /// Time after which the state of the program is out of date without another trace; nothing if
    /// traces come when they like.
    interval: Option<Duration>,
    /// When the state of the program is out of date.
    stale_at: Option<Instant>,
    /// State of the program at the end of the last trace, and when that trace was made.
    last: Option<(Last, Option<Timestamp>)>,
    /// Time of the program's goroutines by state.
    pub time: StateVector,
    /// The same by start function.
    pub functions: Functions,
    /// Scheduler pressure of the program.
    pub pressure: Pressure,
    /// How long waits of the program's goroutines lasted, by state as in [`State::ALL`].
    pub waits: Vec<Distribution>,
    /// Goroutines.
    pub created: Created,
    /// Goroutines by the place that created them.
    pub places: Places,
    /// Running time of goroutines in traces with CPU samples.
    pub running: Duration,
    /// CPU time of that running time by its samples.
    pub on_cpu: Duration,
    /// Time that the traces cover.
    pub observed: Duration,
    /// Traces analyzed.
    pub traces: u64,
    /// Failures by reason.
    pub failures: BTreeMap<&'static str, u64>,
    /// Turns in which no trace was captured.
    pub missed: u64,
    /// Captures whose CPU profile was refused.
    pub profiles_refused: u64,
    /// Profiles of leaked goroutines, if the target is asked for some.
    pub leaks: Option<Leaks>,
    /// Bytes read, decompressed.
    pub bytes: u64,
    /// Bytes that gave no events.
    pub lost_bytes: u64,
    /// Events read.
    pub events: u64,
    /// Durations of analyses, ns.
    pub analysis: Distribution,
    /// When a trace was last analyzed.
    pub last_success: Option<SystemTime>,
    /// State of the target's stream, if it has one.
    pub stream: Option<Stream>,
    /// Series that came with traces.
    room: Room,
}

impl Totals {
    /// Returns totals in which every counter is 0.
    pub fn new(reasons: &[&'static str], birth: Birth, births: &Births) -> Self {
        Self {
            birth,
            births: births.clone(),
            findings: RULES.iter().map(|_| Default::default()).collect(),
            custom: CustomRules::default(),
            extreme: vec![0; RULES.len()],
            suppressed: Suppressed::default(),
            measurements: vec![Distribution::default(); RULES.len()],
            by_reason: vec![Bounded::default(); RULES.len()],
            tasks: Spans::default(),
            regions: Spans::default(),
            requests: Spans::default(),
            interval: None,
            stale_at: None,
            last: None,
            time: StateVector::default(),
            functions: Functions::default(),
            pressure: Pressure::default(),
            waits: vec![Distribution::default(); State::ALL.len()],
            created: Created::default(),
            places: Places::default(),
            running: Duration::ZERO,
            on_cpu: Duration::ZERO,
            observed: Duration::ZERO,
            traces: 0,
            failures: reasons.iter().map(|&r| (r, 0)).collect(),
            missed: 0,
            profiles_refused: 0,
            leaks: None,
            bytes: 0,
            lost_bytes: 0,
            events: 0,
            analysis: Distribution::default(),
            last_success: None,
            stream: None,
            room: Room::default(),
        }
    }

    /// Sets the time from one capture of the target to the next.
    pub fn set_interval(&mut self, interval: Duration) {
        self.interval = Some(interval);
    }

    /// State of the program at the end of the last trace; nothing if three captures since then gave
    /// none.
    pub fn last(&self) -> Option<&Last> {
        if self.stale_at.is_some_and(|at| Instant::now() >= at) {
            return None;
        }
        self.last.as_ref().map(|(last, _)| last)
    }

    /// Goroutines and heap at the end of the last trace.
    pub fn program(&self) -> Option<&Program> {
        self.last().map(|last| &last.program)
    }

    /// Number of values that got no series because of `series_limit`.
    pub fn dropped_series(&self) -> u64 {
        self.room.dropped
    }
}

#[cfg(test)]
mod tests;
