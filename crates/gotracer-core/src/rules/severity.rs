//! How bad a finding is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Limit, Thresholds};
use crate::timeline::{Interval, Timeline};

/// How bad a finding is.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing, not worth failing a build.
    Info,
    /// Above the rule's warn threshold.
    Warn,
    /// Above the rule's error threshold.
    Error,
}

impl Severity {
    /// All severities, the worst first.
    pub const ALL: [Self; 3] = [Self::Error, Self::Warn, Self::Info];

    /// Its name in every output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl Thresholds {
    /// The severity of a plain value and the threshold it crossed.
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

    /// Whether the part of an interval that counts crosses a threshold, and
    /// had not yet when a report was last made: what lasts longer than that is
    /// told once.
    #[inline]
    pub fn crossed_by(&self, i: &Interval, value: u64, t: &Timeline) -> bool {
        if value < self.warn.value {
            return false;
        }
        let severity = |ns| self.judge(ns).map(|(severity, _)| severity);
        // At least so much of it was there at the last report.
        let since = |at| i.end.saturating_sub(at).max(0) as u64;
        let told = t.reported().map(|at| value.saturating_sub(since(at)));
        severity(value) > told.and_then(severity)
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
