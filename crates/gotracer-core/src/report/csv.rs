//! Measurements as comma-separated values, for spreadsheets and data frames.

use std::io::{self, Write};

use super::{Distribution, Format, Options, Report, RuleReport, Severity};

const HEAD: [&str; 17] = [
    "source",
    "go_version",
    "start_time",
    "duration_ns",
    "rule",
    "reason",
    "status",
    "unit",
    "count",
    "sum",
    "min",
    "max",
    "p50",
    "p90",
    "p99",
    "warnings",
    "errors",
];

/// Entry in the registry.
pub(super) const FORMAT: Format<[Report]> = Format {
    name: "csv",
    summary: "measurements of the rules, for spreadsheets",
    endings: &["csv"],
    course: false,
    write,
};

/// Writes one row per trace and rule, followed by one row per reason that the rule distinguishes. Only a rule's own
/// row counts findings.
///
/// # Errors
/// If writing fails.
pub(super) fn write(out: &mut dyn Write, reports: &[Report], _: &Options) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record(HEAD)?;
    for report in reports {
        for rule in &report.rules {
            let found = |severity| {
                let of = |f: &&super::Finding| f.rule == rule.rule && f.severity == severity;
                report.findings.iter().filter(of).count().to_string()
            };
            let counts = [found(Severity::Warn), found(Severity::Error)];
            rows.write_record(row(report, rule, "", &rule.measurement, counts))?;
            for (reason, seen) in &rule.by_reason {
                rows.write_record(row(report, rule, reason, seen, Default::default()))?;
            }
        }
    }
    rows.flush()
}

fn row(
    report: &Report,
    rule: &RuleReport,
    reason: &str,
    seen: &Distribution,
    [warnings, errors]: [String; 2],
) -> [String; HEAD.len()] {
    let trace = &report.trace;
    [
        cell(&trace.source),
        cell(trace.go_version.as_deref().unwrap_or_default()),
        trace.start_time.map(|t| t.to_string()).unwrap_or_default(),
        trace.duration_ns.to_string(),
        rule.rule.name.into(),
        cell(reason),
        rule.status.name().into(),
        rule.rule.unit.name().into(),
        seen.count().to_string(),
        seen.sum().to_string(),
        seen.min().to_string(),
        seen.max().to_string(),
        seen.quantile(0.5).to_string(),
        seen.quantile(0.9).to_string(),
        seen.quantile(0.99).to_string(),
        warnings,
        errors,
    ]
}

/// Quotes text so that no spreadsheet evaluates it as a formula.
pub(super) fn cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && text != "-" {
        format!("'{text}")
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn table(reports: &[Report]) -> String {
        sample::written(&FORMAT, reports, &Options::default())
    }

    #[test]
    fn golden() {
        let mut report = sample::eventful("a.trace");
        let stops = report.rules[2].measurement.clone();
        report.rules[0].by_reason = vec![("GC mark termination".into(), stops)];
        insta::assert_snapshot!(table(&[report, sample::broken("-")]));
    }

    #[test]
    fn nothing_is_a_formula_or_breaks_a_row() {
        let mut report = sample::hostile();
        report.trace.source = "=HYPERLINK(\"http://x\";\"a,b\")\n".into();
        report.rules[0].by_reason = vec![(
            "@SUM(1+1)*cmd|' /C calc'!A0".into(),
            Distribution::default(),
        )];
        let text = table(&[report.clone()]);
        let mut rows = csv::Reader::from_reader(text.as_bytes());
        let mut all = 0;
        for row in rows.records() {
            let row = row.unwrap();
            assert_eq!(row[0], format!("'{}", report.trace.source));
            assert!(row[5].is_empty() || row[5].starts_with("'@"));
            all += 1;
        }
        assert_eq!(all, report.rules.len() + 1);
    }
}
