//! Reports that were saved as JSON, read again: what a build is compared with.

use serde::Deserialize;

use super::json::SCHEMA;
use super::{Cause, Finding, Frame, Program, Report, RuleReport, Spread, Status, TraceInfo};
use crate::rules::{Distribution, Rule, Severity};
use jiff::Timestamp;

/// Why something is no saved report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SavedError {
    /// It is other JSON, or none.
    #[error("this is no report of `gotracer analyze --format json`: {0}")]
    Json(#[from] serde_json::Error),
    /// It is of a version that is not known.
    #[error("this report has the schema {0:?}, and {SCHEMA:?} is needed")]
    Schema(String),
    /// What it says of a rule can't be.
    #[error("what it says of {0} contradicts itself")]
    Contradiction(String),
    /// It was written when reports did not hold distributions.
    #[error("it holds no distributions: have it written again by this version of gotracer")]
    NoBuckets,
}

/// Reads the reports of one call. Rules that are not known are left out.
///
/// # Errors
/// If it is no such document.
pub fn read(text: &[u8]) -> Result<Vec<Report>, SavedError> {
    let head: Head = serde_json::from_slice(text)?;
    if head.schema != SCHEMA {
        return Err(SavedError::Schema(head.schema));
    }
    let document: Document = serde_json::from_slice(text)?;
    document.reports.into_iter().map(One::report).collect()
}

#[derive(Deserialize)]
struct Head {
    schema: String,
}

#[derive(Deserialize)]
struct Document {
    reports: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    trace: TraceInfo,
    #[serde(default)]
    program: Program,
    rules: Vec<SavedRule>,
    findings: Vec<SavedFinding>,
    #[serde(default)]
    known: u64,
}

#[derive(Deserialize)]
struct SavedRule {
    rule: String,
    status: Status,
    reason: Option<String>,
    measurement: Measurement,
}

#[derive(Deserialize)]
struct Measurement {
    count: u64,
    sum: u64,
    min: u64,
    max: u64,
    #[serde(default)]
    zeros: u64,
    buckets: Option<Vec<(u64, u64)>>,
    spread: Option<Spread>,
}

#[derive(Deserialize)]
struct SavedFinding {
    id: String,
    rule: String,
    severity: Severity,
    count: u64,
    open: u64,
    worst: u64,
    /// Version 0.1 did not write when the worst occurrence was.
    worst_at_ns: Option<u64>,
    #[serde(default)]
    worst_for_ns: u64,
    total: u64,
    threshold: u64,
    first_ns: u64,
    last_ns: u64,
    first_time: Option<Timestamp>,
    message: String,
    suggestion: String,
    goroutines: Vec<i64>,
    place: Frame,
    stack: Vec<Frame>,
    cause: Option<Cause>,
}

impl One {
    fn report(self) -> Result<Report, SavedError> {
        let rules = self.rules.into_iter().filter_map(|saved| {
            let rule = Rule::find(&saved.rule)?;
            Some(saved.report(rule))
        });
        let findings = self.findings.into_iter().filter_map(|saved| {
            let rule = Rule::find(&saved.rule)?;
            Some(saved.finding(rule))
        });
        Ok(Report {
            trace: self.trace,
            program: self.program,
            rules: rules.collect::<Result<_, _>>()?,
            findings: findings.collect(),
            known: self.known,
            evidence: None,
            course: None,
        })
    }
}

impl SavedRule {
    fn report(self, rule: &'static Rule) -> Result<RuleReport, SavedError> {
        let m = self.measurement;
        let buckets = m.buckets.ok_or(SavedError::NoBuckets)?;
        let measurement = Distribution::from_parts((m.min, m.max, m.sum), m.zeros, buckets);
        let measurement = measurement.filter(|d| d.count() == m.count);
        Ok(RuleReport {
            rule,
            thresholds: None,
            status: self.status,
            reason: self.reason,
            measurement: measurement.ok_or(SavedError::Contradiction(self.rule))?,
            spread: m.spread,
            by_reason: Vec::new(),
        })
    }
}

impl SavedFinding {
    fn finding(self, rule: &'static Rule) -> Finding {
        Finding {
            id: self.id,
            rule,
            severity: self.severity,
            count: self.count,
            open: self.open,
            worst: self.worst,
            worst_at_ns: self.worst_at_ns.unwrap_or(self.first_ns),
            worst_for_ns: self.worst_for_ns,
            total: self.total,
            threshold: self.threshold,
            first_ns: self.first_ns,
            last_ns: self.last_ns,
            first_time: self.first_time,
            worst_time: None,
            message: self.message,
            suggestion: self.suggestion,
            goroutines: self.goroutines,
            place: self.place,
            stack: self.stack,
            cause: self.cause,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Options, json, sample};

    fn write(reports: &[Report]) -> Vec<u8> {
        let mut out = Vec::new();
        json::write(&mut out, reports, &Options::default()).unwrap();
        out
    }

    #[test]
    fn what_was_written_is_read() {
        let reports = [
            sample::eventful("a"),
            sample::broken("b"),
            sample::report("c"),
        ];
        let text = write(&reports);
        assert_eq!(write(&read(&text).unwrap()), text);
    }

    #[test]
    fn a_report_of_version_0_1_does_not_say_when_it_was_worst() {
        let text = String::from_utf8(write(&[sample::eventful("a")])).unwrap();
        let worst =
            |line: &&str| !line.contains("\"worst_at_ns\"") && !line.contains("\"worst_for_ns\"");
        let old: Vec<_> = text.lines().filter(worst).collect();
        let reports = read(old.join("\n").as_bytes()).unwrap();
        let finding = &reports[0].findings[0];
        assert_eq!(finding.worst_at_ns, finding.first_ns);
        assert_eq!((finding.worst_for_ns, finding.worst_time), (0, None));
    }

    #[test]
    fn what_is_no_report_is_refused() {
        let refused = |text: &str| read(text.as_bytes()).unwrap_err().to_string();
        assert!(refused("{}").contains("no report"));
        assert!(refused("[").contains("no report"));
        let other = refused("{\"schema\": \"gotracer.report/v9\", \"reports\": 5}");
        assert!(other.contains("v9"), "{other}");
        let text = String::from_utf8(write(&[sample::eventful("a")])).unwrap();
        let lies = text.replace("\"zeros\": 0", "\"zeros\": 7");
        assert!(refused(&lies).contains("contradicts itself"));
        let old = text.replace("\"buckets\"", "\"bockets\"");
        assert!(refused(&old).contains("written again"));
    }
}
