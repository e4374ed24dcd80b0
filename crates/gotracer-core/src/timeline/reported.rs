//! Time since the last report.

use super::{Timeline, elapsed};
use crate::trace::Time;

impl Timeline {
    /// Start of the next report: the first event, or the last report.
    pub fn stretch(&self) -> Time {
        self.reported.unwrap_or(self.start())
    }

    /// Duration since [`stretch`](Self::stretch), ns.
    pub fn duration(&self) -> u64 {
        self.since_stretch(self.now)
    }

    /// Duration from [`stretch`](Self::stretch) to a time, ns; 0 for earlier times.
    pub fn since_stretch(&self, time: Time) -> u64 {
        elapsed(self.stretch(), time)
    }

    /// Time of the last report, if there was one. It contains all that crossed a threshold by then.
    pub fn reported(&self) -> Option<Time> {
        self.reported
    }

    /// Starts the next report.
    pub fn start_stretch(&mut self) {
        self.reported = Some(self.now);
        self.reported_busy = self.procs.busy(self.now);
        self.pressure.start_stretch(self.now);
        self.population.start_stretch();
        self.settle_accounts();
        self.collector.start_stretch(self.now);
        self.calls.start_stretch(self.now);
        self.heap.start_stretch();
        let running = self.total_running();
        self.sampling.start_stretch(self.now, running);
    }

    /// Time since which the growth of the number of goroutines is counted.
    pub fn growing_since(&self) -> Time {
        self.population.growing_since().unwrap_or(self.start())
    }

    /// Sets whether the count of growth continues after the next report.
    pub fn set_growing(&mut self, growing: bool) {
        self.population.growing = growing;
    }

    /// Restarts the count of growth.
    pub fn start_growth(&mut self) {
        self.population.start_growth(self.now);
    }
}
