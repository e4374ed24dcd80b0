//! Goroutines that could run and had to wait for a processor.

use super::{MS, Rule, SECOND, Unit, times};

/// The registry's entry.
pub static RULE: Rule = Rule {
    name: "HighSchedulingLatency",
    unit: Unit::Nanoseconds,
    summary: "Time from when a goroutine becomes runnable (woken, created, preempted, back \
        from a syscall) until it runs.",
    why: "The goroutine had something to do and nothing to wait for but a processor. To \
        its user the program is slow although nothing in it is.",
    advice: "See what ran meanwhile. Fewer CPU-bound goroutines at a time (a worker pool of \
        GOMAXPROCS), more processors (GOMAXPROCS, the container's CPU limit), or \
        shorter stretches of work between blocking calls. CPU-bound goroutines that \
        only take turns with each other are reported as info.",
    needs: "Goroutine state transitions: Go 1.11 and later.",
    thresholds: times([(MS, 10 * MS), (10 * MS, 50 * MS), (100 * MS, SECOND)]),
};
