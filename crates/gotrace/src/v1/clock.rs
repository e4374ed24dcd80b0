//! Ticks to nanoseconds, to the bit as the reference reader does it.

use super::super::event::Time;

/// A clock that counts from the first event.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Clock {
    ns_per_tick: f64,
    start: i64,
}

impl Clock {
    /// A clock of `frequency` ticks a second.
    pub(super) fn new(frequency: u64) -> Self {
        Self {
            ns_per_tick: 1e9 / frequency as f64,
            start: 0,
        }
    }

    /// The clock that shows 0 at `start`.
    pub(super) fn from(self, start: i64) -> Self {
        Self { start, ..self }
    }

    /// Converts a time. As Go does on amd64: truncation, and the lowest value
    /// for whatever does not fit.
    #[inline(always)]
    pub(super) fn ns(self, ticks: i64) -> Time {
        let ns = ticks.wrapping_sub(self.start) as f64 * self.ns_per_tick;
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
    fn times_are_truncated_from_the_start_on() {
        let clock = Clock::new(3).from(1_000);
        assert_eq!(clock.ns(1_000), 0);
        assert_eq!(clock.ns(1_002), 666_666_666);
        assert_eq!(clock.ns(998), -666_666_666);
        assert_eq!(Clock::new(1).ns(i64::MAX), Time::MIN);
    }
}
