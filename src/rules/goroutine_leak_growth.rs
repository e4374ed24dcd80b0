//! Places that create goroutines faster than they end.

use super::{Limit, Rule, Thresholds, Unit};

/// The registry's entry.
pub static RULE: Rule = Rule {
    name: "GoroutineLeakGrowth",
    unit: Unit::Goroutines,
    summary: "Live goroutines by the place that created them: how many more there are at the \
        trace's end than at its start, and how many of those are blocked.",
    why: "A goroutine that never ends keeps its stack and all it refers to. Memory grows \
        until the process is killed, and a restart hides it until the next time.",
    advice: "Find what the goroutines at that place wait for and who was to end it: a \
        channel nobody closes, a context nobody cancels, a response body nobody reads. \
        Give each goroutine a way out before starting it.",
    needs: "Goroutine creation and end: Go 1.11 and later.",
    thresholds: [
        growth((50, 25.0), (200, 100.0)),
        growth((100, 25.0), (500, 100.0)),
        growth((1_000, 100.0), (10_000, 300.0)),
    ],
};

/// The least growth at which a percentage can make a finding: three goroutines
/// more in a program of six is no leak.
pub const MIN_GROWTH: u64 = 20;

const fn growth(warn: (u64, f64), error: (u64, f64)) -> Thresholds {
    Thresholds {
        warn: limit(warn),
        error: limit(error),
    }
}

const fn limit((value, percent): (u64, f64)) -> Limit {
    Limit {
        percent: Some(percent),
        ..Limit::value(value)
    }
}
