//! Policy of keeping: a trace is kept for a finding that is severe enough, unless the rule's last
//! trace is recent and at least as severe.

use std::collections::HashMap;

use jiff::Timestamp;

use super::settings::Settings;
use crate::labels::Labels;
use crate::report::{Finding, Report, Severity};

/// Recently kept findings by target and rule.
#[derive(Debug, Default)]
pub(super) struct Policy(HashMap<(Labels, String), Last>);

#[derive(Debug)]
struct Last {
    at: Timestamp,
    severity: Severity,
    /// Identifier of the kept trace, if it was written.
    id: Option<String>,
}

impl Policy {
    /// Returns the finding to keep a report's trace for. A rule with a recent trace counts only if
    /// the finding is worse.
    pub(super) fn news<'r>(
        &self,
        settings: &Settings,
        target: &Labels,
        report: &'r Report,
        now: Timestamp,
    ) -> Option<&'r Finding> {
        let is_news = |finding: &&Finding| {
            self.last(target, finding).is_none_or(|last| {
                let since = now.duration_since(last.at).unsigned_abs();
                finding.severity > last.severity || since >= settings.interval
            })
        };
        // The findings are sorted by impact.
        worth(settings, report).find(is_news)
    }

    /// Records that a trace was kept for a finding.
    pub(super) fn note(&mut self, target: &Labels, finding: &Finding, now: Timestamp, id: &str) {
        let last = Last {
            at: now,
            severity: finding.severity,
            id: Some(id.into()),
        };
        self.0
            .insert((target.clone(), finding.rule.name.into()), last);
    }

    /// Returns the identifier of a recent trace of a rule that has a finding in this report.
    pub(super) fn recent(
        &self,
        settings: &Settings,
        target: &Labels,
        report: &Report,
    ) -> Option<&str> {
        let kept = |finding| self.last(target, finding)?.id.as_deref();
        worth(settings, report).find_map(kept)
    }

    /// Forgets a trace that could not be written.
    pub(super) fn lost(&mut self, id: &str) {
        for last in self.0.values_mut() {
            last.id.take_if(|known| known == id);
        }
    }

    /// Removes entries older than the interval.
    pub(super) fn forget(&mut self, settings: &Settings, now: Timestamp) {
        self.0
            .retain(|_, last| now.duration_since(last.at).unsigned_abs() < settings.interval);
    }

    fn last(&self, target: &Labels, finding: &Finding) -> Option<&Last> {
        self.0.get(&(target.clone(), finding.rule.name.into()))
    }
}

fn worth<'r>(settings: &Settings, report: &'r Report) -> impl Iterator<Item = &'r Finding> {
    let least = settings.severity;
    report
        .findings
        .iter()
        .filter(move |finding| finding.severity >= least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_same_is_kept_once_in_a_while_and_what_is_worse_at_once() {
        let (settings, mut policy) = (Settings::default(), Policy::default());
        let (mut report, target) = (sample::eventful("a"), Labels::new());
        let at = |second: i64| Timestamp::from_second(1_000_000 + second).unwrap();
        let first = policy.news(&settings, &target, &report, at(0)).unwrap();
        assert_eq!(first.rule.name, "MutexContention");
        let mild = Finding {
            severity: Severity::Warn,
            ..first.clone()
        };
        policy.note(&target, &mild, at(0), "1");
        assert!(policy.news(&settings, &target, &report, at(1)).is_some());
        policy.note(&target, first, at(1), "2");
        assert!(policy.news(&settings, &target, &report, at(300)).is_none());
        assert!(policy.news(&settings, &target, &report, at(301)).is_some());
        assert_eq!(policy.recent(&settings, &target, &report), Some("2"));
        policy.lost("2");
        assert_eq!(policy.recent(&settings, &target, &report), None);
        let other: Labels = [("instance", "x")].into_iter().collect();
        assert!(policy.news(&settings, &other, &report, at(1)).is_some());
        policy.forget(&settings, at(301));
        assert!(policy.news(&settings, &target, &report, at(1)).is_some());
        report.findings.clear();
        assert!(
            policy
                .news(&settings, &target, &report, at(5_000))
                .is_none()
        );
    }
}
