//! What of a signal is compared, and what one trace says of it.

use serde::Serialize;

use crate::report::{Report, Status};
use crate::rules::{Rule, RuleSettings, Unit};

/// What of a signal is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// The median.
    P50,
    /// The 99th percentile.
    P99,
    /// All of it, for each second that was observed.
    PerSecond,
}

/// What one trace says.
#[derive(Clone, Copy, Debug)]
pub struct Observation {
    /// The logarithm of the value and the floor.
    pub level: f64,
    /// The variance of that which is chance within the trace.
    pub chance: f64,
}

/// A value that is too small to matter.
///
/// Added to all values before their logarithm is taken, it makes changes far
/// below it vanish, leaves those far above it as they are, and gives 0 a
/// logarithm.
#[derive(Clone, Copy, Debug)]
pub struct Floor(f64);

impl Floor {
    fn level(self, value: f64) -> f64 {
        (value + self.0).ln()
    }

    /// The value at a level.
    pub fn value(self, level: f64) -> f64 {
        let value = level.exp() - self.0;
        // What is left of rounding is not there.
        if value < self.0 * 1e-9 { 0.0 } else { value }
    }

    /// The variance at a level that a standard error below and above means.
    fn chance(self, (low, high): (f64, f64)) -> f64 {
        ((self.level(high) - self.level(low)) / 2.0).powi(2)
    }
}

impl Quantity {
    /// What of a rule's signal is compared. What rules see once a trace has no
    /// quantiles.
    pub fn of(rule: &Rule) -> &'static [Self] {
        match rule.unit {
            Unit::Nanoseconds => &[Self::P50, Self::P99, Self::PerSecond],
            Unit::Bytes | Unit::Goroutines => &[Self::PerSecond],
        }
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::PerSecond => "per second",
        }
    }

    /// The standard deviation of the logarithm from run to run of the same
    /// program that is to be expected before it can be seen.
    ///
    /// Measured: over twelve programs, each run dozens of times on a busy
    /// machine with two cores (docs/diff.md).
    pub fn usual_noise(self) -> f64 {
        match self {
            Self::P50 => 0.2,
            Self::P99 => 0.6,
            Self::PerSecond => 0.4,
        }
    }

    /// How many values a trace must hold to say something.
    fn least(self) -> u64 {
        match self {
            Self::P50 => 5,
            Self::P99 => 200,
            Self::PerSecond => 0,
        }
    }

    /// A hundredth of what the rule warns of is too small to matter; a tenth
    /// of it in each second is.
    pub fn floor(self, settings: &RuleSettings) -> Floor {
        let warn = settings.thresholds.warn.value.max(1) as f64;
        Floor(match self {
            Self::P50 | Self::P99 => warn / 100.0,
            Self::PerSecond => warn / 10.0,
        })
    }

    /// What a trace says of it, if anything.
    pub fn observe(self, report: &Report, rule: &Rule, floor: Floor) -> Option<Observation> {
        let seen = report.rules.iter().find(|r| r.rule == rule)?;
        let (d, spread) = (&seen.measurement, seen.spread);
        if seen.status == Status::NotApplicable || d.count() < self.least() {
            return None;
        }
        let seconds = match self {
            Self::P50 | Self::P99 => 1.0,
            Self::PerSecond => report.trace.duration_ns as f64 / 1e9,
        };
        if seconds == 0.0 {
            return None;
        }
        let (value, range) = match self {
            Self::P50 => (d.quantile(0.5), spread.map(|s| s.p50)),
            Self::P99 => (d.quantile(0.99), spread.map(|s| s.p99)),
            Self::PerSecond => (d.sum(), spread.map(|s| s.sum)),
        };
        let of = |value: u64| value as f64 / seconds;
        Some(Observation {
            level: floor.level(of(value)),
            chance: range.map_or(0.0, |(low, high)| floor.chance((of(low), of(high)))),
        })
    }
}
