//! Comparisons as JSON, for programs: `schema/diff-v1.json` describes it.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::words;
use crate::compare::{
    Activities, ActivityChange, ActivityKind, Change, Comparison, Created, Difference,
    FindingChange, FunctionChange, Seen, Side, Signal, SiteChange, Spent, Verdict,
};
use crate::report::wire::{Measurement, Time, time};
use crate::report::{Format, Frame, Options, Severity};
use crate::rules::Unit;
use crate::timeline::StateVector;

/// The value of `schema`.
pub const SCHEMA: &str = "gotracer.diff/v1";

/// The entry in the registry.
pub(super) const FORMAT: Format<Comparison> = Format {
    name: "json",
    summary: "for programs: schema/diff-v1.json",
    endings: &["json"],
    course: false,
    write,
};

fn write(out: &mut dyn Write, c: &Comparison, _: &Options) -> io::Result<()> {
    let document = Document {
        schema: SCHEMA,
        base: SideJson::new(&c.base),
        new: SideJson::new(&c.new),
        confidence: c.confidence,
        effect: c.effect,
        regressions: c.count(Verdict::Regression),
        improvements: c.count(Verdict::Improvement),
        worse_findings: c.worse(Severity::Info).count(),
        conclusion: words::conclusion(c),
        limits: words::limits(c),
        signals: c.signals.iter().map(SignalJson::new).collect(),
        findings: c.findings.iter().map(FindingJson::new).collect(),
        goroutines: c.sites.iter().map(SiteJson::new).collect(),
        functions: c.functions.iter().map(FunctionJson::new).collect(),
        activities: c.activities.iter().map(ActivityJson::new).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

/// The JSON Schema of comparisons, which `schema/diff-v1.json` holds.
pub fn schema() -> serde_json::Value {
    crate::schema::of::<Document<'static>>("urn:gotracer:diff:v1")
}

/// Document that `gotracer diff --format json` writes.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "Comparison of gotracer")]
struct Document<'a> {
    /// Name and version of the format.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// The traces that are compared with.
    base: SideJson<'a>,
    /// The traces that are compared.
    new: SideJson<'a>,
    /// Confidence of all verdicts together.
    confidence: f64,
    /// The least change that counts, as a share of the base.
    effect: f64,
    /// Number of quantities that are worse.
    regressions: usize,
    /// Number of quantities that are better.
    improvements: usize,
    /// Number of findings that are new or worse.
    worse_findings: usize,
    /// The result in one line, for people.
    conclusion: String,
    /// Which changes so few traces cannot show, for people.
    limits: Vec<String>,
    /// Every rule that was applied.
    signals: Vec<SignalJson<'a>>,
    /// Findings that differ, by rule and place; the worst first.
    findings: Vec<FindingJson<'a>>,
    /// Places that leave more or fewer goroutines behind than before.
    goroutines: Vec<SiteJson<'a>>,
    /// Start functions whose goroutines spend at least twice or at most half as much time in a state, in every trace;
    /// the greatest increase first.
    functions: Vec<FunctionJson<'a>>,
    /// Types of tasks, regions and requests whose duration or rate differs by half or more, and those of one side; the
    /// greatest increase of the median first.
    activities: Vec<ActivityJson<'a>>,
}

/// The traces of one side.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Side")]
struct SideJson<'a> {
    /// Names of the traces.
    sources: &'a [String],
    /// Time that the traces cover together.
    observed_ns: u64,
}

/// Measurements of one rule on both sides.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Signal")]
struct SignalJson<'a> {
    /// Name of the rule.
    rule: &'static str,
    /// Why the sides cannot be compared.
    reason: Option<&'a str>,
    /// All measurements of the base.
    base: Measurement,
    /// All measurements of the new traces.
    new: Measurement,
    /// The quantities that are compared.
    changes: Vec<ChangeJson>,
}

/// How a quantity changed.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Change")]
struct ChangeJson {
    /// The quantity.
    quantity: crate::compare::Quantity,
    /// Its value in a typical trace of the base, in the rule's unit; null if there is too little.
    base: Option<f64>,
    /// Its value in a typical new trace.
    new: Option<f64>,
    /// The change as a share of the base: 0.5 is 50 % more. Null if the base is 0.
    change: Option<f64>,
    /// Confidence interval of the change, as shares of the base. Null if there is too little.
    interval: Option<(f64, f64)>,
    /// The factor above which a change would be called a regression. Null if there is too little.
    shows_above: Option<f64>,
    /// The verdict.
    verdict: Verdict,
}

/// A finding that differs.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Finding")]
struct FindingJson<'a> {
    /// How the finding differs.
    difference: Difference,
    /// Name of the rule.
    rule: &'static str,
    /// Unit of `worst` and `per_second`.
    unit: Unit,
    /// The finding in the base.
    base: Option<SeenJson<'a>>,
    /// The finding in the new traces.
    new: Option<SeenJson<'a>>,
}

