//! Thresholds of rules, and presets.

use super::setting_error::SettingError;
use super::{Severity, Unit};
use crate::timeline::{Interval, Timeline};
use crate::units::elapsed;

/// Thresholds for a kind of program.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Preset {
    /// API that answers in milliseconds.
    LowLatency,
    /// Ordinary service.
    #[default]
    Service,
    /// Job of which only the end counts.
    Batch,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 3] = [Self::LowLatency, Self::Service, Self::Batch];

    /// Name on the command line and in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::LowLatency => "low-latency",
            Self::Service => "service",
            Self::Batch => "batch",
        }
    }

    /// Returns the preset with a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }
}

/// Value from which on an observation is a finding.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Limit {
    /// Value in the rule's unit.
    pub value: u64,
    /// Percentage of a whole, see [`Rule::percent_of`](super::Rule::percent_of); only some rules have it.
    pub percent: Option<f64>,
    /// Rate in the rule's unit per second; only rules on heap growth have it.
    pub per_second: Option<u64>,
}

impl Limit {
    /// Limit that no value reaches: `never` in the configuration.
    pub const NEVER: Self = Self::value(u64::MAX);

    /// Whether no value reaches the limit.
    pub fn is_never(&self) -> bool {
        self.value == u64::MAX
    }

    /// Returns the value as the configuration has it.
    pub fn text(&self, unit: Unit) -> String {
        match self.is_never() {
            true => NEVER.into(),
            false => unit.exactly(self.value),
        }
    }

    /// Parses the value of a limit.
    ///
    /// # Errors
    /// If it is neither `never` nor a value of the unit.
    pub fn parse(unit: Unit, text: &str) -> Result<u64, SettingError> {
        match text.trim() {
            NEVER => Ok(Self::NEVER.value),
            text => unit.parse(text),
        }
    }

    /// Returns a limit on the value alone.
    pub const fn value(value: u64) -> Self {
        Self {
            value,
            percent: None,
            per_second: None,
        }
    }
}

/// Text of [`Limit::NEVER`].
const NEVER: &str = "never";

/// A rule's limits.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Thresholds {
    /// Limit of the severity warn.
    pub warn: Limit,
    /// Limit of the severity error.
    pub error: Limit,
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
