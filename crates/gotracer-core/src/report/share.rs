//! Share of a trace's time that a rule or a finding took.

use super::{Finding, Report, RuleReport, Unit, human};
use crate::rules::Rule;

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

/// Formats a share for a cell: `9.0%`, or `9.2 avg` for an average of several goroutines at a time.
pub(super) fn text(share: f64) -> String {
    percent(share).unwrap_or_else(|| format!("{} avg", average(share)))
}

/// Formats the share of a rule's occurrences: `9.0% of the time`, or `9.2 goroutines on average`.
pub(super) fn phrase(rule: &Rule, share: f64) -> String {
    match percent(share) {
        Some(percent) => format!("{percent} of the time"),
        None => {
            let counted = rule.lost.as_ref().map_or("goroutines", |lost| lost.counted);
            format!("{} {counted} on average", average(share))
        }
    }
}

/// Formats an average number of occurrences at a time.
pub(super) fn average(share: f64) -> String {
    match share {
        ..9.95 => format!("{share:.1}"),
        _ => human::count(share.round() as u64),
    }
}

/// Formats a share below one; `None` for larger ones, which several goroutines have at a time.
fn percent(share: f64) -> Option<String> {
    match share {
        0.0 => Some("0%".into()),
        ..0.0005 => Some("<0.1%".into()),
        ..0.1 => Some(format!("{:.1}%", share * 100.0)),
        ..0.995 => Some(format!("{:.0}%", share * 100.0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_share_is_a_percentage_below_one_and_an_average_above() {
        let texts = [0.0, 0.0001, 0.09, 0.42, 0.999, 9.2, 1234.0].map(text);
        let all = [
            "0%",
            "<0.1%",
            "9.0%",
            "42%",
            "1.0 avg",
            "9.2 avg",
            "1,234 avg",
        ];
        assert_eq!(texts, all);
    }

    #[test]
    fn a_phrase_names_what_is_counted() {
        let phrase = |rule, share| phrase(Rule::find(rule).unwrap(), share);
        assert_eq!(phrase("MutexContention", 0.15), "15% of the time");
        assert_eq!(phrase("MutexContention", 2.7), "2.7 goroutines on average");
        assert_eq!(phrase("ProcessorStarvation", 12.0), "12 idle Ps on average");
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
