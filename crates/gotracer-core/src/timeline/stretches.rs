//! Last long periods in which a goroutine did not run. They show what a lock's holder did while others waited.

use super::Timeline;
use super::waiting::Wait;
use crate::trace::{GoId, GoState, Slot, Time};

/// Shortest period to keep, ns.
pub const LONG: Time = 1_000_000;
/// Number of periods kept for each goroutine.
const KEPT: usize = 4;

/// Activity of a goroutine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Doing {
    /// Running.
    #[default]
    Running,
    /// Waiting for a P.
    Runnable,
    /// In a system call or a cgo call.
    Syscall,
    /// Waiting for the network.
    Network,
    /// Sleeping.
    Sleeping,
    /// Waiting for a lock or another semaphore.
    Semaphore,
    /// Any other wait.
    Waiting,
}

impl Doing {
    pub(super) fn of(state: GoState, wait: Wait) -> Self {
        match (state, wait) {
            (GoState::Runnable, _) => Self::Runnable,
            (GoState::Syscall, _) => Self::Syscall,
            (GoState::Waiting, Wait::Network) => Self::Network,
            (GoState::Waiting, Wait::Sleep) => Self::Sleeping,
            (GoState::Waiting, Wait::Sync) => Self::Semaphore,
            (GoState::Waiting, _) => Self::Waiting,
            _ => Self::Running,
        }
    }
}

/// Period of one activity.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stretch {
    /// Activity in the period.
    pub doing: Doing,
    /// Start of the period.
    pub start: Time,
    /// End of the period.
    pub end: Time,
}

/// Last long periods of each goroutine in which it did not run.
#[derive(Debug, Default)]
pub(super) struct Stretches {
    /// Periods by slot, with the goroutine that they belong to.
    by_slot: Vec<(GoId, [Stretch; KEPT])>,
}

impl Stretches {
    /// Adds a period that ended.
    #[cold]
    pub(super) fn add(&mut self, slot: Slot, g: GoId, stretch: Stretch) {
        if self.by_slot.len() <= slot.index() {
            self.by_slot.resize(slot.index() + 1, Default::default());
        }
        let (known, kept) = &mut self.by_slot[slot.index()];
        if *known != g {
            (*known, *kept) = (g, Default::default());
        }
        kept.rotate_right(1);
        kept[0] = stretch;
    }

    fn of(&self, slot: u32, g: GoId) -> &[Stretch] {
        match self.by_slot.get(slot as usize) {
            Some((known, kept)) if *known == g => kept,
            _ => &[],
        }
    }
}

impl Timeline {
    /// Returns the activity of a goroutine for more than half of the time between two times, and its duration in ns.
    /// `None` if there is no such activity or the goroutine ended.
    pub fn mostly_did(&self, g: GoId, start: Time, end: Time) -> Option<(Doing, u64)> {
        let length = end.saturating_sub(start).max(0);
        let slot = self.gs.slot(g)?;
        let (mut sums, mut other): ([Time; 7], Time) = ([0; 7], 0);
        let kept = self.stretches.of(slot, g);
        for stretch in kept {
            let overlap = stretch
                .end
                .min(end)
                .saturating_sub(stretch.start.max(start));
            let sum = &mut sums[stretch.doing as usize];
            *sum = sum.saturating_add(overlap.max(0));
            other = other.saturating_add(overlap.max(0));
        }
        let full = kept.last().is_some_and(|oldest| oldest.start > start);
        let all = [
            Doing::Runnable,
            Doing::Syscall,
            Doing::Network,
            Doing::Sleeping,
            Doing::Semaphore,
            Doing::Waiting,
        ];
        let most = all.into_iter().map(|doing| (doing, sums[doing as usize]));
        let most = most.max_by_key(|(_, sum)| *sum);
        let most = most.filter(|(_, sum)| *sum > length / 2);
        // Short periods are not kept, so the rest of the time was mostly running.
        let ran = (!full && other < length / 2).then_some((Doing::Running, length - other));
        most.or(ran).map(|(doing, sum)| (doing, sum as u64))
    }
}
