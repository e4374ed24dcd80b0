//! Severity of findings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Limit, Thresholds};
use crate::timeline::{Interval, Timeline};
use crate::units::elapsed;

/// Severity of a finding.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Informative; does not fail a build.
    Info,
    /// At or above the rule's warn threshold.
    Warn,
    /// At or above the rule's error threshold.
    Error,
}

impl Severity {
    /// All severities, the worst first.
    pub const ALL: [Self; 3] = [Self::Error, Self::Warn, Self::Info];

    /// Name in every output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl Thresholds {
    /// Severity of a value and the threshold that it crossed.
    #[inline]
    pub fn judge(&self, value: u64) -> Option<(Severity, Limit)> {
        if value < self.warn.value {
            return None;
        }
        Some(if value >= self.error.value {
            (Severity::Error, self.error)
        } else {
            (Severity::Warn, self.warn)
        })
    }

    /// Returns whether `value`, the part of an interval that counts, crosses a threshold that it had not crossed at the
    /// last report. A stream thus reports a long interval once for each severity.
    #[inline]
    pub fn crossed_by(&self, i: &Interval, value: u64, t: &Timeline) -> bool {
        if value < self.warn.value {
            return false;
        }
        let severity = |ns| self.judge(ns).map(|(severity, _)| severity);
        // The part before the last report, at least.
        let since = |at| elapsed(at, i.end);
        let reported = t.reported().map(|at| value.saturating_sub(since(at)));
        severity(value) > reported.and_then(severity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{RULES, Settings};

    #[test]
    fn a_value_equal_to_a_threshold_crosses_it() {
        let settings = Settings::default();
        let rule = RULES.iter().find(|rule| rule.name == "MutexContention");
        let thresholds = settings.of(rule.unwrap()).thresholds;
        let severity = |value| thresholds.judge(value).map(|(severity, _)| severity);
        let (warn, error) = (thresholds.warn.value, thresholds.error.value);
        assert_eq!(severity(warn - 1), None);
        assert_eq!(severity(warn), Some(Severity::Warn));
        assert_eq!(severity(error - 1), Some(Severity::Warn));
        assert_eq!(severity(error), Some(Severity::Error));
    }
}
