//! A live heap that grows too much or too fast.

use super::{Limit, MIB, Rule, Thresholds, Unit};

/// The registry's entry.
pub static RULE: Rule = Rule {
    name: "HeapGrowthSpike",
    unit: Unit::Bytes,
    summary: "Growth of the live heap from the end of one garbage collection to the end of a \
        later one: the floor of the sawtooth, not its teeth. Absolute, and per second \
        over at least a second.",
    why: "What is live after a collection can't be freed. A spike decides how much \
        memory the process needs, and a container limit below it kills the process.",
    advice: "Take a heap profile around the time given (net/http/pprof, `go tool pprof \
        -inuse_space`). Stream instead of loading whole, bound caches and queues, \
        bound how many large requests run at once, set GOMEMLIMIT.",
    needs: "Heap metrics and two garbage collections within the trace: Go 1.11 and later.",
    thresholds: [
        growth((64 * MIB, 32 * MIB), (256 * MIB, 128 * MIB)),
        growth((100 * MIB, 50 * MIB), (500 * MIB, 200 * MIB)),
        growth((1024 * MIB, 1024 * MIB), (4096 * MIB, 4096 * MIB)),
    ],
};

const fn growth(warn: (u64, u64), error: (u64, u64)) -> Thresholds {
    Thresholds {
        warn: limit(warn),
        error: limit(error),
    }
}

const fn limit((value, per_second): (u64, u64)) -> Limit {
    Limit {
        per_second: Some(per_second),
        ..Limit::value(value)
    }
}
