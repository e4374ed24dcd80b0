//! What goroutines did lately instead of running, where that took long.
//!
//! Who waited for a lock wants to know what its holder did meanwhile.

use super::Timeline;
use super::interval::Wait;
use crate::trace::{GoId, GoState, Slot, Time};

/// Shorter stretches are not kept, ns.
pub(super) const LONG: Time = 1_000_000;
/// How many are kept of each goroutine.
const KEPT: usize = 4;

/// What a goroutine does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Doing {
    /// It runs.
    #[default]
    Running,
    /// It waits for a processor.
    Runnable,
    /// It is in a system call or a cgo call.
    Syscall,
    /// It waits for the network.
    Network,
    /// It sleeps.
    Sleeping,
    /// It waits for a lock or another semaphore.
    Semaphore,
    /// It waits for something else.
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

/// A stretch in which a goroutine did one thing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stretch {
    /// What it did.
    pub doing: Doing,
    /// When that began.
    pub start: Time,
    /// When that ended.
    pub end: Time,
}

/// The last long stretches of each goroutine in which it did not run.
#[derive(Debug, Default)]
pub struct Stretches {
    /// By slot, with the goroutine that they are of.
    by_slot: Vec<(GoId, [Stretch; KEPT])>,
}

impl Stretches {
    /// A stretch is over.
    #[cold]
    pub fn add(&mut self, slot: Slot, g: GoId, stretch: Stretch) {
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
    /// What a goroutine mostly did from one time to another, and for how long:
    /// more than half of that time. `None` if it is gone, or did many things.
    pub fn mostly_did(&self, g: GoId, start: Time, end: Time) -> Option<(Doing, u64)> {
        let length = end.saturating_sub(start).max(0);
        let slot = self.gs.slot(g)?;
        let (mut sums, mut other) = ([0; 7], 0);
        let kept = self.stretches.of(slot, g);
        for stretch in kept {
            let overlap = stretch
                .end
                .min(end)
                .saturating_sub(stretch.start.max(start));
            sums[stretch.doing as usize] += overlap.max(0);
            other += overlap.max(0);
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
        // Short stretches are not known: then it did not run all the time.
        let ran = (!full && other < length / 2).then_some((Doing::Running, length - other));
        most.or(ran).map(|(doing, sum)| (doing, sum as u64))
    }
}
