//! Deduplication of findings in a stream.
//!
//! A problem at one place usually persists and would be a finding each second. The first finding is
//! emitted at once, later ones once a minute, added up. Each occurrence is counted exactly once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::report::Finding;
use crate::rules::Severity;

/// Interval at which a repeated finding is emitted.
const REPEAT: Duration = Duration::from_secs(60);
/// Maximum number of findings that are remembered; further ones are emitted at once.
const MOST: usize = 1_000;

/// Findings by ID that were emitted recently.
#[derive(Debug, Default)]
pub(super) struct Dedup(HashMap<String, Known>);

#[derive(Debug)]
struct Known {
    told: Instant,
    severity: Severity,
    more: Option<Finding>,
}

impl Dedup {
    /// Returns the findings to emit now. The `last` call returns everything that was held back.
    pub(super) fn fold(
        &mut self,
        findings: Vec<Finding>,
        now: Instant,
        last: bool,
    ) -> Vec<Finding> {
        let mut tell = Vec::new();
        for finding in findings {
            let full = self.0.len() >= MOST;
            match self.0.get_mut(&finding.id) {
                Some(known) => match &mut known.more {
                    Some(more) => more.add(finding),
                    None => known.more = Some(finding),
                },
                None if full => tell.push(finding),
                None => {
                    let known = Known {
                        told: now,
                        severity: finding.severity,
                        more: None,
                    };
                    self.0.insert(finding.id.clone(), known);
                    tell.push(finding);
                }
            }
        }
        self.0.retain(|_, known| {
            let due = last || now.saturating_duration_since(known.told) >= REPEAT;
            let worse = |more: &mut Finding| due || more.severity > known.severity;
            let Some(mut more) = known.more.take_if(worse) else {
                return !due;
            };
            // The sum may have begun long before this generation.
            (more.first_ns, more.worst_at_ns) = (0, 0);
            (known.told, known.severity) = (now, more.severity);
            tell.push(more);
            true
        });
        tell
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn finding(severity: Severity, count: u64) -> Finding {
        let mut finding = sample::eventful("a").findings.remove(0);
        (finding.severity, finding.count, finding.worst) = (severity, count, count);
        finding
    }

    #[test]
    fn the_first_is_told_at_once_and_the_others_together() {
        let (mut dedup, start) = (Dedup::default(), Instant::now());
        let mut told = |second: u64, findings: Vec<Finding>, last| {
            let now = start + Duration::from_secs(second);
            let told = dedup.fold(findings, now, last);
            told.iter()
                .map(|f| (f.severity, f.count, f.worst))
                .collect::<Vec<_>>()
        };
        let warn = |count| vec![finding(Severity::Warn, count)];
        assert_eq!(told(0, warn(1), false), [(Severity::Warn, 1, 1)]);
        assert_eq!(told(1, warn(2), false), []);
        assert_eq!(told(2, warn(3), false), []);
        assert_eq!(
            told(3, vec![finding(Severity::Error, 9)], false),
            [(Severity::Error, 14, 9)],
            "what is worse does not wait"
        );
        assert_eq!(told(30, warn(1), false), []);
        assert_eq!(told(63, vec![], false), [(Severity::Warn, 1, 1)]);
        assert_eq!(told(64, warn(1), false), []);
        assert_eq!(told(65, vec![], true), [(Severity::Warn, 1, 1)]);
        assert_eq!(told(200, vec![], false), []);
        assert_eq!(told(201, warn(1), false), [(Severity::Warn, 1, 1)]);
    }

    #[test]
    fn memory_is_bounded() {
        let (mut dedup, now) = (Dedup::default(), Instant::now());
        let many = (0..3_000).map(|i| Finding {
            id: i.to_string(),
            ..finding(Severity::Warn, 1)
        });
        assert_eq!(dedup.fold(many.collect(), now, false).len(), 3_000);
        assert_eq!(dedup.0.len(), MOST);
        dedup.fold(Vec::new(), now + REPEAT, false);
        assert!(dedup.0.is_empty());
    }
}
