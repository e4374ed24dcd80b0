//! Selection and order of the findings to show.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::{Finding, Report, Unit};
use crate::timeline::Kinds;

/// Selection of findings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Top {
    /// The format's default: the table shows the worst few, other formats show all.
    #[default]
    Default,
    /// All findings.
    All,
    /// The worst findings of each rule, at most this many.
    PerRule(usize),
}

/// Returns the selected findings, in the report's order.
pub fn top(report: &Report, top: Top) -> Vec<&Finding> {
    let Top::PerRule(limit) = top else {
        return report.findings.iter().collect();
    };
    let mut seen: HashMap<usize, usize> = HashMap::new();
    let mut kept: Vec<_> = worst_first(&report.findings);
    kept.retain(|&i| {
        let seen = seen.entry(report.findings[i].rule.index()).or_default();
        *seen += 1;
        *seen <= limit
    });
    kept.sort_unstable();
    kept.into_iter().map(|i| &report.findings[i]).collect()
}

/// Returns indices by severity, then by total. Totals of different units are compared only within a rule.
fn worst_first(findings: &[Finding]) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..findings.len()).collect();
    indices.sort_by_key(|&i| Reverse((findings[i].severity, findings[i].total)));
    indices
}

/// Returns findings in the order of the table, whose numbers `explain --finding` accepts: by severity, then by time
/// lost. The worst finding of each rule comes before the second worst of any rule. So one rule with many places does
/// not hide the others.
pub fn ranked(report: &Report) -> Vec<&Finding> {
    let findings = &report.findings;
    let mut seen: HashMap<usize, usize> = HashMap::new();
    let mut ranked: Vec<_> = worst_first(findings)
        .into_iter()
        .map(|i| {
            let finding = &findings[i];
            let seen = seen.entry(finding.rule.index()).or_default();
            *seen += 1;
            let key = (
                Reverse(finding.severity),
                *seen,
                Reverse(time_lost(report, finding)),
            );
            (key, finding)
        })
        .collect();
    ranked.sort_by_key(|(key, _)| *key);
    ranked.into_iter().map(|(_, finding)| finding).collect()
}

/// Returns the time that a finding took from all goroutines together, ns; 0 for growth. A stopped world takes the
/// time of every P.
fn time_lost(report: &Report, finding: &Finding) -> u64 {
    match finding.unit() {
        Unit::Nanoseconds if finding.rule.watches == Kinds::STOP_THE_WORLD => {
            let ps = report.trace.gomaxprocs.unwrap_or(1).max(1);
            finding.total.saturating_mul(ps)
        }
        Unit::Nanoseconds => finding.total,
        Unit::Bytes | Unit::Goroutines | Unit::Share | Unit::Rate => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Severity;
    use crate::report::sample::{finding, report};

    fn of(rule: &str, severity: Severity, total: u64) -> Finding {
        let mut f = finding(rule, severity);
        f.total = total;
        f
    }

    #[test]
    fn each_rule_keeps_its_worst() {
        let mut r = report("a.trace");
        r.findings = vec![
            of("MutexContention", Severity::Warn, 9),
            of("MutexContention", Severity::Error, 1),
            of("GCAssist", Severity::Warn, 1),
            of("MutexContention", Severity::Warn, 9),
        ];
        let totals = |limit| top(&r, limit).iter().map(|f| f.total).collect::<Vec<_>>();
        assert_eq!(totals(Top::Default), [9, 1, 1, 9]);
        assert_eq!(totals(Top::All), [9, 1, 1, 9]);
        assert_eq!(totals(Top::PerRule(2)), [9, 1, 1]);
        assert_eq!(totals(Top::PerRule(1)), [1, 1]);
    }

    #[test]
    fn the_most_time_lost_comes_first_and_no_rule_hides_another() {
        let mut r = report("a.trace");
        r.findings = vec![
            of("HeapGrowthSpike", Severity::Error, 1 << 40),
            of("MutexContention", Severity::Error, 50),
            of("MutexContention", Severity::Error, 70),
            of("GCAssist", Severity::Error, 60),
            of("GCAssist", Severity::Warn, 99),
            of("GCPauseSpike", Severity::Error, 9),
        ];
        let order: Vec<_> = ranked(&r)
            .into_iter()
            .map(|f| (f.rule.name, f.total))
            .collect();
        assert_eq!(
            order,
            [
                // Of eight Ps.
                ("GCPauseSpike", 9),
                ("MutexContention", 70),
                ("GCAssist", 60),
                ("HeapGrowthSpike", 1 << 40),
                ("MutexContention", 50),
                ("GCAssist", 99),
            ]
        );
    }
}
