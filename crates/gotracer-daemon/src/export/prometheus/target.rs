//! What was seen of one target since the exporter started.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::Exemplar;

use super::births::{Birth, Births};
use super::families::by_reason;
use super::places::{Created, Places};
use super::sample;
use super::settings::Settings;
use super::stream::Stream;
use crate::labels::Labels;
use crate::report::{Creations, Distribution, Finding, Report, RuleReport, Severity};
use crate::rules::RULES;
use crate::units;

/// Reasons come out of the trace: more of them than this are one.
const MAX_REASONS: usize = 32;
/// The reason of those, and the place of those that are not told apart.
pub const OTHER: &str = "other";
/// OpenMetrics allows so many characters for all of an exemplar's labels.
const MAX_EXEMPLAR: usize = 128;
/// How many of them a URL may take.
const MAX_URL: usize = 60;
/// The most characters of a function's name.
const MAX_FUNCTION: usize = 80;

/// Findings of a rule and severity.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// How many.
    pub count: u64,
    /// The last one.
    pub exemplar: Option<Exemplar>,
}

/// How many series a target may have.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// What is wanted.
    pub settings: &'a Settings,
    /// How many every target has.
    pub fixed: usize,
}

/// The counters of one target.
#[derive(Debug)]
pub struct Target {
    /// When its series began, but for those that began later.
    pub birth: Birth,
    /// Gives those their births.
    births: Births,
    /// By rule, then by severity as in [`Severity::ALL`].
    pub findings: Vec<[Findings; 3]>,
    /// By rule.
    pub signals: Vec<Distribution>,
    /// By rule, then by reason.
    pub by_reason: Vec<BTreeMap<String, (Distribution, Birth)>>,
    /// What the last trace told of the program, and when that trace was made.
    pub last: Option<(Last, Option<Timestamp>)>,
    /// Goroutines.
    pub created: Created,
    /// The same by place.
    pub places: Places,
    /// Trace time seen.
    pub observed: Duration,
    /// Traces analysed.
    pub traces: u64,
    /// By reason.
    pub failures: BTreeMap<&'static str, u64>,
    /// Turns in which no trace was captured.
    pub missed: u64,
    /// Bytes read, decompressed.
    pub bytes: u64,
    /// Bytes that gave no events.
    pub lost_bytes: u64,
    /// Events read.
    pub events: u64,
    /// How long analyses took, ns.
    pub analysis: Distribution,
    /// When the last trace was analysed.
    pub last_success: Option<SystemTime>,
    /// What is known of its stream, if it has one.
    pub stream: Option<Stream>,
    /// Series that came with what traces told.
    more_series: usize,
    /// How often there was no room for one.
    pub dropped_series: u64,
}

/// What a trace told of the program.
#[derive(Clone, Copy, Debug, Default)]
pub struct Last {
    /// Goroutines at its end.
    pub goroutines: u64,
    /// Goroutines at most.
    pub goroutines_peak: u64,
    /// Bytes.
    pub heap_live: Option<u64>,
    /// Bytes.
    pub heap_peak: Option<u64>,
    /// Bytes.
    pub heap_goal: Option<u64>,
    /// Goroutines that can run at a time.
    pub gomaxprocs: Option<u64>,
}

