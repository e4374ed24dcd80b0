//! Moments at which a target is captured.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, SystemTime};

use crate::source::scrape::Target;

/// Returns the time until the wall clock reaches a given moment of the interval.
pub(super) fn until(moment: Duration, interval: Duration) -> Duration {
    let interval = interval.as_nanos().max(1);
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let into = now.as_nanos() % interval;
    let left = (moment.as_nanos() + interval - into) % interval;
    Duration::from_nanos(u64::try_from(left).unwrap_or_default())
}

/// Returns a number in [0, 1) that depends on the target alone.
pub(super) fn fraction(target: &Target) -> f64 {
    let mut hasher = DefaultHasher::new();
    target.url().hash(&mut hasher);
    target.labels.hash(&mut hasher);
    (hasher.finish() >> 11) as f64 / (1u64 << 53) as f64
}

/// Intervals that a capture takes up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Turns {
    /// Intervals from the capture's own to the next one.
    pub taken: u32,
    /// Intervals in between that were missed.
    pub missed: u64,
}

impl Turns {
    /// Intervals that a capture takes up which ended `late` after its moment, and after which a budget allows one at
    /// every `pause`th interval. Missed intervals are skipped, not caught up; those that the budget skips are not missed.
    pub(super) fn after(late: Duration, interval: Duration, pause: u32) -> Self {
        let passed = late.as_nanos() / interval.as_nanos().max(1);
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        let skipped = u64::from(pause).saturating_sub(1);
        let taken = passed.max(skipped).saturating_add(1);
        Self {
            taken: u32::try_from(taken).unwrap_or(u32::MAX),
            missed: passed.saturating_sub(skipped),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_that_pass_during_a_capture_are_missed_unless_the_budget_skips_them() {
        let interval = Duration::from_secs(60);
        for (late, pause, taken, missed) in [
            (5, 1, 1, 0),
            (60, 1, 2, 1),
            (200, 1, 4, 3),
            (5, 4, 4, 0),
            (200, 4, 4, 0),
            (300, 4, 6, 2),
            (5, 0, 1, 0),
        ] {
            let turns = Turns::after(Duration::from_secs(late), interval, pause);
            assert_eq!(
                turns,
                Turns { taken, missed },
                "{late} s late, every {pause}"
            );
        }
        let endless = Turns::after(Duration::MAX, Duration::ZERO, u32::MAX);
        assert_eq!(endless.taken, u32::MAX);
    }
}
