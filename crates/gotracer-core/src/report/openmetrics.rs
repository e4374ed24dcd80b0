//! Measurements as metrics in text form, for the Pushgateway or the textfile collector of node_exporter.
//!
//! The output is valid OpenMetrics and valid Prometheus text. It has no timestamps, because both receivers reject them.
//! Names are those of the daemon's `/metrics`; a distribution is a summary, because one trace has no rate.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::io::{self, Write};

use crate::rules::{RULES, Rule};

use super::{Escaped, Format, Options, Report, RuleReport, Severity, Status, Unit};

/// Quantiles of a summary.
const QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];

/// Entry in the registry.
pub(super) const FORMAT: Format<[Report]> = Format {
    name: "openmetrics",
    summary: "metrics for the Pushgateway or a textfile collector",
    endings: &["prom", "om"],
    course: false,
    write,
};

/// Writes the metrics of all traces.
///
/// # Errors
/// If writing fails.
pub(super) fn write(out: &mut dyn Write, reports: &[Report], _: &Options) -> io::Result<()> {
    traces(out, reports)?;
    findings(out, reports)?;
    measurements(out, reports)?;
    writeln!(out, "# EOF")
}

fn traces(out: &mut dyn Write, reports: &[Report]) -> io::Result<()> {
    let mut gauge = |name: &str, help: &str, value: fn(&Report) -> Option<f64>| {
        head(out, name, "gauge", help)?;
        for report in reports {
            if let Some(value) = value(report) {
                writeln!(out, "{name}{{trace=\"{}\"}} {value}", trace(report))?;
            }
        }
        io::Result::Ok(())
    };
    gauge(
        "gotrace_trace_error",
        "Whether the trace could not be read to its end.",
        |report| Some(f64::from(u8::from(report.trace.error.is_some()))),
    )?;
    gauge(
        "gotrace_observed_seconds",
        "Time that the trace covers.",
        |report| (!report.is_unreadable()).then(|| report.trace.duration_ns as f64 / 1e9),
    )
}

fn findings(out: &mut dyn Write, reports: &[Report]) -> io::Result<()> {
    let name = "gotrace_findings";
    let help = "Findings by rule and severity. Rules without evidence have no value.";
    head(out, name, "gauge", help)?;
    for report in reports {
        let judged = report.rules.iter();
        for rule in judged.filter(|rule| rule.status != Status::NotApplicable) {
            for severity in Severity::ALL {
                let of = |f: &&super::Finding| f.rule == rule.rule && f.severity == severity;
                let count = report.findings.iter().filter(of).count();
                writeln!(
                    out,
                    "{name}{{trace=\"{}\",rule=\"{}\",severity=\"{}\"}} {count}",
                    trace(report),
                    rule.rule.name,
                    severity.name()
                )?;
            }
        }
    }
    Ok(())
}

/// Writes a summary and a maximum per rule that observed a value.
fn measurements(out: &mut dyn Write, reports: &[Report]) -> io::Result<()> {
    let mut by_rule: BTreeMap<usize, Vec<(&Report, &RuleReport)>> = BTreeMap::new();
    for report in reports {
        for rule in &report.rules {
            if rule.status != Status::NotApplicable && rule.measurement.count() > 0 {
                // Custom rules of one unit share a family.
                let family = match rule.rule.is_custom() {
                    true => RULES.len() + rule.rule.unit as usize,
                    false => rule.rule.index(),
                };
                let of_rule = by_rule.entry(family).or_default();
                of_rule.push((report, rule));
            }
        }
    }
    for of_rule in by_rule.values() {
        let Some((_, first)) = of_rule.first() else {
            continue;
        };
        let rule = first.rule;
        let (stem, suffix) = (rule.metric.name, suffix(rule.unit));
        let name = format!("{stem}{suffix}");
        let help = match rule.is_custom() {
            true => rule.metric.about.to_owned(),
            false => format!("{}: {}", rule.name, rule.metric.about),
        };
        head(out, &name, "summary", &help)?;
        for (report, rule) in of_rule {
            let (seen, labels) = (&rule.measurement, labels(report, rule.rule));
            for q in QUANTILES {
                let value = in_base_unit(rule.rule.unit, seen.quantile(q));
                writeln!(out, "{name}{{{labels},quantile=\"{q}\"}} {value}")?;
            }
            let sum = in_base_unit(rule.rule.unit, seen.sum());
            writeln!(out, "{name}_sum{{{labels}}} {sum}")?;
            writeln!(out, "{name}_count{{{labels}}} {}", seen.count())?;
        }
        let name = format!("{stem}_max{suffix}");
        head(out, &name, "gauge", &format!("{help}, the largest value"))?;
        for (report, rule) in of_rule {
            let most = in_base_unit(rule.rule.unit, rule.measurement.max());
            writeln!(out, "{name}{{{}}} {most}", labels(report, rule.rule))?;
        }
    }
    Ok(())
}

fn head(out: &mut dyn Write, name: &str, kind: &str, help: &str) -> io::Result<()> {
    writeln!(out, "# HELP {name} {}\n# TYPE {name} {kind}", Label(help))
}

fn suffix(unit: Unit) -> &'static str {
    match unit {
        Unit::Nanoseconds => "_seconds",
        Unit::Bytes => "_bytes",
        Unit::Goroutines | Unit::Rate => "",
        Unit::Share => "_ratio",
    }
}

fn in_base_unit(unit: Unit, value: u64) -> f64 {
    match unit {
        Unit::Nanoseconds => value as f64 / 1e9,
        Unit::Bytes | Unit::Goroutines => value as f64,
        Unit::Share => value as f64 / 1e6,
        Unit::Rate => value as f64 / 1e3,
    }
}

/// Returns the labels of a rule's series. Only custom rules share a family.
fn labels(report: &Report, rule: &Rule) -> String {
    let trace = trace(report);
    match rule.is_custom() {
        true => format!("trace=\"{trace}\",rule=\"{}\"", rule.name),
        false => format!("trace=\"{trace}\""),
    }
}

fn trace(report: &Report) -> String {
    let source = Escaped(&report.trace.source).to_string();
    Label(&source).to_string()
}

/// Text in a label or a help line, escaped.
struct Label<'a>(&'a str);

impl Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                c => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn text(reports: &[Report]) -> String {
        sample::written(&FORMAT, reports, &Options::default())
    }

    #[test]
    fn golden() {
        let mut report = sample::eventful("a.trace");
        report.rules.retain(|r| [2, 5, 7].contains(&r.rule.index()));
        let missing = Report::unreadable("b.trace", &"not a Go execution trace");
        insta::assert_snapshot!(text(&[report, missing]));
    }

    #[test]
    fn a_name_stays_in_its_label() {
        let mut report = sample::report("a\"} 1\n# EOF\\");
        report.rules.truncate(1);
        let text = text(&[report]);
        assert_eq!(text.matches("\n# EOF").count(), 1);
        assert!(text.contains("trace=\"a\\\"} 1"));
    }
}
