//! Idle processors beside runnable goroutines.

use super::{MS, Rule, SECOND, Unit, times};

/// The registry's entry.
pub static RULE: Rule = Rule {
    name: "ProcessorStarvation",
    unit: Unit::Nanoseconds,
    summary: "Time in which a processor (P) stood idle while a goroutine was runnable. An \
        idle service has none, and time under a stop-the-world is the stop's.",
    why: "There was work and there was a processor, and they did not meet: the program \
        is slower than its GOMAXPROCS promises. The usual reason is that the operating \
        system did not run the thread that was to take the processor.",
    advice: "Compare GOMAXPROCS with the CPU the container really gets: a CPU quota below \
        GOMAXPROCS throttles all threads at once (look at \
        container_cpu_cfs_throttled_periods_total). Lower GOMAXPROCS to the quota (Go \
        1.25 does so by itself), raise the quota, or move noisy neighbours away.",
    needs: "Processor and goroutine state transitions: Go 1.11 and later.",
    thresholds: times([(MS, 10 * MS), (10 * MS, 100 * MS), (100 * MS, SECOND)]),
};
