//! Figures of a trace besides its events: how much was read, and the clocks.

use super::event::Time;

/// The trace clock and the wall clock read at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockSnapshot {
    /// Time on the trace's clock.
    pub trace: Time,
    /// The system's monotonic clock, ns.
    pub mono: u64,
    /// Wall clock, seconds since the Unix epoch.
    pub wall_sec: i64,
    /// Wall clock, nanoseconds within the second.
    pub wall_nsec: i64,
}

/// Statistics of a reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Generations begun.
    pub generations: u64,
    /// Events returned.
    pub events: u64,
    /// Bytes walked, decompressed.
    pub bytes: u64,
    /// Bytes there are, or were received so far.
    pub total_bytes: u64,
    /// Generations whose clock frequency is 0: all their times are wrong.
    pub without_clock: u64,
    pub(crate) syncs: u32,
}

impl Stats {
    /// Whether no event but synchronization was returned.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.events == u64::from(self.syncs)
    }

    /// Difference to earlier statistics of the same reader.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            generations: self.generations - before.generations,
            without_clock: self.without_clock - before.without_clock,
            events: self.events - before.events,
            bytes: self.bytes - before.bytes,
            ..self
        }
    }
}
