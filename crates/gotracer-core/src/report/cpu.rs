//! CPU samples of a trace, by function.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// CPU samples of a trace that was recorded while a CPU profile was active.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct CpuSamples {
    /// Number of samples.
    pub count: u64,
    /// CPU time between two samples of a thread, ns.
    pub period_ns: u64,
    /// Time for which goroutines were running between the first and the last sample, ns. System calls are not
    /// included.
    pub running_ns: u64,
    /// CPU time of these goroutines in that time by their samples, ns.
    pub on_cpu_ns: u64,
    /// Functions with most samples, at most 100.
    pub functions: Vec<SampledFunction>,
}

/// Samples of a function.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SampledFunction {
    /// The function with its package path; `(unknown)` for samples without a stack.
    pub function: String,
    /// Number of samples in the function itself.
    pub flat: u64,
    /// Number of samples in the function and in functions that it called.
    pub cum: u64,
}