/// A finding on one side.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Seen")]
struct SeenJson<'a> {
    /// The frame to go and change.
    place: &'a Frame,
    /// Message of the worst occurrence.
    message: &'a str,
    /// Severity of the worst occurrence.
    severity: Severity,
    /// Number of traces with the finding.
    traces: u64,
    /// Number of occurrences in all traces.
    count: u64,
    /// The worst occurrence.
    worst: u64,
    /// Sum of the occurrences per second of a trace: the greatest of all traces.
    per_second: f64,
}

/// Goroutines of one place on both sides.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Site")]
struct SiteJson<'a> {
    /// The place that creates the goroutines.
    place: &'a Frame,
    /// In the base.
    base: Created,
    /// In the new traces.
    new: Created,
}

/// Time of the goroutines of one start function in one state, on both sides.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "FunctionTime")]
struct FunctionJson<'a> {
    /// The function that the `go` statement calls.
    function: &'a str,
    /// Name of the state, as in `time` of reports.
    state: &'static str,
    /// How many times as long the time in the new traces is; null if the base has none.
    factor: Option<f64>,
    /// In the base.
    base: Spent,
    /// In the new traces.
    new: Spent,
}

/// Tasks, regions or requests of one type on both sides.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Activity")]
struct ActivityJson<'a> {
    /// Kind of the activities.
    kind: ActivityKind,
    /// The type, or the handler of requests.
    name: &'a str,
    /// In the base; null if it has none.
    base: Option<ActivitiesJson>,
    /// In the new traces; null if they have none.
    new: Option<ActivitiesJson>,
}

/// Activities of one type on one side.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Activities")]
struct ActivitiesJson {
    /// Number in all traces.
    count: u64,
    /// Number per second of trace.
    per_second: f64,
    /// Median of the duration, ns.
    p50: u64,
    /// 99th percentile of the duration, ns.
    p99: u64,
    /// Time by state of their goroutines, in all traces.
    #[serde(serialize_with = "time::serialize")]
    #[schemars(with = "Time")]
    time: StateVector,
}

impl<'a> SideJson<'a> {
    fn new(side: &'a Side) -> Self {
        Self {
            sources: &side.sources,
            observed_ns: side.observed_ns,
        }
    }
}

impl<'a> SignalJson<'a> {
    fn new(s: &'a Signal) -> Self {
        Self {
            rule: s.rule.name,
            reason: s.reason.as_deref(),
            base: Measurement::new(s.rule.unit, &s.base, None),
            new: Measurement::new(s.rule.unit, &s.new, None),
            changes: s.changes.iter().map(ChangeJson::new).collect(),
        }
    }
}

impl ChangeJson {
    fn new(c: &Change) -> Self {
        Self {
            quantity: c.quantity,
            base: c.base,
            new: c.new,
            change: c.share(),
            // JSON knows no infinity.
            interval: c.interval.filter(|(_, high)| high.is_finite()),
            shows_above: c.shows_above.filter(|factor| factor.is_finite()),
            verdict: c.verdict,
        }
    }
}

impl<'a> FindingJson<'a> {
    fn new(f: &'a FindingChange) -> Self {
        Self {
            difference: f.difference,
            rule: f.rule.name,
            unit: f.rule.unit,
            base: f.base.as_ref().map(SeenJson::new),
            new: f.new.as_ref().map(SeenJson::new),
        }
    }
}

impl<'a> SeenJson<'a> {
    fn new(s: &'a Seen) -> Self {
        Self {
            place: &s.place,
            message: &s.message,
            severity: s.severity,
            traces: s.traces,
            count: s.count,
            worst: s.worst,
            per_second: s.per_second,
        }
    }
}

impl<'a> SiteJson<'a> {
    fn new(s: &'a SiteChange) -> Self {
        Self {
            place: &s.place,
            base: s.base,
            new: s.new,
        }
    }
}

impl<'a> FunctionJson<'a> {
    fn new(c: &'a FunctionChange) -> Self {
        Self {
            function: &c.function,
            state: c.state.name(),
            factor: c.factor(),
            base: c.base,
            new: c.new,
        }
    }
}

impl<'a> ActivityJson<'a> {
    fn new(c: &'a ActivityChange) -> Self {
        Self {
            kind: c.kind,
            name: &c.name,
            base: c.base.as_ref().map(ActivitiesJson::new),
            new: c.new.as_ref().map(ActivitiesJson::new),
        }
    }
}

impl ActivitiesJson {
    fn new(a: &Activities) -> Self {
        Self {
            count: a.count,
            per_second: a.per_second,
            p50: a.p50,
            p99: a.p99,
            time: a.time,
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_published_schema_is_up_to_date() {
        crate::schema::assert_published("diff-v1.json", &super::schema());
    }
}
