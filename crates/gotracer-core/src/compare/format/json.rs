//! Comparisons as JSON, for programs: `schema/diff-v1.json` describes it.

use std::io::{self, Write};

use serde::Serialize;

use super::words;
use crate::compare::{
    Change, Comparison, Created, Difference, FindingChange, Seen, Side, Signal, SiteChange, Verdict,
};
use crate::report::json::Measurement;
use crate::report::{Frame, Severity};
use crate::rules::Unit;

/// The value of `schema`.
pub const SCHEMA: &str = "gotracer.diff/v1";

pub fn write(out: &mut impl Write, c: &Comparison) -> io::Result<()> {
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
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    base: SideJson<'a>,
    new: SideJson<'a>,
    confidence: f64,
    effect: f64,
    regressions: usize,
    improvements: usize,
    /// Findings that are new or worse.
    worse_findings: usize,
    conclusion: String,
    limits: Vec<String>,
    signals: Vec<SignalJson<'a>>,
    findings: Vec<FindingJson<'a>>,
    goroutines: Vec<SiteJson<'a>>,
}

#[derive(Serialize)]
struct SideJson<'a> {
    sources: &'a [String],
    observed_ns: u64,
}

#[derive(Serialize)]
struct SignalJson<'a> {
    rule: &'static str,
    reason: Option<&'a str>,
    base: Measurement,
    new: Measurement,
    changes: Vec<ChangeJson>,
}

#[derive(Serialize)]
struct ChangeJson {
    quantity: crate::compare::Quantity,
    base: Option<f64>,
    new: Option<f64>,
    change: Option<f64>,
    interval: Option<(f64, f64)>,
    shows_above: Option<f64>,
    verdict: Verdict,
}

#[derive(Serialize)]
struct FindingJson<'a> {
    difference: Difference,
    rule: &'static str,
    unit: Unit,
    base: Option<SeenJson<'a>>,
    new: Option<SeenJson<'a>>,
}

#[derive(Serialize)]
struct SeenJson<'a> {
    place: &'a Frame,
    message: &'a str,
    severity: Severity,
    traces: u64,
    count: u64,
    worst: u64,
    per_second: f64,
}

#[derive(Serialize)]
struct SiteJson<'a> {
    place: &'a Frame,
    base: Created,
    new: Created,
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
