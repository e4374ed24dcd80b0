//! Wire form of a measurement.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OneLine, WireError};
use crate::report::Spread;
use crate::rules::{Distribution, Unit};

/// Distribution of a rule's values, whether or not they crossed a threshold. Quantiles are within 4.5 %, the rest is
/// exact.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Measurement {
    /// Unit of the values.
    #[schemars(with = "Unit")]
    pub unit: Cow<'static, str>,
    /// Number of values.
    pub count: u64,
    /// Sum of all values.
    pub sum: u64,
    /// Smallest value; 0 without values.
    pub min: u64,
    /// Largest value; 0 without values.
    pub max: u64,
    /// Median.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 99th percentile.
    pub p99: u64,
    /// Number of values that are 0.
    #[serde(default)]
    pub zeros: u64,
    /// The whole distribution except for zeros: pairs of index and count. Bucket i holds values above 2^((i-1)/8) and
    /// at most 2^(i/8).
    #[serde(default)]
    #[schemars(with = "Vec<(u64, u64)>")]
    pub buckets: Option<OneLine<Vec<(u64, u64)>>>,
    /// Statistical uncertainty of the measurement. Null if the trace is too short to estimate it, or if the rule
    /// measures only once.
    #[serde(default)]
    #[schemars(with = "Option<Spread>")]
    pub spread: Option<OneLine<Spread>>,
}

impl Measurement {
    /// Converts a distribution.
    pub fn new(unit: Unit, seen: &Distribution, spread: Option<Spread>) -> Self {
        let buckets = seen
            .buckets()
            .map(|(index, count)| (u64::try_from(index).unwrap_or_default(), count));
        Self {
            unit: unit.name().into(),
            count: seen.count(),
            sum: seen.sum(),
            min: seen.min(),
            max: seen.max(),
            p50: seen.quantile(0.5),
            p90: seen.quantile(0.9),
            p99: seen.quantile(0.99),
            zeros: seen.zeros(),
            buckets: Some(OneLine(buckets.collect())),
            spread: spread.map(OneLine),
        }
    }

    /// Converts the distribution and its spread, and checks the distribution against its sums.
    pub(super) fn into_model(
        self,
        rule: &str,
    ) -> Result<(Distribution, Option<Spread>), WireError> {
        let OneLine(buckets) = self.buckets.ok_or(WireError::NoBuckets)?;
        let sums = (self.min, self.max, self.sum);
        let distribution = Distribution::from_parts(sums, self.zeros, buckets)
            .filter(|distribution| distribution.count() == self.count)
            .ok_or_else(|| WireError::Contradiction(rule.into()))?;
        Ok((distribution, self.spread.map(|spread| spread.0)))
    }
}
