//! Exponential backoff between attempts.

use std::time::Duration;

/// Delays that double with each consecutive failure, up to a limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
}

impl Backoff {
    /// Creates a backoff from its first and its longest delay.
    pub(crate) const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest }
    }

    /// Returns the delay after a failure that `before` consecutive failures precede.
    pub(crate) fn delay(self, before: u32) -> Duration {
        let factor = 1_u32.checked_shl(before).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.longest)
    }

    /// Returns the delay shortened by a random part of at most one half, which keeps the daemons
    /// of a fleet from retrying at the same moment.
    pub(crate) fn jittered(self, before: u32) -> Duration {
        self.delay(before).mul_f64(0.5 + 0.5 * fastrand::f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest() {
        let second = Duration::from_secs(1);
        let backoff = Backoff::new(second, 30 * second);
        let delays = [0, 1, 2, 4, 5, 31, 32, u32::MAX].map(|n| backoff.delay(n).as_secs());
        assert_eq!(delays, [1, 2, 4, 16, 30, 30, 30, 30]);
    }

    #[test]
    fn jitter_takes_at_most_one_half() {
        let second = Duration::from_secs(1);
        let backoff = Backoff::new(second, 30 * second);
        let delays: Vec<_> = (0..100).map(|_| backoff.jittered(3)).collect();
        assert!(delays.iter().all(|d| (4 * second..=8 * second).contains(d)));
        assert!(delays.iter().any(|d| *d != delays[0]));
    }
}
