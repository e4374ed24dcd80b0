//! The garbage collector's work, as part of a report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The garbage collector's work.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Gc {
    /// Collections whose marking ended within the trace.
    pub cycles: u64,
    /// Time in which the collector was marking, ns.
    pub marking_ns: u64,
    /// CPU time.
    pub cpu: GcCpu,
    /// Share of the collector in all CPU time. Idle marking, which uses spare CPU, does not count.
    pub cpu_ratio: f64,
    /// Share of the collector in all CPU time, with idle marking.
    pub cpu_ratio_with_idle: f64,
    /// Minimum mutator utilization: the share of CPU time that the collector leaves to the program in the worst window, by
    /// the window's length from 1 ms to 1 s. Idle marking does not count. A pause lasts until its range ends, as in
    /// `go tool trace`.
    pub minimum_utilization: Vec<MinimumUtilization>,
}

/// CPU time of the garbage collector, summed over all Ps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct GcCpu {
    /// All CPU time: the trace's duration times the number of Ps.
    pub available_ns: u64,
    /// Mark workers that have a P, or a fraction of one, to themselves, while the collector marks.
    pub background_ns: u64,
    /// Mark workers on idle Ps.
    pub idle_ns: u64,
    /// Mark assists by goroutines of the program.
    pub assist_ns: u64,
    /// Stop-the-world pauses, once per P from the time it stopped.
    pub pause_ns: u64,
}

/// Minimum mutator utilization over windows of one length.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct MinimumUtilization {
    /// Length of the window, ns. A shorter trace is one window.
    pub window_ns: u64,
    /// Share of CPU time that the collector leaves to the program, from 0 to 1.
    pub ratio: f64,
}
