//! Time of goroutines by the function that they were started with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::wire;
use crate::rules::Distribution;
use crate::timeline::StateVector;

/// Goroutines that were started with one function.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct GoroutineGroup {
    /// The function with its package path; `(unknown)` if the trace does not hold it, `(other)` for all functions that
    /// are not listed.
    pub function: String,
    /// Whether the goroutines are the runtime's own.
    pub system: bool,
    /// Number of goroutines.
    pub count: u64,
    /// How many of them are alive at the trace's end.
    pub alive: u64,
    /// How long they lived within the trace.
    pub life: Life,
    /// Sum of their time by state.
    #[serde(with = "wire::time")]
    #[schemars(with = "wire::Time")]
    pub time: StateVector,
    /// The goroutine that lived longest within the trace.
    pub worst: Option<WorstGoroutine>,
}

/// Distribution of the time that goroutines lived, ns. Quantiles are within 4.5 %, the rest is exact.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Life {
    /// Number of goroutines.
    pub count: u64,
    /// Sum of all.
    pub sum: u64,
    /// The shortest.
    pub min: u64,
    /// The longest.
    pub max: u64,
    /// Median.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 99th percentile.
    pub p99: u64,
}

impl Life {
    /// The numbers of a distribution.
    pub fn of(lived: &Distribution) -> Self {
        Self {
            count: lived.count(),
            sum: lived.sum(),
            min: lived.min(),
            max: lived.max(),
            p50: lived.quantile(0.5),
            p90: lived.quantile(0.9),
            p99: lived.quantile(0.99),
        }
    }
}

/// The goroutine of a group that lived longest.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct WorstGoroutine {
    /// Its id, for `gotracer events --goroutine`.
    pub goroutine: i64,
    /// How long it lived within the trace.
    pub life_ns: u64,
    /// Its time by state.
    #[serde(with = "wire::time")]
    #[schemars(with = "wire::Time")]
    pub time: StateVector,
}
