//! Scheduler pressure: time in which goroutines of the program were runnable and not running.
//!
//! "Some" and "full" are those of Linux' pressure stall information. Coroutine switches do not count, because they wait
//! for nothing. Time under a stop-the-world belongs to the stop.

use super::Timeline;
use crate::trace::Time;

/// Scheduler pressure over some time, ns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SchedPressure {
    /// Time in which at least one goroutine was runnable and not running.
    pub some: u64,
    /// Part of `some` in which no goroutine was running.
    pub full: u64,
}

/// Time for which a condition held. It changes at every second event or so, unpredictably, so there are no branches.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    /// 1 if it holds now, otherwise 0.
    holds: i64,
    /// Ends minus starts, ns. It wraps while the condition holds.
    sum: i64,
}

impl Held {
    #[inline(always)]
    fn set(&mut self, holds: bool, now: Time) {
        let holds = i64::from(holds);
        let ended = now.wrapping_mul(self.holds - holds);
        self.sum = self.sum.wrapping_add(ended);
        self.holds = holds;
    }

    /// Time up to `now`, ns.
    fn up_to(&self, now: Time) -> u64 {
        let open = now.wrapping_mul(self.holds);
        self.sum.wrapping_add(open).max(0) as u64
    }
}

/// Accounting of the scheduler pressure.
#[derive(Debug, Default)]
pub(super) struct Pressure {
    some: Held,
    full: Held,
    /// Total at the last report.
    reported: SchedPressure,
}

impl Pressure {
    fn up_to(&self, now: Time) -> SchedPressure {
        SchedPressure {
            some: self.some.up_to(now),
            full: self.full.up_to(now),
        }
    }

    /// Starts the pressure of the next report.
    pub(super) fn start_stretch(&mut self, now: Time) {
        self.reported = self.up_to(now);
    }
}

impl Timeline {
    /// Returns the scheduler pressure since the trace's start or the last report.
    pub fn sched_pressure(&self) -> SchedPressure {
        let total = self.pressure.up_to(self.now);
        SchedPressure {
            some: total.some.saturating_sub(self.pressure.reported.some),
            full: total.full.saturating_sub(self.pressure.reported.full),
        }
    }

    /// Updates the pressure after a goroutine became or ceased to be runnable or running, or a stop-the-world began or
    /// ended.
    #[inline(always)]
    pub(super) fn check_pressure(&mut self) {
        let some = self.runnable > 0 && !self.world.is_stopped();
        let full = some && self.running == 0;
        self.pressure.some.set(some, self.now);
        self.pressure.full.set(full, self.now);
    }
}
