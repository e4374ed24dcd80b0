//! What the garbage collector did, as a report has it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The garbage collector's work.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Gc {
    /// Collections that ended marking within the trace.
    pub cycles: u64,
    /// Time in which the collector marked, ns.
    pub marking_ns: u64,
    /// CPU time.
    pub cpu: GcCpu,
    /// The collector's part of all CPU time, without idle marking, which is spare CPU.
    pub cpu_ratio: f64,
    /// The same with idle marking.
    pub cpu_ratio_with_idle: f64,
    /// Minimum mutator utilization: the part of the CPU that the collector left to the program in the worst window.
    /// Idle marking does not count. A pause lasts until its range ends, as in `go tool trace`.
    pub minimum_utilization: Vec<MinimumUtilization>,
}

/// CPU time of the garbage collector, summed over all Ps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct GcCpu {
    /// All CPU time: the trace's duration, once per P.
    pub available_ns: u64,
    /// Mark workers that have a P, or a fraction of one, to themselves.
    pub background_ns: u64,
    /// Mark workers on Ps that have nothing else to do.
    pub idle_ns: u64,
    /// Mark assists by goroutines of the program.
    pub assist_ns: u64,
    /// Stop-the-world pauses, once per P.
    pub pause_ns: u64,
}

/// Minimum mutator utilization over windows of one length.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct MinimumUtilization {
    /// Length of the window, ns. A trace that is shorter is one window.
    pub window_ns: u64,
    /// The part of the CPU that the collector left to the program, from 0 to 1.
    pub ratio: f64,
}
