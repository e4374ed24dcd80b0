//! What of a signal is compared, and what one trace says of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::{Report, Status};
use crate::rules::{Rule, RuleSettings, Unit};
use crate::units::rounded;

/// What of a signal is compared.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// The median.
    P50,
    /// The 99th percentile.
    P99,
    /// All of it, for each second that was observed.
    PerSecond,
    /// What is there once garbage is gone.
    Floor,
    /// How much more is there from one trace of a program to the next, for
    /// each second between them.
    Trend,
}

/// What one trace, or one program, says of a quantity, in the rule's unit.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// The value.
    #[serde(rename = "v")]
    pub value: f64,
    /// A standard error below and above it, where that is known.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(f64, f64)>,
}

/// The same as what is compared.
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

    /// What shows only where a program was traced again and again.
    pub fn over_time(rule: &Rule) -> &'static [Self] {
        match rule.unit {
            Unit::Nanoseconds => &[],
            Unit::Bytes => &[Self::Floor, Self::Trend],
            Unit::Goroutines => &[Self::Trend],
        }
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::PerSecond => "per second",
            Self::Floor => "floor",
            Self::Trend => "trend",
        }
    }

    /// Its name for programs.
    pub fn id(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::PerSecond => "per_second",
            Self::Floor => "floor",
            Self::Trend => "trend",
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
            Self::Floor => 0.2,
            // What a trend tells of itself is beside it.
            Self::Trend => 0.25,
        }
    }

    /// How many values a trace must hold to say something.
    fn least(self) -> u64 {
        match self {
            Self::P50 => 5,
            Self::P99 => 200,
            Self::PerSecond | Self::Floor | Self::Trend => 0,
        }
    }

    /// A hundredth of what the rule warns of is too small to matter; a tenth
    /// of it in each second is, or as something that is there, or all of it in
    /// an hour as a trend.
    pub fn floor(self, settings: &RuleSettings) -> Floor {
        let warn = settings.thresholds.warn.value.max(1) as f64;
        Floor(match self {
            Self::P50 | Self::P99 => warn / 100.0,
            Self::PerSecond | Self::Floor => warn / 10.0,
            Self::Trend => warn / 3600.0,
        })
    }

    /// What a trace says of it, if anything. Of a trend, no single one does.
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
    /// The same in fewer digits, to be stored.
    pub fn rounded(self) -> Self {
        Self {
            value: rounded(self.value),
            range: self.range.map(|(low, high)| (rounded(low), rounded(high))),
        }
    }

    /// As what is compared.
    pub fn observation(&self, floor: Floor) -> Observation {
        Observation {
            level: floor.level(self.value),
            chance: self.range.map_or(0.0, |range| floor.chance(range)),
        }
    }
}
