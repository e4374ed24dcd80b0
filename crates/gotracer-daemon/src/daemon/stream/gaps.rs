//! Gaps in a target's stream.

use std::time::{Duration, Instant, SystemTime};

use crate::export::Gap;

/// Measurement of gaps: from the end of the last generation to the start of the next one, by the
/// program's clock if the trace has it.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    /// End of the last generation, and the time at which it was analyzed.
    last: Option<(SystemTime, Instant)>,
    open: Option<(Gap, Duration)>,
}

impl Gaps {
    /// Starts a gap. Returns whether it is new: nothing is missing before the first generation, and
    /// failed attempts during a gap continue it.
    pub(super) fn begin(&mut self, why: Gap) -> bool {
        let begins = self.last.is_some() && self.open.is_none();
        if begins {
            self.open = Some((why, Duration::ZERO));
        }
        begins
    }

    /// Adds the time that passed in the current gap. Returns its reason and the added duration.
    pub(super) fn go_on(&mut self, now: Instant) -> Option<(Gap, Duration)> {
        let (_, told) = self.last?;
        self.count_up_to(now.saturating_duration_since(told))
    }

    /// Ends the gap, if any, at a new generation.
    pub(super) fn see(
        &mut self,
        (start, end): (SystemTime, SystemTime),
        now: Instant,
    ) -> Option<(Gap, Duration)> {
        let before = self.last.replace((end, now));
        let rest = before.and_then(|(before, _)| {
            let all = start.duration_since(before).unwrap_or_default();
            self.count_up_to(all)
        });
        self.open = None;
        rest
    }

    /// Returns the part of a gap that was not counted yet. A counter never decreases, so slightly
    /// too much may be counted while a gap lasts.
    fn count_up_to(&mut self, all: Duration) -> Option<(Gap, Duration)> {
        let (why, counted) = self.open.as_mut()?;
        let more = all.saturating_sub(*counted);
        *counted += more;
        Some((*why, more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_gap_is_counted_while_it_lasts_and_exactly_when_it_is_over() {
        let (mut gaps, start) = (Gaps::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(!gaps.begin(Gap::Lost), "nothing was seen yet");
        assert_eq!(gaps.see((at(10), at(11)), start), None);
        assert_eq!(gaps.go_on(after(1)), None);
        assert!(gaps.begin(Gap::Lost) && !gaps.begin(Gap::Lost));
        let counted = [gaps.go_on(after(2)), gaps.go_on(after(5))];
        let seconds = |n| Some((Gap::Lost, Duration::from_secs(n)));
        assert_eq!(counted, [seconds(2), seconds(3)]);
        assert_eq!(gaps.see((at(20), at(21)), after(10)), seconds(4));
        assert_eq!(gaps.see((at(21), at(22)), after(11)), None);
        assert!(gaps.begin(Gap::Budget));
    }
}
