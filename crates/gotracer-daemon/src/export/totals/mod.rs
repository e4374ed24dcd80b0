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
mod room;
mod spans;
mod states;
mod stream;
mod suppressed;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

use super::births::{Birth, Births};
use crate::report::{
    Creations, Distribution, Finding, Pressure, Program, Report, RuleReport, Severity,
};
use crate::rules::RULES;
use crate::timeline::{State, StateVector};
use crate::units;
use room::Room;
use spans::Seen;

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

/// A finding is extreme from this many times the threshold for errors.
const EXTREME: u64 = 10;
/// Intervals without a trace after which gauges end: three failed captures, and the duration of the
/// next one.
const STALE_AFTER: u32 = 4;

/// Findings of a rule and severity.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Number of findings.
    pub count: u64,
    /// The last finding.
    pub exemplar: Option<Exemplar>,
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

    /// Adds the report of a trace.
    pub fn record(&mut self, report: &Report, took: Duration, at: SystemTime, limits: &Limits<'_>) {
        self.traces += 1;
        self.analysis.record(took.as_nanos() as u64);
        self.record_part(report, at, limits);
    }

    /// Adds the report of a part of a trace.
    pub fn record_part(&mut self, report: &Report, at: SystemTime, limits: &Limits<'_>) {
        self.reserve_others(&limits.series);
        let trace = &report.trace;
        self.bytes += trace.bytes;
        self.lost_bytes += trace.lost_bytes;
        self.events += trace.events;
        self.observed += Duration::from_nanos(trace.duration_ns);
        self.last_success = Some(at);
        let fresh = self
            .interval
            .map(|interval| interval.saturating_mul(STALE_AFTER));
        self.stale_at = fresh.and_then(|fresh| Instant::now().checked_add(fresh));
        for rule in &report.rules {
            match self.measurements.get_mut(rule.rule.index()) {
                Some(measurements) => {
                    measurements.merge(&rule.measurement);
                    self.record_reasons(rule, limits);
                }
                None => self.record_custom(rule, limits),
            }
        }
        for finding in &report.findings {
            self.record_finding(finding, report.evidence.as_deref(), at);
        }
        let (births, room) = (&self.births, &mut self.room);
        let (birth, admit) = (|| births.with_a_trace(), || room.admit(1, limits));
        self.suppressed.record(&report.suppressed, birth, admit);
        self.time += report.program.time;
        let pressure = report.program.sched_pressure.unwrap_or_default();
        self.pressure.some_ns = self.pressure.some_ns.saturating_add(pressure.some_ns);
        self.pressure.full_ns = self.pressure.full_ns.saturating_add(pressure.full_ns);
        for (state, waits) in &report.waits {
            self.waits[state.index()].merge(waits);
        }
        if let Some(cpu) = &report.cpu_samples {
            self.running += Duration::from_nanos(cpu.running_ns);
            self.on_cpu += Duration::from_nanos(cpu.on_cpu_ns);
        }
        let goroutines = &report.program.goroutines;
        self.created.add(goroutines.created, goroutines.exited);
        self.record_places(&goroutines.places, limits);
        self.record_spans(report, at, limits);
        let (known, groups) = (&mut self.functions, &report.goroutines);
        let place = (&mut self.room, limits);
        functions::record(known, groups, at, &self.births, place);
        last::record(&mut self.last, report, at);
    }

    fn record_custom(&mut self, report: &RuleReport, limits: &Limits<'_>) {
        let mut known = std::mem::take(&mut self.custom);
        let births = self.births.clone();
        let admit = || self.room.admit(limits.series.custom, limits);
        if let Some(rule) = known.entry(report, || births.with_a_trace(), admit) {
            rule.record(report);
        }
        self.custom = known;
    }

    fn record_reasons(&mut self, report: &RuleReport, limits: &Limits<'_>) {
        let series = limits.series.reasons.get(report.rule.index());
        let Some(&series) = series.filter(|series| **series > 0) else {
            return;
        };
        let mut known = std::mem::take(&mut self.by_reason[report.rule.index()]);
        let births = self.births.clone();
        for (reason, values) in &report.by_reason {
            let birth = || births.with_a_trace();
            let total = known.entry(reason, series, birth, &mut self.room, limits);
            if let Some(total) = total {
                total.merge(values);
            }
        }
        self.by_reason[report.rule.index()] = known;
    }

    fn record_places(&mut self, places: &[Creations], limits: &Limits<'_>) {
        let limit = limits.settings.goroutine_places;
        if limit == 0 {
            return;
        }
        let mut known = std::mem::take(&mut self.places);
        let births = self.births.clone();
        for creations in places {
            // Created and ended.
            let admit = || self.room.admit(2, limits);
            known.count(creations, limit, &births, admit);
        }
        self.places = known;
    }

    fn record_spans(&mut self, report: &Report, at: SystemTime, limits: &Limits<'_>) {
        let seen_tasks = report.tasks.iter().map(|task| Seen {
            name: &task.name,
            duration: &task.duration,
            time: &task.time,
            slowest: task.slowest.first(),
        });
        let regions = report.regions.iter().map(|region| Seen {
            name: &region.name,
            duration: &region.duration,
            time: &region.time,
            slowest: region.slowest.first(),
        });
        let requests = report.requests.iter().map(|request| Seen {
            name: &request.handler,
            duration: &request.duration,
            time: &request.time,
            slowest: request.slowest.first(),
        });
        let times = (report.trace.start_time.map(units::system_time), at);
        // Handlers come first, because they have the fewest series.
        let mut known = std::mem::take(&mut self.requests);
        let series = limits.series.requests;
        self.record_kind(&mut known, requests, (&[], series), times, limits);
        self.requests = known;
        let mut known = std::mem::take(&mut self.tasks);
        let series = limits.series.tasks;
        self.record_kind(
            &mut known,
            seen_tasks,
            (&limits.settings.task_types, series),
            times,
            limits,
        );
        self.tasks = known;
        let mut known = std::mem::take(&mut self.regions);
        let series = limits.series.regions;
        self.record_kind(&mut known, regions, (&[], series), times, limits);
        self.regions = known;
    }

    /// Records the types of a kind, each of which has `series` series. A kind without series is
    /// not exposed.
    fn record_kind<'r>(
        &mut self,
        known: &mut Spans,
        seen: impl Iterator<Item = Seen<'r>>,
        (names, series): (&[String], usize),
        times: (Option<SystemTime>, SystemTime),
        limits: &Limits<'_>,
    ) {
        known.forget(times.1, &mut self.room);
        if series == 0 {
            return;
        }
        let births = self.births.clone();
        for seen in seen {
            let room = (&mut self.room, limits);
            spans::record(known, seen, (names, series), times, &births, room);
        }
    }

    /// Number of values that got no series because of `series_limit`.
    pub fn dropped_series(&self) -> u64 {
        self.room.dropped
    }

    /// Keeps room for the label value `other` of every family that may need it.
    fn reserve_others(&mut self, series: &Series) {
        let reasons = series.reasons.iter().zip(&self.by_reason);
        let reasons = reasons.map(|(series, known)| (*series, known.has_other()));
        let kinds = [
            (series.tasks, self.tasks.has_other()),
            (series.regions, self.regions.has_other()),
            (series.requests, self.requests.has_other()),
        ];
        let missing = reasons.chain(kinds).filter(|(_, has_other)| !has_other);
        self.room.reserve(missing.map(|(series, _)| series).sum());
    }

    fn record_finding(&mut self, finding: &Finding, evidence: Option<&str>, at: SystemTime) {
        let severity = Severity::ALL.iter().position(|s| *s == finding.severity);
        let index = finding.rule.index();
        let (by_severity, extreme) = match self.findings.get_mut(index) {
            Some(by_severity) => (by_severity, &mut self.extreme[index]),
            None => match self.custom.get_mut(finding.rule.name) {
                Some(custom) => (&mut custom.findings, &mut custom.extreme),
                // The limit of series leaves no room for the rule.
                None => return,
            },
        };
        let findings = &mut by_severity[severity.unwrap_or(0)];
        findings.count += 1;
        findings.exemplar = Some(exemplar(finding, evidence, at));
        let limit = finding.threshold.saturating_mul(EXTREME);
        if finding.severity == Severity::Error && limit > 0 && finding.worst >= limit {
            *extreme += 1;
        }
    }
}

#[cfg(test)]
mod tests;
