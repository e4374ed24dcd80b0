//! Share of a trace's time that a rule or a finding took.

use super::{Finding, Report, RuleReport, Unit};

impl Report {
    /// Returns the sum of a rule's measurement divided by the trace's duration; `None` for growth and for a trace
    /// without duration. Waits of several goroutines add up: 2.0 means that two goroutines waited on average.
    pub fn share(&self, rule: &RuleReport) -> Option<f64> {
        self.share_of(rule.rule.unit, rule.measurement.sum())
    }

    /// Returns the share of a finding's occurrences.
    pub fn share_lost(&self, finding: &Finding) -> Option<f64> {
        self.share_of(finding.unit(), finding.total)
    }

    fn share_of(&self, unit: Unit, sum: u64) -> Option<f64> {
        let duration = self.trace.duration_ns;
        (unit == Unit::Nanoseconds && duration > 0).then(|| sum as f64 / duration as f64)
    }
}

/// A share of the time: `9.0%`, and from 1 on `×9.2`.
pub fn text(share: f64) -> String {
    match share {
        0.0 => "0%".into(),
        ..0.0005 => "<0.1%".into(),
        ..0.1 => format!("{:.1}%", share * 100.0),
        ..0.995 => format!("{:.0}%", share * 100.0),
        ..9.95 => format!("×{share:.1}"),
        _ => format!("×{}", super::human::count(share.round() as u64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_share_is_a_percentage_below_one_and_a_factor_above() {
        let texts = [0.0, 0.0001, 0.09, 0.42, 0.999, 9.2, 1234.0].map(text);
        assert_eq!(
            texts,
            ["0%", "<0.1%", "9.0%", "42%", "×1.0", "×9.2", "×1,234"]
        );
    }

    #[test]
    fn growth_has_no_share() {
        let report = sample::eventful("a");
        let shares: Vec<_> = report
            .findings
            .iter()
            .map(|f| report.share_lost(f).map(|share| (share * 10.0).round()))
            .collect();
        assert_eq!(shares, [Some(25.0), None, None]);
    }
}
