//! Classic buckets of histograms, and how a report's units become a metric's.
//!
//! The classic bounds are powers of two of the report's unit, where a distribution has bounds as
//! well: the counts are exact.

use super::Unit;
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
    /// Durations around a rule's thresholds, from 1 µs to 69 s: each doubling from 1 ms to 1 s, each
    /// fourfold of it below and above.
    pub const TIME: Self = Self::time(&[
        10, 12, 14, 16, 18, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 32, 34, 36,
    ]);
    /// Durations that are mostly below a millisecond, from 64 ns to 69 s: each doubling up to 1 s, so
    /// that a median of a microsecond can be read.
    pub const LATENCY: Self = Self::time(&[
        6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
        30, 32, 34, 36,
    ]);
    /// Durations of at least 50 ms, from 67 ms to 69 s.
    pub const LONG: Self = Self::time(&[26, 27, 28, 29, 30, 32, 34, 36]);
    /// Durations of gotracer's own work, from 1 ms to 69 s.
    pub const WORK: Self = Self::time(&[20, 22, 24, 26, 28, 30, 32, 34, 36]);
    /// Durations by a label, which have sum and count only: with buckets, they would be most of a
    /// target's series. Native histograms have all of their buckets.
    pub const BY_LABEL: Self = Self::time(&[]);
    /// Bytes, from 64 KiB to 64 GiB.
    pub const BYTES: Self = Self::whole(&[16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36]);
    /// Nanoseconds to seconds without classic buckets: sum and count. Native histograms and OTLP have all buckets.
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

/// Measurements of which most are far below a millisecond.
const SHORT: [&str; 1] = ["gotrace_sched_latency"];
/// Measurements of which none is below 50 ms.
const LONG: [&str; 1] = ["gotrace_process_stall"];

/// Measurements whose values below a millisecond do not matter. Fewer buckets keep a target within 450
/// series.
const COARSE: [&str; 1] = ["gotrace_backpressure"];

/// Unit and buckets of a rule's histogram.
pub fn of_rule(rule: &Rule) -> (Unit, &'static Buckets) {
    match rule.unit {
        RuleUnit::Nanoseconds if COARSE.contains(&rule.metric.name) => {
            (Unit::Seconds, &Buckets::WORK)
        }
        // One value per trace. Sum and count keep a target within 450 series.
        RuleUnit::Nanoseconds if rule.needs_cpu_samples() => (Unit::Seconds, &Buckets::SUMS),
        RuleUnit::Nanoseconds if SHORT.contains(&rule.metric.name) => {
            (Unit::Seconds, &Buckets::LATENCY)
        }
        RuleUnit::Nanoseconds if LONG.contains(&rule.metric.name) => {
            (Unit::Seconds, &Buckets::LONG)
        }
        RuleUnit::Nanoseconds => (Unit::Seconds, &Buckets::TIME),
        RuleUnit::Bytes => (Unit::Bytes, &Buckets::BYTES),
        RuleUnit::Goroutines => (Unit::Of("{goroutine}"), &Buckets::GOROUTINES),
    }
}

/// Unit and buckets of a rule's histogram by reason.
pub fn by_reason(rule: &Rule) -> (Unit, &'static Buckets) {
    match of_rule(rule) {
        (Unit::Seconds, _) => (Unit::Seconds, &Buckets::BY_LABEL),
        other => other,
    }
}
