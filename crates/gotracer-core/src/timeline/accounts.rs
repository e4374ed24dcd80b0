//! State accounting: the state vectors of all goroutines, and what earlier reports contain of them.

use super::state::{Part, StateVector};
use super::{Goroutine, Timeline};
use crate::trace::internal::of_vec;
use crate::trace::{GoId, GoState, Slot};

/// Vectors of goroutines at the last report, by slot. Empty before the first report, so always empty for files.
#[derive(Debug, Default)]
pub(super) struct Reported(Vec<StateVector>);

impl Reported {
    /// Bytes of memory held while up to `more` goroutines are added.
    pub(super) fn held(&self, more: usize) -> u64 {
        of_vec(&self.0, more)
    }

    /// Records that a new goroutine has the slot, with nothing reported yet.
    #[inline]
    pub(super) fn open(&mut self, slot: Slot) {
        if let Some(reported) = self.0.get_mut(slot.index()) {
            *reported = StateVector::default();
        }
    }

    /// Vector of a goroutine up to its last state transition; `None` if an earlier report may contain a part of it.
    #[inline]
    pub(super) fn settled<'a>(&self, g: &'a Goroutine) -> Option<&'a StateVector> {
        self.0.is_empty().then_some(&g.account.vector)
    }

    /// Part of a vector that no earlier report contains.
    fn without(&self, slot: Slot, vector: StateVector) -> StateVector {
        match self.0.get(slot.index()) {
            Some(reported) => vector - *reported,
            None => vector,
        }
    }
}

impl Timeline {
    /// Returns a goroutine's time by state, from its creation or the trace's start up to now. The sum is the
    /// goroutine's age, to the nanosecond. `None` if the goroutine does not exist.
    pub fn snapshot(&self, g: GoId) -> Option<StateVector> {
        Some(self.snapshot_of(self.gs.find(g)?))
    }

    /// Returns the vector of the goroutine in a slot, as [`snapshot`](Self::snapshot).
    pub(crate) fn snapshot_at(&self, slot: Slot) -> StateVector {
        let g = self.gs.get(slot.0);
        g.map_or_else(StateVector::default, |g| self.snapshot_of(g))
    }

    fn snapshot_of(&self, g: &Goroutine) -> StateVector {
        g.account.snapshot(self.now, self.world.stopped(self.now))
    }

    /// Iterates over the goroutines with the time by state that no earlier report contains.
    pub fn unreported(&self) -> impl Iterator<Item = (&Goroutine, StateVector)> {
        self.gs.iter().map(|g| (g, self.unreported_of(g)))
    }

    /// Time by state of a goroutine, as far as no earlier report contains it.
    pub(super) fn unreported_of(&self, g: &Goroutine) -> StateVector {
        self.reported_vectors.without(g.slot, self.snapshot_of(g))
    }

    /// Present state of a goroutine.
    pub fn state(&self, g: GoId) -> Option<super::State> {
        Some(self.gs.find(g)?.account.part.state())
    }

    /// Returns the state of the goroutine in a slot; `None` for a free slot.
    #[inline]
    pub fn state_at(&self, slot: Slot) -> Option<super::State> {
        Some(self.gs.get(slot.0)?.account.part.state())
    }

    /// Starts the accounts of the next report.
    pub(super) fn settle_accounts(&mut self) {
        let mut reported = std::mem::take(&mut self.reported_vectors.0);
        reported.clear();
        reported.resize(self.gs.slots(), StateVector::default());
        for g in self.gs.iter() {
            if let Some(place) = reported.get_mut(g.slot.index()) {
                *place = self.snapshot_of(g);
            }
        }
        self.reported_vectors.0 = reported;
    }

    /// Accounts for the start of a mark assist. `since_start` means that the assist was active when the trace
    /// started.
    pub(super) fn account_assist(&mut self, g: GoId, since_start: bool) {
        let (now, stopped) = (self.now, self.world.stopped(self.now));
        if let Some(g) = self.if_running(g) {
            match since_start && g.cut {
                true => g.account.part = Part::Marking,
                false => g.account.switch(Part::Marking, now, stopped),
            }
        }
    }

    /// Accounts for the end of a mark assist.
    pub(super) fn account_assist_end(&mut self, g: GoId) {
        let (now, stopped) = (self.now, self.world.stopped(self.now));
        if let Some(g) = self.if_running(g) {
            g.account.switch(Part::Running, now, stopped);
        }
    }

    /// Returns a goroutine if it is running.
    fn if_running(&mut self, g: GoId) -> Option<&mut Goroutine> {
        let g = self.gs.find_mut(g)?;
        (g.state == GoState::Running).then_some(g)
    }
}
