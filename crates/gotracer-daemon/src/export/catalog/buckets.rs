//! Classic buckets of histograms, and how a report's units become a metric's.
//!
//! The classic bounds are powers of two of the report's unit, where a distribution has bounds as
//! well: the counts are exact.

use super::unit::Unit;
use crate::rules::{Rule, Unit as RuleUnit};

/// Buckets of a histogram.
#[derive(Debug)]
pub struct Buckets {
    /// How many of the report's units make one of the metric's.
    pub per_unit: f64,
    /// Difference of a bucket's index in the metric's unit and in the report's.
    pub shift: i32,
    /// Upper bounds as powers of two, in the report's unit.
    powers: &'static [u32],
}

impl Buckets {
    /// Durations that stop requests, from 16 µs to 17 s: steps of 2 from 4 ms to 1 s, of 4 outside.
    pub const FINE: Self =
        Self::time(&[14, 16, 18, 20, 22, 23, 24, 25, 26, 27, 28, 29, 30, 32, 34]);
    /// Other durations, from 16 µs to 17 s in steps of 4, without 4 s.
    pub const COARSE: Self = Self::time(&[14, 16, 18, 20, 22, 24, 26, 28, 30, 34]);
    /// Durations that are mostly below 1 ms, from 256 ns to 17 s: steps of 2 up to 1 s, because the
    /// median is about 1 µs.
    pub const LATENCY: Self = Self::time(&[
        8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30,
        32, 34,
    ]);
    /// Durations that are rarely below 4 ms, from 4 ms to 17 s in steps of 4.
    pub const LONG: Self = Self::time(&[22, 24, 26, 28, 30, 32, 34]);
    /// One value for each capture, of parts of its seconds: 67 ms and 1 s.
    pub const CAPTURES: Self = Self::time(&[26, 30]);
    /// Durations of gotracer's own work, from 1 ms to 69 s in steps of 16.
    pub const WORK: Self = Self::time(&[20, 24, 28, 32, 36]);
    /// Bytes, from 1 MiB to 64 GiB.
    pub const BYTES: Self = Self::whole(&[20, 22, 24, 26, 28, 30, 32, 34, 36]);
    /// Durations by a label, with sum and count only: classic buckets would be most of a target's
    /// series. Native histograms have all of their buckets.
    pub const SUMS: Self = Self::time(&[]);
    /// Goroutines.
    pub const GOROUTINES: Self = Self::whole(&[0, 2, 4, 6, 8, 10, 12, 14, 16]);

    const fn time(powers: &'static [u32]) -> Self {
        Self {
            per_unit: 1e9,
            // 8 * log2(1e9) = 239.18
            shift: -239,
            powers,
        }
    }

    const fn whole(powers: &'static [u32]) -> Self {
        Self {
            per_unit: 1.0,
            shift: 0,
            powers,
        }
    }

    /// Upper bounds, in the report's unit.
    pub fn bounds(&self) -> impl Iterator<Item = u64> + use<> {
        self.powers.iter().map(|&power| 1u64 << power)
    }

    /// Number of series of a classic histogram.
    pub fn series(&self) -> usize {
        // And +Inf, the sum and the count.
        self.powers.len() + 3
    }
}

/// Measurements that are mostly far below 1 ms.
const SHORT: [&str; 1] = ["gotrace_sched_latency"];
/// Measurements that dashboards show as quantiles first.
const FINE: [&str; 3] = ["gotrace_gc_pause", "gotrace_mutex_wait", "gotrace_syscall"];
/// Measurements that are rarely below 4 ms.
const LONG: [&str; 3] = [
    "gotrace_backpressure",
    "gotrace_gc_mark",
    "gotrace_process_stall",
];

/// Unit and buckets of a rule's histogram.
pub fn of_rule(rule: &Rule) -> (Unit, &'static Buckets) {
    match rule.unit {
        RuleUnit::Nanoseconds if rule.needs_cpu_samples() => (Unit::Seconds, &Buckets::CAPTURES),
        RuleUnit::Nanoseconds => (Unit::Seconds, of_durations(rule.metric.name)),
        RuleUnit::Bytes => (Unit::Bytes, &Buckets::BYTES),
        RuleUnit::Goroutines => (Unit::Of("{goroutine}"), &Buckets::GOROUTINES),
        // Only custom rules have them, whose histogram is one of durations.
        RuleUnit::Share | RuleUnit::Rate => (Unit::None, &Buckets::GOROUTINES),
    }
}

fn of_durations(name: &str) -> &'static Buckets {
    if SHORT.contains(&name) {
        &Buckets::LATENCY
    } else if FINE.contains(&name) {
        &Buckets::FINE
    } else if LONG.contains(&name) {
        &Buckets::LONG
    } else {
        &Buckets::COARSE
    }
}

/// Unit and buckets of a rule's histogram by reason.
pub fn by_reason(rule: &Rule) -> (Unit, &'static Buckets) {
    match of_rule(rule) {
        (Unit::Seconds, _) => (Unit::Seconds, &Buckets::SUMS),
        other => other,
    }
}
