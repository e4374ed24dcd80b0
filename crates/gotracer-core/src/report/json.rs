//! Reports as JSON, for programs: `schema/report-v1.json` describes it.
//!
//! The shape is the same for one trace or a thousand. What the model adds for
//! other uses does not show here until the schema's next version says so.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::{
    Cause, Finding, Frame, Options, Program, Report, RuleReport, Severity, Spread, Status,
    TraceInfo, top,
};
use crate::rules::{Distribution, Rule, Unit};

/// The value of `schema`.
pub const SCHEMA: &str = "gotracer.report/v1";

/// Writes the reports as one JSON document.
///
/// # Errors
/// If writing fails.
pub fn write(out: &mut impl Write, reports: &[Report], options: &Options) -> io::Result<()> {
    let document = Document {
        schema: SCHEMA,
        reports: reports.iter().map(|r| One::new(r, options)).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    reports: Vec<One<'a>>,
}

#[derive(Serialize)]
struct One<'a> {
    trace: &'a TraceInfo,
    program: &'a Program,
    rules: Vec<RuleJson<'a>>,
    findings: Vec<FindingJson<'a>>,
    known: u64,
}

#[derive(Serialize)]
pub(super) struct RuleJson<'a> {
    rule: &'static str,
    status: Status,
    reason: Option<&'a str>,
    measurement: Measurement,
}

/// A distribution, in numbers and as a whole.
#[derive(Serialize)]
pub struct Measurement {
    unit: Unit,
    count: u64,
    sum: u64,
    min: u64,
    max: u64,
    p50: u64,
    p90: u64,
    p99: u64,
    zeros: u64,
    buckets: Box<RawValue>,
    spread: Option<Box<RawValue>>,
}

#[derive(Serialize)]
pub(super) struct FindingJson<'a> {
    id: &'a str,
    #[serde(serialize_with = "name")]
    rule: &'static Rule,
    severity: Severity,
    unit: Unit,
    count: u64,
    open: u64,
    worst: u64,
    worst_at_ns: u64,
    worst_for_ns: u64,
    total: u64,
    threshold: u64,
    first_ns: u64,
    last_ns: u64,
    first_time: Option<Timestamp>,
    message: &'a str,
    suggestion: &'a str,
    goroutines: &'a [i64],
    place: &'a Frame,
    stack: &'a [Frame],
    cause: Option<&'a Cause>,
}

fn name<S: Serializer>(rule: &&'static Rule, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(rule.name)
}

impl<'a> One<'a> {
    fn new(report: &'a Report, options: &Options) -> Self {
        Self {
            trace: &report.trace,
            program: &report.program,
            rules: report.rules.iter().map(RuleJson::new).collect(),
            findings: top(report, options.top)
                .into_iter()
                .map(FindingJson::new)
                .collect(),
            known: report.known,
        }
    }
}

impl<'a> RuleJson<'a> {
    pub(super) fn new(report: &'a RuleReport) -> Self {
        Self {
            rule: report.rule.name,
            status: report.status,
            reason: report.reason.as_deref(),
            measurement: Measurement::new(report.rule.unit, &report.measurement, report.spread),
        }
    }
}

impl Measurement {
    /// The JSON of a distribution whose values have that unit.
    pub fn new(unit: Unit, seen: &Distribution, spread: Option<Spread>) -> Self {
        Self {
            unit,
            count: seen.count(),
            sum: seen.sum(),
            min: seen.min(),
            max: seen.max(),
            p50: seen.quantile(0.5),
            p90: seen.quantile(0.9),
            p99: seen.quantile(0.99),
            zeros: seen.zeros(),
            buckets: on_one_line(&seen.buckets().collect::<Vec<_>>()),
            spread: spread.as_ref().map(on_one_line),
        }
    }
}

/// A value that nobody wants to scroll through.
fn on_one_line(value: &impl Serialize) -> Box<RawValue> {
    to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

impl<'a> FindingJson<'a> {
    pub(super) fn new(f: &'a Finding) -> Self {
        Self {
            id: &f.id,
            rule: f.rule,
            severity: f.severity,
            unit: f.unit(),
            count: f.count,
            open: f.open,
            worst: f.worst,
            worst_at_ns: f.worst_at_ns,
            worst_for_ns: f.worst_for_ns,
            total: f.total,
            threshold: f.threshold,
            first_ns: f.first_ns,
            last_ns: f.last_ns,
            first_time: f.first_time,
            message: &f.message,
            suggestion: &f.suggestion,
            goroutines: &f.goroutines,
            place: &f.place,
            stack: &f.stack,
            cause: f.cause.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn json(reports: &[Report]) -> String {
        let mut out = Vec::new();
        write(&mut out, reports, &Options::default()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn golden() {
        let mut report = sample::eventful("a.trace");
        report.rules.retain(|r| [2, 7].contains(&r.rule.index()));
        insta::assert_snapshot!(json(&[report, sample::broken("-")]));
    }

    #[test]
    fn output_follows_the_published_schema() {
        let schema = include_str!("../../../../schema/report-v1.json");
        let schema = serde_json::from_str(schema).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let reports = [
            sample::eventful("a"),
            sample::broken("b"),
            sample::report("c"),
        ];
        for output in [json(&reports), json(&[])] {
            let value = serde_json::from_str(&output).unwrap();
            let errors: Vec<_> = validator
                .iter_errors(&value)
                .map(|e| e.to_string())
                .collect();
            assert!(errors.is_empty(), "{errors:#?}");
        }
    }
}
