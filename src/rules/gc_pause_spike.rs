//! Garbage collections that stop the world for too long.

use super::{MS, Rule, Unit, times};

/// The registry's entry.
pub static RULE: Rule = Rule {
    name: "GCPauseSpike",
    unit: Unit::Nanoseconds,
    summary: "Stop-the-world pauses of the garbage collector: sweep termination and mark \
        termination.",
    why: "While the world is stopped no goroutine runs. Every request in flight is \
        delayed by the whole pause, and a pause is only as short as the slowest \
        goroutine is to stop.",
    advice: "Look at what ran when the world was to stop: a goroutine in a long assembly \
        loop or a large copy, or a thread that the operating system or a CPU limit did \
        not let run. Split large copies, give the container more CPU, or collect less \
        often (a larger GOGC with GOMEMLIMIT, fewer allocations).",
    needs: "Stop-the-world ranges: Go 1.11 and later.",
    thresholds: times([(MS, 10 * MS), (5 * MS, 20 * MS), (50 * MS, 200 * MS)]),
};
