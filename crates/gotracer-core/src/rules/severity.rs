//! How bad a finding is.

use serde::{Deserialize, Serialize};

use super::{Limit, Thresholds};
use crate::timeline::{Interval, Timeline};

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
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

    /// Whether an interval crosses a threshold, and had not yet when a report
    /// was last made: what lasts longer than that is told once.
    #[inline]
    pub fn crossed_by(&self, i: &Interval, t: &Timeline) -> bool {
        if i.duration() < self.warn.value {
            return false;
        }
        let severity = |ns| self.judge(ns).map(|(severity, _)| severity);
        let told = t.reported().map(|at| at.saturating_sub(i.start).max(0));
        severity(i.duration()) > told.and_then(|ns| severity(ns as u64))
    }
}
