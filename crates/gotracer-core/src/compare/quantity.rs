//! Quantities of a rule that are compared, and their values in one trace.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::{Report, Status};
use crate::rules::{Rule, RuleSettings, Unit};
use crate::units::rounded;

/// Quantity of a rule's measurements.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// The median.
    P50,
    /// The 99th percentile.
    P99,
    /// Sum per second of observed time.
    PerSecond,
    /// The amount that is left after a collection.
    Floor,
    /// Growth from one trace of a program to the next, per second between them.
    Trend,
}

/// Value of a quantity in one trace, or in one program, in the rule's unit.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// The value.
    #[serde(rename = "v")]
    pub value: f64,
    /// The value less and plus one standard error, if known.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(f64, f64)>,
}

/// A measured value on the logarithmic scale of the test.
#[derive(Clone, Copy, Debug)]
pub struct Observation {
    /// Logarithm of the sum of value and floor.
    pub level: f64,
    /// Variance by chance within the trace.
    pub chance: f64,
}

/// A value that is too small to matter.
///
/// It is added to every value before the logarithm. Changes far below it vanish, changes far above it stay as they
/// are, and 0 has a logarithm.
#[derive(Clone, Copy, Debug)]
pub struct Floor(f64);

impl Floor {
    fn level(self, value: f64) -> f64 {
        (value + self.0).ln()
    }

    /// Returns the value of a level.
    pub fn value(self, level: f64) -> f64 {
        let value = level.exp() - self.0;
        // The difference of equal values may be a rounding error above 0.
        if value < self.0 * 1e-9 { 0.0 } else { value }
    }

    /// Returns the variance that a range of one standard error below and above means.
    fn chance(self, (low, high): (f64, f64)) -> f64 {
        ((self.level(high) - self.level(low)) / 2.0).powi(2)
    }
}

impl Quantity {
    /// Returns the quantities of a rule that single traces show. Rules with one value per trace have no quantiles.
    pub fn of(rule: &Rule) -> &'static [Self] {
        match rule.unit {
            Unit::Nanoseconds => &[Self::P50, Self::P99, Self::PerSecond],
            // Rates per second have no sum: their mean is that of one value per trace.
            Unit::Share | Unit::Rate => &[Self::P50],
            Unit::Bytes | Unit::Goroutines => &[Self::PerSecond],
        }
    }

    /// Returns the quantities that only several traces of one program show.
    pub fn over_time(rule: &Rule) -> &'static [Self] {
        match rule.unit {
            Unit::Nanoseconds | Unit::Share | Unit::Rate => &[],
            Unit::Bytes => &[Self::Floor, Self::Trend],
            Unit::Goroutines => &[Self::Trend],
        }
    }

    /// Returns the name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::PerSecond => "per second",
            Self::Floor => "floor",
            Self::Trend => "trend",
        }
    }

    /// Returns the name in JSON.
    pub fn id(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::PerSecond => "per_second",
            Self::Floor => "floor",
            Self::Trend => "trend",
        }
    }

    /// Returns the expected standard deviation of the logarithm between runs of the same program.
    ///
    /// Measured over twelve programs, each run dozens of times on a busy machine with two cores (docs/diff.md).
    pub fn usual_noise(self) -> f64 {
        match self {
            Self::P50 => 0.2,
            Self::P99 => 0.6,
            Self::PerSecond => 0.4,
            Self::Floor => 0.2,
            // The trend's own standard error is in its range.
            Self::Trend => 0.25,
        }
    }

    /// Returns the least number of values of a trace that the quantity needs.
    fn least(self) -> u64 {
        match self {
            Self::P50 => 5,
            Self::P99 => 200,
            Self::PerSecond | Self::Floor | Self::Trend => 0,
        }
    }

    /// Returns the floor: a hundredth of the warn threshold for quantiles, a tenth of it for sums per second and
    /// amounts, and all of it per hour for trends.
    pub fn floor(self, settings: &RuleSettings) -> Floor {
        let warn = settings.thresholds.warn.value.max(1) as f64;
        Floor(match self {
            Self::P50 | Self::P99 => warn / 100.0,
            Self::PerSecond | Self::Floor => warn / 10.0,
            Self::Trend => warn / 3600.0,
        })
    }

    /// Returns the quantity's value in a report; `None` if it has too few values, or for a trend, which needs several
    /// traces.
    pub fn measure(self, report: &Report, rule: &Rule) -> Option<Measured> {
        let seen = report.rules.iter().find(|r| r.rule == rule)?;
        let (d, spread) = (&seen.measurement, seen.spread);
        if seen.status == Status::NotApplicable || d.count() < self.least() {
            return None;
        }
        let (value, range, seconds) = match self {
            Self::P50 => (d.quantile(0.5), spread.map(|s| s.p50), 1.0),
            Self::P99 => (d.quantile(0.99), spread.map(|s| s.p99), 1.0),
            Self::PerSecond => {
                let seconds = report.trace.duration_ns as f64 / 1e9;
                (d.sum(), spread.map(|s| s.sum), seconds)
            }
            Self::Floor => (report.program.heap_live_bytes?, None, 1.0),
            Self::Trend => return None,
        };
        let of = |value: u64| value as f64 / seconds;
        (seconds > 0.0).then(|| Measured {
            value: of(value),
            range: range.map(|(low, high)| (of(low), of(high))),
        })
    }
}

impl Measured {
    /// Returns the value with fewer digits, for storage.
    pub fn rounded(self) -> Self {
        Self {
            value: rounded(self.value),
            range: self.range.map(|(low, high)| (rounded(low), rounded(high))),
        }
    }

    /// Converts the value to the logarithmic scale.
    pub fn observation(&self, floor: Floor) -> Observation {
        Observation {
            level: floor.level(self.value),
            chance: self.range.map_or(0.0, |range| floor.chance(range)),
        }
    }
}
