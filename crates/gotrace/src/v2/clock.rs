//! Clock units to nanoseconds, to the bit as the reference reader does it.

use super::super::event::Time;

/// Nanoseconds per clock unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Clock {
    ns_per_unit: f64,
    /// `ns_per_unit` if it is a small whole number, which it is on most
    /// platforms (64 on linux/amd64).
    whole: u64,
    /// Below this many units, multiplying by `whole` is exact.
    limit: u64,
}

impl Clock {
    /// A clock of `frequency` units a second.
    pub(super) fn new(frequency: u64) -> Self {
        let ns_per_unit = 1.0 / (frequency as f64 / 1e9);
        let whole = (1.0..=65536.0).contains(&ns_per_unit) && ns_per_unit.fract() == 0.0;
        Self {
            ns_per_unit,
            whole: ns_per_unit as u64,
            // Below 2^53 the product of two whole numbers is exact in f64 too.
            limit: if whole { 1 << 32 } else { 0 },
        }
    }

    /// Whether the frequency is above 0; otherwise all times are wrong.
    pub(super) fn runs(self) -> bool {
        self.ns_per_unit.is_finite()
    }

    /// Like [`ns`](Self::ns), of the differences there mostly are: all those in
    /// one batch last less than 2^62 ns together.
    #[inline(always)]
    pub(super) fn ns_fast(self, units: u64) -> Option<Time> {
        (units < self.limit).then(|| (units * self.whole) as Time)
    }

    /// Converts a time or a difference of times.
    #[inline]
    pub(super) fn ns(self, units: u64) -> Time {
        match self.ns_fast(units) {
            Some(ns) => ns,
            None => self.ns_float(units),
        }
    }

    /// Go's conversion on amd64: truncation, and the lowest value for whatever
    /// does not fit.
    #[cold]
    fn ns_float(self, units: u64) -> Time {
        let ns = units as f64 * self.ns_per_unit;
        const LIMIT: f64 = 9_223_372_036_854_775_808.0;
        if (-LIMIT..LIMIT).contains(&ns) {
            ns as Time
        } else {
            Time::MIN
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_and_float_agree() {
        let c = Clock::new(15_625_000);
        assert_eq!((c.whole, c.limit), (64, 1 << 32));
        for units in [0, 1, 63, 1 << 20, (1 << 32) - 1] {
            assert_eq!(c.ns(units), c.ns_float(units));
            assert_eq!(c.ns_fast(units), Some(c.ns(units)));
        }
        assert_eq!((c.ns_fast(1 << 32), c.ns_fast(u64::MAX)), (None, None));
    }

    #[test]
    fn nonsense_frequencies_give_go_s_value() {
        assert_eq!(Clock::new(0).ns(0), Time::MIN);
        assert_eq!(Clock::new(0).ns(5), Time::MIN);
        assert_eq!(Clock::new(1).ns(u64::MAX), Time::MIN);
        assert_eq!(Clock::new(3).ns(2), 666_666_666);
    }
}
