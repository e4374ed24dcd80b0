//! Sums of the reports of one target since the daemon started: the one accumulator that all
//! exporters read.

mod bounded;
mod places;
mod spans;
mod stream;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

use super::births::{Birth, Births};
use super::catalog::programs;
use super::settings::Settings;
use crate::report::{
    Creations, Distribution, Finding, Goroutines, Program, Report, RuleReport, Severity,
};
use crate::rules::RULES;
use crate::timeline::{State, StateVector};
use crate::units;

pub use bounded::{Bounded, OTHER};
pub use places::{Created, Places};
pub use spans::{SPAN_ID, Seen, Spans, TRACE_ID};
pub use stream::{Gap, Stream};

/// A finding is extreme from this many times the threshold for errors.
const EXTREME: u64 = 10;
/// Most characters of all labels of an exemplar in OpenMetrics.
const MAX_EXEMPLAR: usize = 128;
/// How many of them a URL may take.
const MAX_URL: usize = 60;
/// Most characters of a function's name.
const MAX_FUNCTION: usize = 80;
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

/// Example of what a counter counted.
#[derive(Clone, Debug)]
pub struct Exemplar {
    /// Labels.
    pub labels: Vec<(&'static str, String)>,
    /// When the example happened.
    pub at: Option<SystemTime>,
    /// Its value, in the unit of the metric.
    pub value: f64,
}

/// Bounds of the series of a target.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// Settings in force.
    pub settings: &'a Settings,
    /// Series that every target has.
    pub fixed: usize,
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
    /// Findings by rule whose worst is ten times the threshold of an error.
    pub extreme: Vec<u64>,
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
    /// How long waits of the program's goroutines lasted, by state as in [`State::ALL`].
    pub waits: Vec<Distribution>,
    /// Goroutines.
    pub created: Created,
    /// Goroutines by the place that created them.
    pub places: Places,
    /// Time that the traces cover.
    pub observed: Duration,
    /// Traces analyzed.
    pub traces: u64,
    /// Failures by reason.
    pub failures: BTreeMap<&'static str, u64>,
    /// Turns in which no trace was captured.
    pub missed: u64,
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
    more_series: usize,
    /// How often there was no room for a series.
    pub dropped_series: u64,
}

/// State of a program at the end of a trace.
#[derive(Clone, Debug, Default)]
pub struct Last {
    /// Goroutines and heap.
    pub program: Program,
    /// GOMAXPROCS.
    pub gomaxprocs: Option<u64>,
}

