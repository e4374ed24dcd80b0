//! What was seen of one target since the exporter started.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use prometheus_client::metrics::exemplar::CounterWithExemplar;

use crate::report::{Distribution, Finding, Report, Severity};
use crate::rules::RULES;

/// Reasons come out of the trace: more of them than this are one.
const MAX_REASONS: usize = 32;
/// The reason of those.
const OTHER: &str = "other";
/// OpenMetrics allows 128 characters for all of an exemplar's labels.
const MAX_EXEMPLAR: usize = 80;

/// Labels of an exemplar.
pub type ExemplarLabels = Vec<(&'static str, String)>;

/// The counters of one target.
#[derive(Debug)]
pub struct Target {
    /// By rule, then by severity as in [`Severity::ALL`].
    pub findings: Vec<[CounterWithExemplar<ExemplarLabels>; 3]>,
    /// By rule.
    pub signals: Vec<Distribution>,
    /// By rule, then by reason.
    pub by_reason: Vec<BTreeMap<String, Distribution>>,
    /// Trace time seen.
    pub observed: Duration,
    /// Traces analysed.
    pub traces: u64,
    /// By reason.
    pub failures: BTreeMap<&'static str, u64>,
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
}

impl Target {
    /// Nothing seen yet: every counter stands at 0, so that the first increase
    /// can be seen.
    pub fn new(reasons: &[&'static str]) -> Self {
        Self {
            findings: RULES.iter().map(|_| Default::default()).collect(),
            signals: vec![Distribution::default(); RULES.len()],
            by_reason: vec![BTreeMap::new(); RULES.len()],
            observed: Duration::ZERO,
            traces: 0,
            failures: reasons.iter().map(|&r| (r, 0)).collect(),
            bytes: 0,
            lost_bytes: 0,
            events: 0,
            analysis: Distribution::default(),
            last_success: None,
        }
    }

    /// Adds what one trace told.
    pub fn record(&mut self, report: &Report, took: Duration, at: SystemTime) {
        let trace = &report.trace;
        self.traces += 1;
        self.bytes += trace.bytes;
        self.lost_bytes += trace.lost_bytes;
        self.events += trace.events;
        self.observed += Duration::from_nanos(trace.duration_ns);
        self.analysis.record(took.as_nanos() as u64);
        self.last_success = Some(at);
        for r in &report.rules {
            let rule = r.rule.index();
            self.signals[rule].merge(&r.measurement);
            for (reason, values) in &r.by_reason {
                bounded(&mut self.by_reason[rule], reason).merge(values);
            }
        }
        for finding in &report.findings {
            self.count(finding);
        }
    }

    fn count(&mut self, finding: &Finding) {
        let severity = Severity::ALL.iter().position(|s| *s == finding.severity);
        let counter = &self.findings[finding.rule.index()][severity.unwrap_or(0)];
        let labels = vec![
            ("finding", finding.id.clone()),
            ("function", shorten(&finding.place.function)),
        ];
        let at = finding.first_time.map(SystemTime::from);
        counter.inc_by(1, Some(labels), at);
    }
}

fn bounded<'a>(map: &'a mut BTreeMap<String, Distribution>, reason: &str) -> &'a mut Distribution {
    let room = map.len() < MAX_REASONS || map.contains_key(reason);
    map.entry(if room { reason } else { OTHER }.into())
        .or_default()
}

/// The end of a function's name, which tells more than its beginning.
fn shorten(function: &str) -> String {
    let excess = function.chars().count().saturating_sub(MAX_EXEMPLAR);
    function.chars().skip(excess).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_bounded() {
        let mut map = BTreeMap::new();
        for i in 0..1000 {
            bounded(&mut map, &i.to_string()).record(1);
        }
        assert_eq!(map.len(), MAX_REASONS + 1);
        assert_eq!(map.values().map(Distribution::count).sum::<u64>(), 1000);
    }
}
