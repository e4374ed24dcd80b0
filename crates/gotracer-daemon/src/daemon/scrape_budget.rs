//! Byte budget of periodic captures.

use std::time::Duration;

/// Longest time without a capture, in intervals.
const MOST_INTERVALS: u32 = 60;

/// Keeps the captures of a target within an average rate. A capture that is expected to exceed the bytes of one interval
/// requests fewer seconds. If even one second exceeds them, or a capture did, intervals without a capture follow. So
/// every trace is complete.
#[derive(Debug)]
pub(super) struct ScrapeBudget {
    /// Bytes per interval; `None` without a budget.
    per_interval: Option<u64>,
    /// Bytes per second of the last capture.
    rate: f64,
}

impl ScrapeBudget {
    /// Creates a budget of `rate` bytes per second, averaged over the interval between captures.
    pub(super) fn new(rate: Option<u64>, interval: Duration) -> Self {
        let bytes = rate.map(|rate| (rate as f64 * interval.as_secs_f64()) as u64);
        Self {
            per_interval: bytes.map(|bytes| bytes.max(1)),
            rate: 0.0,
        }
    }

    /// Returns the duration of the next trace, seconds: at most `usual`, at least 1.
    pub(super) fn seconds(&self, usual: u32) -> u32 {
        match self.per_interval {
            Some(bytes) if self.rate > 0.0 => {
                // The conversion saturates.
                let affordable = (bytes as f64 / self.rate) as u32;
                affordable.clamp(1, usual.max(1))
            }
            _ => usual,
        }
    }

    /// Adds the bytes of a capture of `seconds`. Returns the number of intervals until the next one.
    pub(super) fn spend(&mut self, bytes: u64, seconds: u32) -> u32 {
        let Some(per_interval) = self.per_interval else {
            return 1;
        };
        self.rate = bytes as f64 / f64::from(seconds.max(1));
        let intervals = bytes.div_ceil(per_interval);
        u32::try_from(intervals).map_or(MOST_INTERVALS, |n| n.clamp(1, MOST_INTERVALS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_busy_program_is_traced_for_fewer_seconds_until_it_is_quiet() {
        let mut budget = ScrapeBudget::new(Some(1_000), MINUTE);
        assert_eq!(budget.seconds(5), 5);
        // 60,000 bytes per interval: five seconds of 20,000 take two intervals, three fit into one.
        assert_eq!(budget.spend(100_000, 5), 2);
        assert_eq!(budget.seconds(5), 3);
        assert_eq!(budget.spend(60_000, 3), 1);
        assert_eq!(budget.seconds(5), 3);
        assert_eq!(budget.spend(3_000, 3), 1);
        assert_eq!(budget.seconds(5), 5);
    }

    #[test]
    fn a_second_above_the_budget_costs_intervals() {
        let mut budget = ScrapeBudget::new(Some(1_000), MINUTE);
        assert_eq!(budget.spend(1_000_000, 5), 17);
        assert_eq!(budget.seconds(5), 1);
        assert_eq!(budget.spend(200_000, 1), 4);
        // Any program is captured once an hour.
        assert_eq!(budget.spend(u64::MAX, 1), 60);
        assert_eq!(ScrapeBudget::new(Some(0), MINUTE).spend(5_000, 1), 60);
    }

    #[test]
    fn without_a_budget_every_interval_has_a_capture() {
        let mut budget = ScrapeBudget::new(None, MINUTE);
        assert_eq!(budget.spend(u64::MAX, 5), 1);
        assert_eq!(budget.seconds(5), 5);
    }
}
