//! Measurements of all rules as a table: the rows of a terminal and of a page.

use super::{Report, RuleReport, Severity, Status, human, share};

/// Number of columns.
pub(super) const COLUMNS: usize = 7;
/// Titles of the columns.
pub(super) const HEADING: [&str; COLUMNS] =
    ["SIGNAL", "COUNT", "P50", "P99", "MAX", "SHARE", "VERDICT"];

/// The signals of a report.
pub(super) struct Signals<'a> {
    /// Rules that observed a value.
    pub rows: Vec<Row>,
    /// Rules that observed no value.
    pub silent: Vec<&'a RuleReport>,
    /// Rules that lacked evidence.
    pub not_judged: Vec<&'a RuleReport>,
}

/// One rule.
pub(super) struct Row {
    /// Worst severity among the rule's findings.
    pub severity: Option<Severity>,
    /// Cells, in the order of the columns.
    pub cells: [String; COLUMNS],
}

impl<'a> Signals<'a> {
    /// Returns the signals of a report, in the registry's order.
    pub(super) fn of(report: &'a Report) -> Self {
        let (mut rows, mut silent, mut not_judged) = (Vec::new(), Vec::new(), Vec::new());
        for rule in &report.rules {
            let seen = rule.measurement.count() > 0 || rule.status == Status::Found;
            match rule.status {
                Status::NotApplicable => not_judged.push(rule),
                _ if seen => rows.push(Row::of(report, rule)),
                _ => silent.push(rule),
            }
        }
        Self {
            rows,
            silent,
            not_judged,
        }
    }
}

impl Row {
    fn of(report: &Report, rule: &RuleReport) -> Self {
        let (seen, unit) = (&rule.measurement, rule.rule.unit);
        let value = |value| match seen.count() {
            0 => "-".into(),
            _ => human::value(unit, value),
        };
        let of_rule = report.findings.iter().filter(|f| f.rule == rule.rule);
        let severity = of_rule.map(|f| f.severity).max();
        let verdict = match (severity, rule.status) {
            (Some(severity), _) => severity.name(),
            // The finding is known to the baseline, or suppressed.
            (None, Status::Found) => "known",
            (None, _) => "ok",
        };
        Self {
            severity,
            cells: [
                rule.rule.name.into(),
                human::about(seen.count()),
                value(seen.quantile(0.5)),
                value(seen.quantile(0.99)),
                value(seen.max()),
                report.share(rule).map_or("-".into(), share::text),
                verdict.into(),
            ],
        }
    }
}