impl Totals {
    /// Returns totals in which every counter is 0.
    pub fn new(reasons: &[&'static str], birth: Birth, births: &Births) -> Self {
        Self {
            birth,
            births: births.clone(),
            findings: RULES.iter().map(|_| Default::default()).collect(),
            extreme: vec![0; RULES.len()],
            measurements: vec![Distribution::default(); RULES.len()],
            by_reason: vec![Bounded::default(); RULES.len()],
            tasks: Spans::default(),
            regions: Spans::default(),
            requests: Spans::default(),
            interval: None,
            stale_at: None,
            last: None,
            time: StateVector::default(),
            waits: vec![Distribution::default(); State::ALL.len()],
            created: Created::default(),
            places: Places::default(),
            observed: Duration::ZERO,
            traces: 0,
            failures: reasons.iter().map(|&r| (r, 0)).collect(),
            missed: 0,
            bytes: 0,
            lost_bytes: 0,
            events: 0,
            analysis: Distribution::default(),
            last_success: None,
            stream: None,
            more_series: 0,
            dropped_series: 0,
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
            self.measurements[rule.rule.index()].merge(&rule.measurement);
            self.record_reasons(rule, limits);
        }
        for finding in &report.findings {
            self.record_finding(finding, report.evidence.as_deref(), at);
        }
        self.time += report.program.time;
        for (state, waits) in &report.waits {
            self.waits[state.index()].merge(waits);
        }
        let goroutines = &report.program.goroutines;
        self.created.add(goroutines.created, goroutines.exited);
        self.record_places(&goroutines.places, limits);
        self.record_spans(report, at, limits);
        self.record_state(report, at);
    }

    fn record_reasons(&mut self, report: &RuleReport, limits: &Limits<'_>) {
        let Some((name, series)) = &programs::REASONS[report.rule.index()] else {
            return;
        };
        if !limits.settings.wants(name) {
            return;
        }
        let mut known = std::mem::take(&mut self.by_reason[report.rule.index()]);
        let births = self.births.clone();
        for (reason, values) in &report.by_reason {
            let admit = || self.admit(*series, limits);
            if let Some(total) = known.entry(reason, || births.with_a_trace(), admit) {
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
            known.count(creations, limit, &births, || self.admit(2, limits));
        }
        self.places = known;
    }

    fn record_spans(&mut self, report: &Report, at: SystemTime, limits: &Limits<'_>) {
        let settings = limits.settings;
        let tasks = report.tasks.iter().map(|task| Seen {
            name: &task.name,
            duration: &task.duration,
            time: &task.time,
            slowest: task.slowest.first(),
        });
        let regions = report.regions.iter().filter(|_| settings.regions);
        let regions = regions.map(|region| Seen {
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
        let mut known = std::mem::take(&mut self.tasks);
        self.record_kind(&mut known, tasks, &settings.task_types, times, limits);
        self.tasks = known;
        let mut known = std::mem::take(&mut self.regions);
        self.record_kind(&mut known, regions, &[], times, limits);
        self.regions = known;
        let mut known = std::mem::take(&mut self.requests);
        self.record_kind(&mut known, requests, &[], times, limits);
        self.requests = known;
    }

    fn record_kind<'r>(
        &mut self,
        known: &mut Spans,
        seen: impl Iterator<Item = Seen<'r>>,
        names: &[String],
        times: (Option<SystemTime>, SystemTime),
        limits: &Limits<'_>,
    ) {
        known.forget(times.1);
        let births = self.births.clone();
        for seen in seen {
            let admit = || self.admit(spans::SERIES, limits);
            known.record(seen, names, times, &births, admit);
        }
    }

    /// Whether there may be so many more series.
    fn admit(&mut self, series: usize, limits: &Limits<'_>) -> bool {
        let limit = limits.settings.series_limit;
        let all = limits.fixed + self.more_series + series;
        if limit == 0 || all <= limit {
            self.more_series += series;
            return true;
        }
        self.dropped_series += 1;
        false
    }

    /// Keeps the state of the program, unless a later trace was recorded. Values that the trace
    /// does not hold stay as they were.
    fn record_state(&mut self, report: &Report, at: SystemTime) {
        let (before, when) = self.last.take().unwrap_or_default();
        // No trace was made after it was read. One of a clock that is ahead counts as made now,
        // and does not make others too old.
        let ahead = |made: &Timestamp| units::system_time(*made) > at;
        let made = report.trace.start_time;
        let made = if made.as_ref().is_some_and(ahead) {
            when
        } else {
            made
        };
        if made.is_some() && made < when {
            self.last = Some((before, when));
            return;
        }
        let (now, before_gomaxprocs) = (&report.program, before.gomaxprocs);
        let before = before.program;
        let program = Program {
            goroutines: Goroutines {
                // They have counters.
                places: Vec::new(),
                ..now.goroutines.clone()
            },
            heap_live_bytes: now.heap_live_bytes.or(before.heap_live_bytes),
            heap_goal_bytes: now.heap_goal_bytes.or(before.heap_goal_bytes),
            heap_peak_bytes: now.heap_peak_bytes.or(before.heap_peak_bytes),
            time: now.time,
            gc: now.gc.clone().or(before.gc),
        };
        let gomaxprocs = report.trace.gomaxprocs.or(before_gomaxprocs);
        let last = Last {
            program,
            gomaxprocs,
        };
        self.last = Some((last, made));
    }

    fn record_finding(&mut self, finding: &Finding, evidence: Option<&str>, at: SystemTime) {
        let severity = Severity::ALL.iter().position(|s| *s == finding.severity);
        let findings = &mut self.findings[finding.rule.index()][severity.unwrap_or(0)];
        findings.count += 1;
        findings.exemplar = Some(exemplar(finding, evidence, at));
        let limit = finding.threshold.saturating_mul(EXTREME);
        if finding.severity == Severity::Error && limit > 0 && finding.worst >= limit {
            self.extreme[finding.rule.index()] += 1;
        }
    }
}

fn exemplar(finding: &Finding, evidence: Option<&str>, at: SystemTime) -> Exemplar {
    let mut labels = vec![
        ("finding", finding.id.clone()),
        ("worst_at", units::duration(finding.worst_at_ns)),
    ];
    let evidence = evidence.filter(|url| url.chars().count() <= MAX_URL);
    labels.extend(evidence.map(|url| ("evidence", url.to_owned())));
    let taken = labels
        .iter()
        .map(|(name, value)| name.len() + value.chars().count());
    let room = MAX_EXEMPLAR.saturating_sub(taken.sum::<usize>() + "function".len());
    let function = last_characters(&finding.place.function, room.min(MAX_FUNCTION));
    labels.push(("function", function));
    // As with gauges, nothing happened after it was read.
    let happened = finding.worst_time.or(finding.first_time);
    let at = happened.map(|t| units::system_time(t).min(at));
    Exemplar {
        labels,
        at,
        value: 1.0,
    }
}

/// The end of a function's name, which says more than its beginning.
pub fn shorten(function: &str) -> String {
    last_characters(function, MAX_FUNCTION)
}

fn last_characters(text: &str, most: usize) -> String {
    let excess = text.chars().count().saturating_sub(most);
    text.chars().skip(excess).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(reasons: impl Iterator<Item = String>) -> Report {
        let mut one = Distribution::default();
        one.record(1);
        let mut report = crate::report::sample::report("a.trace");
        report.rules[0].by_reason = reasons.map(|reason| (reason, one.clone())).collect();
        report
    }

    fn recorded(series_limit: usize) -> Totals {
        let settings = Settings {
            series_limit,
            ..Settings::default()
        };
        let limits = Limits {
            settings: &settings,
            fixed: 100,
        };
        let births = Births::default();
        let mut target = Totals::new(&[], births.beforehand(), &births);
        let report = report((0..1000).map(|i| i.to_string()));
        for _ in 0..2 {
            target.record(&report, Duration::ZERO, SystemTime::UNIX_EPOCH, &limits);
        }
        target
    }

    #[test]
    fn ten_times_the_threshold_of_an_error_is_extreme() {
        let births = Births::default();
        let mut target = Totals::new(&[], births.beforehand(), &births);
        let mut finding = crate::report::sample::finding("GCPauseSpike", Severity::Error);
        let index = finding.rule.index();
        finding.threshold = 100;
        for (severity, worst, extreme) in [
            (Severity::Error, 999, 0),
            (Severity::Error, 1000, 1),
            (Severity::Warn, 5000, 1),
        ] {
            (finding.severity, finding.worst) = (severity, worst);
            target.record_finding(&finding, None, SystemTime::UNIX_EPOCH);
            assert_eq!(target.extreme[index], extreme, "{severity:?} {worst}");
        }
        finding.threshold = 0;
        finding.severity = Severity::Error;
        target.record_finding(&finding, None, SystemTime::UNIX_EPOCH);
        assert_eq!(target.extreme[index], 1);
    }

    #[test]
    fn reasons_are_bounded() {
        let target = recorded(0);
        let map = &target.by_reason[0];
        assert_eq!(map.iter().count(), bounded::MOST + 1);
        assert_eq!(map.iter().map(|(_, d, _)| d.count()).sum::<u64>(), 2000);
        assert_eq!(target.dropped_series, 0);
    }

    #[test]
    fn what_finds_no_room_is_counted_and_what_found_it_keeps_it() {
        let target = recorded(106);
        // Sum, count and one bucket of each reason.
        let map = &target.by_reason[0];
        let counts: Vec<_> = map.iter().map(|(r, d, _)| (r, d.count())).collect();
        assert_eq!(counts, [("0", 2), ("1", 2)]);
        assert_eq!(target.dropped_series, 2 * 998);
    }

    #[test]
    fn the_last_trace_is_the_one_made_last() {
        let settings = Settings::default();
        let limits = Limits {
            settings: &settings,
            fixed: 0,
        };
        let births = Births::default();
        let mut target = Totals::new(&[], births.beforehand(), &births);
        // The traces are read in 2026.
        let mut at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        let mut tell = |goroutines, live, made: Option<&str>| {
            let mut report = report(std::iter::empty());
            report.program.goroutines.end = goroutines;
            report.program.heap_live_bytes = live;
            report.trace.start_time = made.map(|text| text.parse().unwrap());
            at += Duration::from_secs(10);
            target.record(&report, Duration::ZERO, at, &limits);
            let program = target.program().unwrap();
            (program.goroutines.end, program.heap_live_bytes)
        };
        assert_eq!(tell(1, Some(9), Some("2026-01-02T00:00:00Z")), (1, Some(9)));
        assert_eq!(tell(2, Some(8), Some("2026-01-01T00:00:00Z")), (1, Some(9)));
        assert_eq!(tell(3, None, Some("2026-01-03T00:00:00Z")), (3, Some(9)));
        assert_eq!(tell(4, None, None), (4, Some(9)));
        assert_eq!(tell(5, None, Some("2026-03-01T00:00:00Z")), (5, Some(9)));
        // A clock that is ten years ahead is not believed.
        let ahead = Some("2036-01-01T00:00:00Z");
        assert_eq!(tell(6, None, ahead), (6, Some(9)));
        assert_eq!(tell(7, None, Some("2026-02-01T00:00:00Z")), (6, Some(9)));
        assert_eq!(tell(8, None, Some("2026-03-02T00:00:00Z")), (8, Some(9)));
        assert_eq!(tell(9, None, ahead), (9, Some(9)));
    }

    #[test]
    fn gauges_of_a_target_end_if_it_gives_no_more_traces() {
        let settings = Settings::default();
        let limits = Limits {
            settings: &settings,
            fixed: 0,
        };
        let births = Births::default();
        for (interval, fresh) in [
            (None, true),
            (Some(Duration::from_secs(3600)), true),
            (Some(Duration::ZERO), false),
        ] {
            let mut target = Totals::new(&[], births.beforehand(), &births);
            if let Some(interval) = interval {
                target.set_interval(interval);
            }
            assert!(target.last().is_none());
            let report = report(std::iter::empty());
            target.record(&report, Duration::ZERO, SystemTime::UNIX_EPOCH, &limits);
            assert_eq!(target.last().is_some(), fresh, "{interval:?}");
            assert!(target.last_success.is_some() && target.traces == 1);
        }
    }
}
