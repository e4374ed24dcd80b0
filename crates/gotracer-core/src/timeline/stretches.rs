//! Last long periods in which a goroutine did not run. They show what a lock's holder did while others waited, and
//! what a wait was in the end.

use super::goroutines::Goroutine;
use super::leaves::Leaf;
use super::waiting::Wait;
use crate::trace::internal::of_vec;
use crate::trace::{GoId, GoState, Slot, Time};

/// Shortest period to keep, ns.
pub const LONG: Time = 1_000_000;
/// Number of periods kept for each goroutine.
const KEPT: usize = 8;

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
    /// All activities.
    pub(super) const ALL: [Self; 7] = [
        Self::Running,
        Self::Runnable,
        Self::Syscall,
        Self::Network,
        Self::Sleeping,
        Self::Semaphore,
        Self::Waiting,
    ];

    fn of(state: GoState, wait: Wait) -> Self {
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

/// Period in which a goroutine did not run, or the part of a wait with one leaf.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Stretch {
    pub doing: Doing,
    pub leaf: Leaf,
    pub start: Time,
    pub end: Time,
    /// Total running time of the goroutine before it, ns.
    pub ran: u64,
}

/// Last periods of a goroutine, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Past {
    g: GoId,
    pub kept: Vec<Stretch>,
    /// Older periods are not kept.
    pub dropped: bool,
}

impl Past {
    /// Adds a period; returns by how many the capacity grew.
    fn push(&mut self, stretch: Stretch) -> usize {
        if self.kept.len() == KEPT {
            self.kept.remove(0);
            self.dropped = true;
        }
        let before = self.kept.capacity();
        self.kept.push(stretch);
        self.kept.capacity() - before
    }
}

/// Last long periods of each goroutine in which it did not run.
#[derive(Debug, Default)]
pub(super) struct Stretches {
    by_slot: Vec<Past>,
    /// Number of periods for which all pasts have memory.
    capacity: usize,
    /// Parts of the wait that is added; kept for its allocation.
    pub parts: Vec<(Time, Time, Leaf)>,
}

impl Stretches {
    /// Bytes of memory held.
    pub(super) fn held(&self) -> u64 {
        of_vec(&self.by_slot, 0) + (self.capacity * size_of::<Stretch>()) as u64
    }

    /// Adds a period of a goroutine, by its parts, newest first.
    pub(super) fn add(
        &mut self,
        slot: Slot,
        g: &Goroutine,
        parts: impl DoubleEndedIterator<Item = (Time, Time, Leaf)>,
    ) {
        let doing = Doing::of(g.state, g.wait);
        let mut grown = 0;
        let past = self.open(slot, g.id);
        for (start, end, leaf) in parts.rev() {
            match past.kept.last_mut() {
                // A short part counts as the one before it: a lock that many held one after the other would fill the
                // past with what they did in between.
                Some(last)
                    if last.end == start
                        && last.doing == doing
                        && (last.leaf == leaf || end.saturating_sub(start) < LONG) =>
                {
                    last.end = end;
                }
                _ => {
                    grown += past.push(Stretch {
                        doing,
                        leaf,
                        start,
                        end,
                        ran: g.ran,
                    });
                }
            }
        }
        self.capacity += grown;
    }

    /// Past of the goroutine that is in a slot now.
    fn open(&mut self, slot: Slot, g: GoId) -> &mut Past {
        if self.by_slot.len() <= slot.index() {
            self.by_slot.resize_with(slot.index() + 1, Past::default);
        }
        let past = &mut self.by_slot[slot.index()];
        if past.g != g {
            past.kept.clear();
            (past.g, past.dropped) = (g, false);
        }
        past
    }

    /// Past of a goroutine; `None` if it had no long period.
    pub(super) fn of(&self, slot: u32, g: GoId) -> Option<&Past> {
        let past = self.by_slot.get(slot as usize)?;
        (past.g == g).then_some(past)
    }
}
