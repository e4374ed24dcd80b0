//! Duty cycle of a stream by its byte budget.

use std::time::Duration;

/// Length of a slice of a limited stream, and the period over which its bytes are averaged,
/// seconds.
pub(super) const SLICE: u32 = 10;
/// Smallest duty cycle.
const LEAST: f64 = 1.0 / 60.0;

/// Duty cycle that keeps a stream within its budget on average.
#[derive(Debug)]
pub(super) struct DutyCycle {
    /// Budget in bytes per second.
    budget: u64,
    duty: f64,
    bytes: u64,
    time: Duration,
}

impl DutyCycle {
    /// Creates a duty cycle for a budget in bytes per second.
    pub(super) fn new(budget: u64) -> Self {
        Self {
            budget,
            duty: 1.0,
            bytes: 0,
            time: Duration::ZERO,
        }
    }

    /// Returns the share of time in which to stream.
    pub(super) fn duty(&self) -> f64 {
        self.duty
    }

    /// Whether the share is below 1.
    pub(super) fn is_limited(&self) -> bool {
        self.duty < 1.0
    }

    /// Adds received bytes. Returns whether the stream may continue without a pause.
    pub(super) fn add(&mut self, bytes: u64, time: Duration) -> bool {
        self.bytes += bytes;
        self.time += time;
        if self.time < Duration::from_secs(SLICE.into()) {
            return true;
        }
        self.measure();
        !self.is_limited()
    }

    /// Returns the pause after a slice, and starts the next one.
    pub(super) fn pause(&mut self) -> Duration {
        // A slice may have ended a little early.
        if self.time > Duration::from_secs(SLICE.into()) / 2 {
            self.measure();
        }
        Duration::from_secs(SLICE.into()).mul_f64(1.0 / self.duty - 1.0)
    }

    fn measure(&mut self) {
        let rate = self.bytes as f64 / self.time.as_secs_f64();
        self.duty = (self.budget as f64 / rate.max(1.0)).clamp(LEAST, 1.0);
        (self.bytes, self.time) = (0, Duration::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sends_six_times_as_much_is_streamed_ten_seconds_a_minute() {
        let mut duty_cycle = DutyCycle::new(1_000);
        let second = Duration::from_secs(1);
        assert!((0..100).all(|_| duty_cycle.add(1_000, second)));
        let goes_on: Vec<_> = (0..10).map(|_| duty_cycle.add(6_000, second)).collect();
        assert_eq!(goes_on, [[true; 9].as_slice(), &[false]].concat());
        assert_eq!(duty_cycle.pause().as_secs_f64().round(), 50.0);
        // The program is quiet again.
        assert!((0..9).all(|_| duty_cycle.add(10, second)));
        assert_eq!(duty_cycle.pause(), Duration::ZERO);
        assert!(!duty_cycle.is_limited());
        // Even a flood is sampled.
        assert!(!duty_cycle.add(u64::MAX, 10 * second));
        assert_eq!(duty_cycle.pause().as_secs_f64().round(), 590.0);
    }
}
