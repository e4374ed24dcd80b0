//! Suppression of findings by the configuration.

use jiff::civil::Date;

use crate::report::{Report, Status, Suppressed};
use crate::rules::suppression::Suppressions;

/// Moves the findings that match an entry in force to the suppressed ones. A rule without any other finding has the
/// status `ok`.
pub(super) fn suppress(report: &mut Report, ignore: &Suppressions, today: Date) {
    if ignore.is_empty() || report.findings.is_empty() {
        return;
    }
    for finding in std::mem::take(&mut report.findings) {
        let stack = || finding.stack.iter().map(|frame| frame.function.as_str());
        let entry = ignore.of(finding.rule, &finding.place.function, stack, today);
        match entry.cloned() {
            Some(entry) => report.suppressed.push(Suppressed {
                finding,
                reason: entry.reason,
                until: entry.until,
                place: entry.place,
            }),
            None => report.findings.push(finding),
        }
    }
    for rule in &mut report.rules {
        let found = report
            .findings
            .iter()
            .any(|f| f.rule.name == rule.rule.name);
        if rule.status == Status::Found && !found {
            rule.status = Status::Ok;
        }
    }
}