impl Target {
    /// Nothing seen yet: every counter stands at 0.
    pub fn new(reasons: &[&'static str], birth: Birth, births: &Births) -> Self {
        Self {
            birth,
            births: births.clone(),
            findings: RULES.iter().map(|_| Default::default()).collect(),
            signals: vec![Distribution::default(); RULES.len()],
            by_reason: vec![BTreeMap::new(); RULES.len()],
            last: None,
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

    /// Adds what one trace told.
    pub fn record(&mut self, report: &Report, took: Duration, at: SystemTime, limits: &Limits<'_>) {
        self.traces += 1;
        self.analysis.record(took.as_nanos() as u64);
        self.take_in(report, at, limits);
    }

    /// Adds what a part of a trace told.
    pub fn take_in(&mut self, report: &Report, at: SystemTime, limits: &Limits<'_>) {
        let trace = &report.trace;
        self.bytes += trace.bytes;
        self.lost_bytes += trace.lost_bytes;
        self.events += trace.events;
        self.observed += Duration::from_nanos(trace.duration_ns);
        self.last_success = Some(at);
        for r in &report.rules {
            self.signals[r.rule.index()].merge(&r.measurement);
            self.count_reasons(r, limits);
        }
        for finding in &report.findings {
            self.count(finding, report.evidence.as_deref(), at);
        }
        let goroutines = &report.program.goroutines;
        self.created.add(goroutines.created, goroutines.exited);
        self.count_places(&goroutines.places, limits);
        self.note(report, at);
    }

    fn count_reasons(&mut self, report: &RuleReport, limits: &Limits<'_>) {
        let Some(family) = by_reason(report.rule) else {
            return;
        };
        if !limits.settings.wants(&family.head.exposed()) {
            return;
        }
        let rule = report.rule.index();
        for (reason, values) in &report.by_reason {
            let known = &self.by_reason[rule];
            let room = known.len() < MAX_REASONS || known.contains_key(reason);
            let reason = if room { reason } else { OTHER };
            if known.contains_key(reason) || self.admit(family.samples.series(), limits) {
                let known = self.by_reason[rule].entry(reason.into());
                let new = || (Distribution::default(), self.births.with_a_trace());
                known.or_insert_with(new).0.merge(values);
            }
        }
    }

    fn count_places(&mut self, places: &[Creations], limits: &Limits<'_>) {
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

    /// Keeps what the program was like, unless a later trace told it. What a
    /// trace does not tell stays as it was.
    fn note(&mut self, report: &Report, at: SystemTime) {
        let (before, when) = self.last.unwrap_or_default();
        // No trace was made after it was read. One of a clock that is ahead
        // counts as made now, and does not make others too old.
        let ahead = |made: &Timestamp| units::system_time(*made) > at;
        let made = report.trace.start_time;
        let made = if made.as_ref().is_some_and(ahead) {
            when
        } else {
            made
        };
        if made.is_some() && made < when {
            return;
        }
        let program = &report.program;
        let now = Last {
            goroutines: program.goroutines.end,
            goroutines_peak: program.goroutines.peak,
            heap_live: program.heap_live_bytes.or(before.heap_live),
            heap_peak: program.heap_peak_bytes.or(before.heap_peak),
            heap_goal: program.heap_goal_bytes.or(before.heap_goal),
            gomaxprocs: report.trace.gomaxprocs.or(before.gomaxprocs),
        };
        self.last = Some((now, made));
    }

    fn count(&mut self, finding: &Finding, evidence: Option<&str>, at: SystemTime) {
        let severity = Severity::ALL.iter().position(|s| *s == finding.severity);
        let findings = &mut self.findings[finding.rule.index()][severity.unwrap_or(0)];
        let worst_at = units::duration(finding.worst_at_ns);
        let mut labels = vec![("finding", finding.id.as_str()), ("worst_at", &worst_at)];
        let evidence = evidence.filter(|url| url.chars().count() <= MAX_URL);
        labels.extend(evidence.map(|url| ("evidence", url)));
        let taken = labels
            .iter()
            .map(|(name, value)| name.len() + value.chars().count());
        let room = MAX_EXEMPLAR.saturating_sub(taken.sum::<usize>() + "function".len());
        let function = last(&finding.place.function, room.min(MAX_FUNCTION));
        labels.push(("function", &function));
        // As with gauges, nothing happened after it was read.
        let happened = finding.worst_time.or(finding.first_time);
        let happened = happened.map(|t| units::system_time(t).min(at));
        findings.count += 1;
        findings.exemplar = Some(Exemplar {
            label: sample::labels(&Labels::new(), &labels),
            value: 1.0,
            timestamp: happened.map(Into::into),
        });
    }
}

/// The end of a function's name, which tells more than its beginning.
pub fn shorten(function: &str) -> String {
    last(function, MAX_FUNCTION)
}

fn last(text: &str, most: usize) -> String {
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

    fn recorded(series_limit: usize) -> Target {
        let settings = Settings {
            series_limit,
            ..Settings::default()
        };
        let limits = Limits {
            settings: &settings,
            fixed: 100,
        };
        let births = Births::default();
        let mut target = Target::new(&[], births.beforehand(), &births);
        let report = report((0..1000).map(|i| i.to_string()));
        for _ in 0..2 {
            target.record(&report, Duration::ZERO, SystemTime::UNIX_EPOCH, &limits);
        }
        target
    }

    #[test]
    fn reasons_are_bounded() {
        let target = recorded(0);
        let map = &target.by_reason[0];
        assert_eq!(map.len(), MAX_REASONS + 1);
        assert_eq!(map.values().map(|(d, _)| d.count()).sum::<u64>(), 2000);
        assert_eq!(target.dropped_series, 0);
    }

    #[test]
    fn what_finds_no_room_is_counted_and_what_found_it_keeps_it() {
        let target = recorded(150);
        // A histogram of times is 22 series.
        let map = &target.by_reason[0];
        let counts: Vec<_> = map
            .iter()
            .map(|(r, (d, _))| (r.as_str(), d.count()))
            .collect();
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
        let mut target = Target::new(&[], births.beforehand(), &births);
        // The traces are read in 2026.
        let mut at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        let mut tell = |goroutines, live, made: Option<&str>| {
            let mut report = report(std::iter::empty());
            report.program.goroutines.end = goroutines;
            report.program.heap_live_bytes = live;
            report.trace.start_time = made.map(|text| text.parse().unwrap());
            at += Duration::from_secs(10);
            target.record(&report, Duration::ZERO, at, &limits);
            let (last, _) = target.last.unwrap();
            (last.goroutines, last.heap_live)
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
}
