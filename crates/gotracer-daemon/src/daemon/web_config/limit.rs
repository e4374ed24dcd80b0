//! Rate limit of requests, `rate_limit`.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Token bucket settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Rate {
    /// Interval at which a token is added.
    pub interval: Duration,
    /// Capacity of the bucket.
    pub burst: u32,
}

/// Token bucket; it starts full.
#[derive(Default)]
pub(super) struct Bucket(Mutex<Option<(Instant, f64)>>);

impl Bucket {
    /// Takes a token if there is one.
    pub(super) fn take(&self, rate: Rate) -> bool {
        self.take_at(rate, Instant::now())
    }

    fn take_at(&self, rate: Rate, now: Instant) -> bool {
        let mut state = self.0.lock();
        let full = f64::from(rate.burst);
        let (then, left) = state.unwrap_or((now, full));
        let since = now.saturating_duration_since(then);
        let tokens = (left + since.div_duration_f64(rate.interval)).min(full);
        let granted = tokens >= 1.0;
        *state = Some((now, if granted { tokens - 1.0 } else { tokens }));
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_fills_with_time() {
        let rate = Rate {
            interval: Duration::from_secs(1),
            burst: 2,
        };
        let (bucket, start) = (Bucket::default(), Instant::now());
        let taken = |ms| bucket.take_at(rate, start + Duration::from_millis(ms));
        let expected = [
            (0, true),
            (0, true),
            (500, false),
            (1000, true),
            (1100, false),
            (9000, true),
            (9000, true),
            (9000, false),
        ];
        for (ms, granted) in expected {
            assert_eq!(taken(ms), granted, "{ms}");
        }
        let none = Rate { burst: 0, ..rate };
        assert!(!Bucket::default().take(none));
    }
}
