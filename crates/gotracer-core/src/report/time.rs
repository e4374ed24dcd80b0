//! Time of goroutines by start function.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::by_state;
use crate::rules::Distribution;
use crate::timeline::StateVector;

/// Goroutines with the same start function.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct GoroutineGroup {
    /// Start function with its package path; `(unknown)` if the trace does not hold it, `(other)` for all functions
    /// beyond the limit.
    pub function: String,
    /// Whether the goroutines are the runtime's own.
    pub system: bool,
    /// Number of goroutines.
    pub count: u64,
    /// Number of goroutines alive at the trace's end.
    pub alive: u64,
    /// Lifetimes within the trace.
    pub life: Life,
    /// Time by state, summed over the goroutines.
    #[serde(with = "by_state")]
    #[schemars(with = "by_state::Time")]
    pub time: StateVector,
    /// The goroutine that lived longest within the trace.
    pub worst: Option<WorstGoroutine>,
}

/// Distribution of the lifetimes of goroutines, ns. Quantiles are within 4.5 %, the rest is exact.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Life {
    /// Number of goroutines.
    pub count: u64,
    /// Sum of all lifetimes.
    pub sum: u64,
    /// Shortest lifetime.
    pub min: u64,
    /// Longest lifetime.
    pub max: u64,
    /// Median.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 99th percentile.
    pub p99: u64,
}

impl Life {
    /// Returns the numbers of a distribution.
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
    /// Id, for `gotracer events --goroutine`.
    pub goroutine: i64,
    /// Lifetime within the trace.
    pub life_ns: u64,
    /// Time by state.
    #[serde(with = "by_state")]
    #[schemars(with = "by_state::Time")]
    pub time: StateVector,
}
