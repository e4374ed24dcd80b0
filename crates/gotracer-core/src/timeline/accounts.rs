//! State accounting: the state vector of each goroutine up to its last state transition.

use super::elapsed;
use super::state::{Part, StateVector};
use super::waiting::Waiting;
use super::{Goroutine, Timeline};
use crate::trace::internal::of_vec;
use crate::trace::{GoId, GoState, Slot, Time};

/// Account of a goroutine that exists.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    pub vector: StateVector,
    /// When the present state began.
    pub since: Time,
    /// Total stop-the-world time before `since`, ns.
    stopped_before: u64,
    part: Part,
}

impl Account {
    /// Adds the time in the present state up to `now`. `stopped` is the total stop-the-world time, ns.
    #[inline(always)]
    pub(super) fn settle(&mut self, now: Time, stopped: u64) {
        let (ns, stopped_meanwhile) = self.present(now, stopped);
        self.vector.add_part(self.part, ns, stopped_meanwhile);
        self.since = now;
        self.stopped_before = stopped;
    }

    /// Time in the present state up to `now`, and the stop-the-world time within it, ns.
    #[inline(always)]
    fn present(&self, now: Time, stopped: u64) -> (u64, u64) {
        let ns = elapsed(self.since, now);
        (ns, stopped.saturating_sub(self.stopped_before))
    }
}

/// Accounts of all goroutines that exist, by slot.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    by_slot: Vec<Account>,
    /// Vectors at the last report. Empty before the first report, so always empty for files.
    reported: Vec<StateVector>,
}

impl Accounts {
    /// Bytes of memory held while up to `more` goroutines are added.
    pub(super) fn held(&self, more: usize) -> u64 {
        of_vec(&self.by_slot, more) + of_vec(&self.reported, more)
    }

    /// Opens the account of a goroutine that has been in a state since `since`.
    pub(super) fn open(&mut self, slot: Slot, part: Part, since: Time, stopped_before: u64) {
        let account = Account {
            vector: StateVector::default(),
            since,
            stopped_before,
            part,
        };
        match self.by_slot.get_mut(slot.index()) {
            Some(place) => *place = account,
            None => self.by_slot.resize(slot.index() + 1, account),
        }
        if let Some(reported) = self.reported.get_mut(slot.index()) {
            *reported = StateVector::default();
        }
    }

    /// Switches the goroutine to another state.
    #[inline(always)]
    pub(super) fn switch(&mut self, slot: Slot, part: Part, now: Time, stopped: u64) {
        if let Some(account) = self.by_slot.get_mut(slot.index()) {
            account.settle(now, stopped);
            account.part = part;
        }
    }

    /// Replaces the present state from its start on.
    fn relabel(&mut self, slot: Slot, part: Part) {
        if let Some(account) = self.by_slot.get_mut(slot.index()) {
            account.part = part;
        }
    }

    /// State in which a goroutine is accounted.
    fn part(&self, slot: u32) -> Option<Part> {
        self.by_slot.get(slot as usize).map(|a| a.part)
    }

    /// Part in which a goroutine has been since `since`, if it has not changed.
    #[inline]
    pub(super) fn part_since(&self, slot: Slot, since: Time) -> Option<Part> {
        let account = self.by_slot.get(slot.index())?;
        (account.since == since).then_some(account.part)
    }

    /// Account of a goroutine up to its last state transition.
    #[inline]
    pub(super) fn get(&self, slot: Slot) -> Option<&Account> {
        self.by_slot.get(slot.index())
    }

    /// Vector of a goroutine up to `now`.
    fn snapshot(&self, slot: u32, now: Time, stopped: u64) -> StateVector {
        let account = self.by_slot.get(slot as usize);
        account.map_or_else(StateVector::default, |account| {
            let mut vector = account.vector;
            let (ns, stopped) = account.present(now, stopped);
            vector.add_part(account.part, ns, stopped);
            vector
        })
    }

