//! Which findings to show when there are too many.

use std::cmp::Reverse;

use super::{Finding, Report};
use crate::rules::RULES;

/// The findings to show: of each rule the `limit` that hurt most, by severity,
/// then by total; in the report's order. Without a limit all of them.
pub fn top(report: &Report, limit: Option<usize>) -> Vec<&Finding> {
    let findings = &report.findings;
    let Some(limit) = limit else {
        return findings.iter().collect();
    };
    let mut worst_first: Vec<usize> = (0..findings.len()).collect();
    worst_first.sort_by_key(|&i| Reverse((findings[i].severity, findings[i].total)));
    let mut seen = [0; RULES.len()];
    worst_first.retain(|&i| {
        let seen = &mut seen[findings[i].rule.index()];
        *seen += 1;
        *seen <= limit
    });
    worst_first.sort_unstable();
    worst_first.into_iter().map(|i| &findings[i]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Severity;
    use crate::report::sample::{finding, report};

    #[test]
    fn each_rule_keeps_its_worst() {
        let mut r = report("a.trace");
        let of = |rule, severity, total| {
            let mut f = finding(rule, severity);
            f.total = total;
            f
        };
        r.findings = vec![
            of("MutexContention", Severity::Warn, 9),
            of("MutexContention", Severity::Error, 1),
            of("GCAssist", Severity::Warn, 1),
            of("MutexContention", Severity::Warn, 9),
        ];
        let totals = |limit| top(&r, limit).iter().map(|f| f.total).collect::<Vec<_>>();
        assert_eq!(totals(None), [9, 1, 1, 9]);
        assert_eq!(totals(Some(2)), [9, 1, 1]);
        assert_eq!(totals(Some(1)), [1, 1]);
    }
}
