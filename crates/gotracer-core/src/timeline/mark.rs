//! Moments of goroutines, from which their time by state is counted.
//!
//! Most regions and many tasks lie within one state of their goroutine. Their time is one number, so nothing is
//! subtracted or added up for the other states.

use super::Timeline;
use super::account::Account;
use super::state::{Part, State, StateVector};
use crate::trace::{Slot, Time};

/// A goroutine's account at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    /// Account up to the state transition before the moment.
    account: Account,
    /// The moment.
    at: Time,
    /// Total stop-the-world time before the moment, ns.
    stopped: u64,
}

impl Mark {
    /// The moment.
    pub fn at(&self) -> Time {
        self.at
    }

    /// Time by state up to the moment.
    pub fn vector(&self) -> StateVector {
        self.account.snapshot(self.at, self.stopped)
    }
}

/// Time of a goroutine in one state.
#[derive(Clone, Copy, Debug)]
pub struct InState {
    part: Part,
    ns: u64,
    stopped: u64,
}

impl InState {
    /// State of the goroutine.
    pub fn state(self) -> State {
        self.part.state()
    }

    /// Time in the state, ns.
    pub fn ns(self) -> u64 {
        self.ns
    }

    /// Adds the time to a vector.
    pub fn add_to(self, vector: &mut StateVector) {
        vector.add_part(self.part, self.ns);
        vector.add_stopped(self.part, self.stopped);
    }
}

impl Timeline {
    /// Returns the present account of the goroutine in a slot.
    #[inline]
    pub fn mark(&self, slot: Slot) -> Option<Mark> {
        Some(Mark {
            account: self.gs.get(slot.0)?.account,
            at: self.now,
            stopped: self.world.stopped(self.now),
        })
    }

    /// Returns the time since a mark if the goroutine in the slot has been in one state since then.
    #[inline]
    pub fn in_state_since(&self, slot: Slot, mark: &Mark) -> Option<InState> {
        let part = self
            .gs
            .get(slot.0)?
            .account
            .part_since(mark.account.since)?;
        Some(InState {
            part,
            ns: super::elapsed(mark.at, self.now),
            stopped: self.world.stopped(self.now).saturating_sub(mark.stopped),
        })
    }
}
