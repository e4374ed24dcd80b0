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

/// Present pressure.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Level {
    /// At least one goroutine is runnable and not running.
    some: bool,
    /// In addition, no goroutine is running.
    full: bool,
}

/// Accounting of the scheduler pressure.
#[derive(Debug, Default)]
pub(super) struct Pressure {
    total: SchedPressure,
    /// Total at the last report.
    reported: SchedPressure,
    level: Level,
    since: Time,
}

impl Pressure {
    fn up_to(&self, now: Time) -> SchedPressure {
        let ns = now.saturating_sub(self.since).max(0) as u64;
        let Level { some, full } = self.level;
        SchedPressure {
            some: self.total.some.saturating_add(ns * u64::from(some)),
            full: self.total.full.saturating_add(ns * u64::from(full)),
        }
    }

    #[inline]
    fn change(&mut self, level: Level, now: Time) {
        self.total = self.up_to(now);
        (self.level, self.since) = (level, now);
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
            some: total.some - self.pressure.reported.some,
            full: total.full - self.pressure.reported.full,
        }
    }

    /// Updates the pressure after a goroutine became or ceased to be runnable or running, or a stop-the-world began or
    /// ended.
    #[inline(always)]
    pub(super) fn check_pressure(&mut self) {
        let some = self.runnable > 0 && !self.world.is_stopped();
        let full = some && self.running == 0;
        let level = Level { some, full };
        if level != self.pressure.level {
            self.pressure.change(level, self.now);
        }
    }
}
