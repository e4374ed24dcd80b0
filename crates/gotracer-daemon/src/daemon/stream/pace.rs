//! How much of the time a target is streamed, by how many bytes it sends.

use std::time::Duration;

/// For how many seconds a target is streamed that may not be all the time, and
/// over how many its bytes are averaged.
pub const SLICE: u32 = 10;
/// The least share of time.
const LEAST: f64 = 1.0 / 60.0;

/// Keeps a stream within its budget on average.
#[derive(Debug)]
pub struct Pace {
    /// Bytes a second.
    budget: u64,
    duty: f64,
    bytes: u64,
    time: Duration,
}

impl Pace {
    /// A budget of bytes a second.
    pub fn new(budget: u64) -> Self {
        Self {
            budget,
            duty: 1.0,
            bytes: 0,
            time: Duration::ZERO,
        }
    }

    /// The share of time in which to stream.
    pub fn duty(&self) -> f64 {
        self.duty
    }

    /// Whether that is not all the time.
    pub fn is_limited(&self) -> bool {
        self.duty < 1.0
    }

    /// So many bytes came in that time. Whether there may be more without a
    /// pause.
    pub fn add(&mut self, bytes: u64, time: Duration) -> bool {
        self.bytes += bytes;
        self.time += time;
        if self.time < Duration::from_secs(SLICE.into()) {
            return true;
        }
        self.measure();
        !self.is_limited()
    }

    /// How long to pause after a slice, and what to be prepared for then.
    pub fn pause(&mut self) -> Duration {
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
        let mut pace = Pace::new(1_000);
        let second = Duration::from_secs(1);
        assert!((0..100).all(|_| pace.add(1_000, second)));
        let goes_on: Vec<_> = (0..10).map(|_| pace.add(6_000, second)).collect();
        assert_eq!(goes_on, [[true; 9].as_slice(), &[false]].concat());
        assert_eq!(pace.pause().as_secs_f64().round(), 50.0);
        // Quiet again.
        assert!((0..9).all(|_| pace.add(10, second)));
        assert_eq!(pace.pause(), Duration::ZERO);
        assert!(!pace.is_limited());
        // Even a flood is looked at now and then.
        assert!(!pace.add(u64::MAX, 10 * second));
        assert_eq!(pace.pause().as_secs_f64().round(), 590.0);
    }
}
