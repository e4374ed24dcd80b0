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

/// Accounting of the scheduler pressure. The condition changes at every second event or so, unpredictably, so there are
/// no branches.
#[derive(Debug, Default)]
pub(super) struct Pressure {
    /// Time by condition: no pressure, some, full. Four, so that an index needs no bounds check.
    time: [i64; 4],
    condition: usize,
    /// Start of the condition. The time before the first event counts as one without pressure.
    since: Time,
    /// Total at the last report.
    reported: SchedPressure,
}

impl Pressure {
    #[inline(always)]
    fn set(&mut self, condition: usize, now: Time) {
        let time = &mut self.time[self.condition % 4];
        *time = time.wrapping_add(now.wrapping_sub(self.since));
        (self.condition, self.since) = (condition, now);
    }

    /// Whether a goroutine is runnable and not running now, and the world is not stopped.
    #[inline(always)]
    pub(super) fn is_some(&self) -> bool {
        self.condition > 0
    }

    fn up_to(&self, now: Time) -> SchedPressure {
        let mut time = self.time;
        let open = now.wrapping_sub(self.since);
        time[self.condition % 4] = time[self.condition % 4].wrapping_add(open);
        let [_, some, full, _] = time.map(|ns| ns.max(0) as u64);
        SchedPressure {
            some: some + full,
            full,
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
        let runs_on = !self.world.is_stopped();
        let some = usize::from(self.runnable > 0) & usize::from(runs_on);
        let full = some & usize::from(self.running == 0);
        self.pressure.set(some + full, self.now);
    }
}
