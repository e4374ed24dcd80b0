//! Classic buckets of histograms, and how a report's units become a metric's.
//!
//! The classic bounds are powers of two of the report's unit, where a distribution has bounds as
//! well: the counts are exact.

use crate::rules::Unit as RuleUnit;

use super::Unit;

/// Buckets of a histogram.
#[derive(Debug)]
pub struct Buckets {
    /// How many of the report's units make one of the metric's.
    pub per_unit: f64,
    /// What to add to the index of a distribution's bucket to get the index in the metric's unit.
    pub shift: i32,
    /// Upper bounds as powers of two, in the report's unit.
    powers: &'static [u32],
}

impl Buckets {
    /// Nanoseconds to seconds, from 1 µs to 69 s. Coarse below a millisecond, where no threshold
    /// lies.
    pub const TIME: Self = Self::time(&[
        10, 14, 16, 18, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 34, 36,
    ]);
    /// Bytes, from 64 KiB to 64 GiB.
    pub const BYTES: Self = Self::whole(&[16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36]);
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

/// Unit and buckets of a rule's histogram.
pub fn of_rule(unit: RuleUnit) -> (Unit, &'static Buckets) {
    match unit {
        RuleUnit::Nanoseconds => (Unit::Seconds, &Buckets::TIME),
        RuleUnit::Bytes => (Unit::Bytes, &Buckets::BYTES),
        RuleUnit::Goroutines => (Unit::Of("{goroutine}"), &Buckets::GOROUTINES),
    }
}
