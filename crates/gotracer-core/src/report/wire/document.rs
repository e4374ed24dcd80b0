//! Document of reports, report, and outcome of a rule.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Finding, Measurement, Region, Request, Suppressed, Task, WireError};
use crate::report::{
    self, CpuSamples, GoroutineGroup, Options, Program, RuleReport, Status, TraceInfo, top,
};
use crate::rules;

/// Value of `schema` in a document.
pub const SCHEMA: &str = "gotracer.report/v1";

/// Part of a document that names its version.
#[derive(Deserialize)]
pub struct Head {
    /// Name and version of the format.
    pub schema: String,
}

/// Output of `gotracer analyze --format json`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "Report of gotracer")]
pub struct Document<'a> {
    /// Name and version of the format.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: Cow<'a, str>,
    /// One report per trace, in the order of the arguments.
    pub reports: Vec<Report<'a>>,
}

/// The report of one trace.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Report<'a> {
    /// The trace that was read.
    pub trace: Cow<'a, TraceInfo>,
    /// The traced program. Early reports lack it.
    #[serde(default)]
    pub program: Cow<'a, Program>,
    /// Goroutines by start function, those with most time first: at most 1,000 functions, and the rest as one. Early
    /// reports lack it.
    #[serde(default)]
    pub goroutines: Cow<'a, [GoroutineGroup]>,
    /// Tasks of `runtime/trace` by type, the largest total duration first; left out if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Task<'a>>,
    /// Regions of `runtime/trace` by type, the largest total duration first; left out if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<Region<'a>>,
    /// Requests that HTTP and gRPC servers handled, by handler; left out if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<Request<'a>>,
    /// CPU samples by function; left out if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_samples: Option<Cow<'a, CpuSamples>>,
    /// Every rule that was applied.
    pub rules: Vec<Rule<'a>>,
    /// Findings by rule and place, the worst first.
    pub findings: Vec<Finding<'a>>,
    /// Findings that the configuration suppresses; left out if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suppressed: Vec<Suppressed<'a>>,
    /// Number of findings that the baseline holds.
    #[serde(default)]
    pub known: u64,
}

/// Outcome and measurement of a rule.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Rule<'a> {
    /// Name of the rule.
    pub rule: Cow<'a, str>,
    /// Outcome.
    pub status: Status,
    /// Why the rule is not applicable.
    pub reason: Option<Cow<'a, str>>,
    /// Measurement.
    pub measurement: Measurement,
}

impl<'a> Document<'a> {
    /// Creates the document of these reports.
    pub fn new(reports: &'a [report::Report], options: &Options) -> Self {
        Self {
            schema: SCHEMA.into(),
            reports: reports.iter().map(|r| Report::new(r, options)).collect(),
        }
    }
}

impl<'a> Report<'a> {
    /// Converts a report, with the findings that the options select.
    pub fn new(report: &'a report::Report, options: &Options) -> Self {
        let findings = top(report, options.top).into_iter();
        Self {
            trace: Cow::Borrowed(&report.trace),
            program: Cow::Borrowed(&report.program),
            goroutines: Cow::Borrowed(&report.goroutines),
            tasks: report.tasks.iter().map(Task::new).collect(),
            regions: report.regions.iter().map(Region::new).collect(),
            requests: report.requests.iter().map(Request::new).collect(),
            cpu_samples: report.cpu_samples.as_ref().map(Cow::Borrowed),
            rules: report.rules.iter().map(Rule::new).collect(),
            findings: findings.map(Finding::new).collect(),
            suppressed: report.suppressed.iter().map(Suppressed::new).collect(),
            known: report.known,
        }
    }

    /// Converts a saved report. Rules that this version does not know are left out.
    ///
    /// # Errors
    /// If a measurement lacks its distribution or contradicts itself.
    pub fn into_model(self) -> Result<report::Report, WireError> {
        let rules = self.rules.into_iter().filter_map(Rule::into_model);
        Ok(report::Report {
            trace: self.trace.into_owned(),
            program: self.program.into_owned(),
            waits: Vec::new(),
            goroutines: self.goroutines.into_owned(),
            tasks: all(self.tasks, Task::into_model)?,
            regions: all(self.regions, Region::into_model)?,
            requests: all(self.requests, Request::into_model)?,
            cpu_samples: self.cpu_samples.map(Cow::into_owned),
            rules: rules.collect::<Result<_, _>>()?,
            findings: self
                .findings
                .into_iter()
                .filter_map(Finding::into_model)
                .collect(),
            suppressed: self
                .suppressed
                .into_iter()
                .filter_map(Suppressed::into_model)
                .collect(),
            known: self.known,
            evidence: None,
            course: None,
            moments: Vec::new(),
        })
    }
}

/// Converts each value; returns the first error.
fn all<W, M>(wire: Vec<W>, model: impl Fn(W) -> Result<M, WireError>) -> Result<Vec<M>, WireError> {
    wire.into_iter().map(model).collect()
}

impl<'a> Rule<'a> {
    /// Converts a rule's outcome.
    pub fn new(report: &'a RuleReport) -> Self {
        Self {
            rule: report.rule.name.into(),
            status: report.status,
            reason: report.reason.as_deref().map(Cow::Borrowed),
            measurement: Measurement::new(report.rule.unit, &report.measurement, report.spread),
        }
    }

    /// Converts the outcome in a saved report; `None` if this version does not know the rule.
    fn into_model(self) -> Option<Result<RuleReport, WireError>> {
        let rule = rules::Rule::find(&self.rule)?;
        let measured = self.measurement.into_model(rule.name);
        Some(measured.map(|(measurement, spread)| RuleReport {
            rule,
            thresholds: None,
            status: self.status,
            reason: self.reason.map(Cow::into_owned),
            measurement,
            spread,
            by_reason: Vec::new(),
        }))
    }
}