    /// Vector of a goroutine up to its last state transition; `None` if an earlier report may contain a part of it.
    #[inline]
    pub(super) fn settled(&self, slot: Slot) -> Option<&StateVector> {
        let account = self.by_slot.get(slot.index())?;
        self.reported.is_empty().then_some(&account.vector)
    }

    /// Part of a vector that no earlier report contains.
    fn unreported(&self, slot: u32, vector: StateVector) -> StateVector {
        match self.reported.get(slot as usize) {
            Some(reported) => vector - *reported,
            None => vector,
        }
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

impl Timeline {
    /// Returns a goroutine's time by state, from its creation or the trace's start up to now. The sum is the
    /// goroutine's age, to the nanosecond. `None` if the goroutine does not exist.
    pub fn snapshot(&self, g: GoId) -> Option<StateVector> {
        let slot = self.gs.slot(g)?;
        Some(self.snapshot_at(Slot(slot)))
    }

    /// Returns the vector of the goroutine in a slot, as [`snapshot`](Self::snapshot).
    pub(crate) fn snapshot_at(&self, slot: Slot) -> StateVector {
        self.accounts
            .snapshot(slot.0, self.now, self.world.stopped(self.now))
    }

    /// Iterates over the goroutines with the time by state that no earlier report contains.
    pub fn unreported(&self) -> impl Iterator<Item = (&Goroutine, StateVector)> {
        let all = self.gs.with_slots();
        all.map(|(slot, g)| {
            (
                g,
                self.accounts.unreported(slot, self.snapshot_at(Slot(slot))),
            )
        })
    }

    /// Time by state of the goroutine in a slot, as far as no earlier report contains it.
    pub(super) fn unreported_at(&self, slot: Slot) -> StateVector {
        self.accounts.unreported(slot.0, self.snapshot_at(slot))
    }

    /// Present state of a goroutine.
    pub fn state(&self, g: GoId) -> Option<super::State> {
        let part = self.accounts.part(self.gs.slot(g)?)?;
        Some(part.state())
    }

    /// Returns the state of the goroutine in a slot; for a free slot, the last state of its last goroutine.
    #[inline]
    pub fn state_at(&self, slot: Slot) -> Option<super::State> {
        Some(self.accounts.part(slot.0)?.state())
    }

    /// Starts the accounts of the next report.
    pub(super) fn settle_accounts(&mut self) {
        let mut reported = std::mem::take(&mut self.accounts.reported);
        reported.clear();
        reported.resize(self.accounts.by_slot.len(), StateVector::default());
        for (slot, _) in self.gs.with_slots() {
            if let Some(place) = reported.get_mut(slot as usize) {
                *place = self.snapshot_at(Slot(slot));
            }
        }
        self.accounts.reported = reported;
    }

    /// Accounts for the start of a mark assist. `since_start` means that the assist was active when the trace
    /// started.
    pub(super) fn account_assist(&mut self, g: GoId, since_start: bool) {
        let Some((slot, goroutine)) = self.if_running(g) else {
            return;
        };
        if since_start && goroutine.cut {
            self.accounts.relabel(slot, Part::Marking);
        } else {
            let stopped = self.world.stopped(self.now);
            self.accounts.switch(slot, Part::Marking, self.now, stopped);
        }
    }

    /// Accounts for the end of a mark assist.
    pub(super) fn account_assist_end(&mut self, g: GoId) {
        if let Some((slot, _)) = self.if_running(g) {
            let stopped = self.world.stopped(self.now);
            self.accounts.switch(slot, Part::Running, self.now, stopped);
        }
    }

    /// Returns a goroutine if it is running.
    fn if_running(&self, g: GoId) -> Option<(Slot, &Goroutine)> {
        let slot = self.gs.slot(g)?;
        let goroutine = self.gs.get(slot)?;
        (goroutine.state == GoState::Running).then_some((Slot(slot), goroutine))
    }
}
