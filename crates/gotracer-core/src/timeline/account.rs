//! State accounting of one goroutine: its state vector up to its last state transition.

use super::passed;
use super::state::{Part, StateVector};
use super::waiting::Waiting;
use crate::trace::{GoState, Time};

/// Account of a goroutine that exists.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    pub vector: StateVector,
    /// When the present state began.
    pub since: Time,
    /// Total stop-the-world time before `since`, ns.
    stopped_before: u64,
    pub part: Part,
}

impl Account {
    /// Opens the account of a goroutine that has been in a state since `since`.
    #[inline(always)]
    pub(super) fn new(part: Part, since: Time, stopped_before: u64) -> Self {
        Self {
            vector: StateVector::default(),
            since,
            stopped_before,
            part,
        }
    }

    /// Adds the time in the present state up to `now`. `stopped` is the total stop-the-world time, ns.
    #[inline(always)]
    pub(super) fn settle(&mut self, now: Time, stopped: u64) {
        self.vector.add_part(self.part, passed(self.since, now));
        self.since = now;
        if stopped != self.stopped_before {
            self.settle_stopped(stopped);
        }
    }

    /// Adds the stop-the-world time in the present state, which is rare.
    #[cold]
    fn settle_stopped(&mut self, stopped: u64) {
        let meanwhile = stopped.saturating_sub(self.stopped_before);
        self.vector.add_stopped(self.part, meanwhile);
        self.stopped_before = stopped;
    }

    /// Switches the goroutine to another state.
    #[inline(always)]
    pub(super) fn switch(&mut self, part: Part, now: Time, stopped: u64) {
        self.settle(now, stopped);
        self.part = part;
    }

    /// Vector up to `now`.
    pub(super) fn snapshot(mut self, now: Time, stopped: u64) -> StateVector {
        self.settle(now, stopped);
        self.vector
    }

    /// Part in which the goroutine has been since `since`, if it has not changed.
    #[inline]
    pub(super) fn part_since(&self, since: Time) -> Option<Part> {
        (self.since == since).then_some(self.part)
    }
}

/// Part of the state vector for a goroutine in this state.
#[inline(always)]
pub(super) fn part(state: GoState, waiting: Waiting, assisting: bool) -> Part {
    match state {
        GoState::Running if assisting => Part::Marking,
        GoState::Running => Part::Running,
        GoState::Runnable => Part::Runnable,
        GoState::Syscall => Part::Syscall,
        _ => waiting.part(),
    }
}
