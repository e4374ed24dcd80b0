//! Sets findings apart that the configuration suppresses.

use jiff::civil::Date;

use crate::report::{Report, Status, Suppressed};
use crate::rules::suppression::Suppressions;

/// Moves findings that an entry in force fits to the suppressed ones. A rule
/// without any other finding found nothing.
pub fn suppress(report: &mut Report, ignore: &Suppressions, today: Date) {
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
