//! Origin of a goroutine's activity: outside of the program, or the computation that it is part of.
//!
//! A goroutine that the network, a timer or the runtime wakes is the origin of its own activity and that of all
//! goroutines that it creates and wakes, until they are woken otherwise.

use super::Timeline;
use super::classify::Owner;
use super::goroutines::Goroutine;
use super::interval::Way;
use super::stacks::StackKey;
use super::stretches::LONG;
use super::waiting::Wait;
use crate::trace::{GoId, Slot, Time};

/// Percentage of its life for which a goroutine runs, from which it computes.
const COMPUTES: u64 = 5;

/// Goroutine that creates or wakes another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Giver {
    /// None: the network or a timer.
    Outside,
    /// One of the runtime's.
    Runtime,
    /// One of the program's, with the origin of its activity.
    Program(GoId),
}

impl Giver {
    /// Origin of a goroutine that it creates.
    pub(super) fn origin_of_new(self, new: GoId) -> GoId {
        match self {
            Self::Program(origin) => origin,
            Self::Outside | Self::Runtime => new,
        }
    }
}

impl Goroutine {
    /// Records that it is woken.
    #[inline]
    pub(super) fn woken(&mut self, by: Giver) {
        self.from_outside =
            matches!(self.wait, Wait::Network | Wait::Sleep) || by == Giver::Outside;
        self.origin = match (self.wait, by) {
            _ if self.from_outside => self.id,
            // Goroutines of several computations may share a lock, and all of them wait for the collector.
            (Wait::Sync | Wait::AssistCredit, _) => self.origin,
            (_, Giver::Outside | Giver::Runtime) => self.id,
            (_, Giver::Program(origin)) => origin,
        };
    }

    /// Records that it is preempted: what it does for so long is a computation.
    #[inline]
    pub(super) fn is_preempted(&mut self) {
        self.preempted = true;
        if self.origin == self.id {
            self.origin = GoId::NONE;
        }
    }

    /// Records the stack of a wait that begins.
    #[inline]
    pub(super) fn waits_at(&mut self, stack: StackKey) {
        let [last, before] = self.waited;
        if stack == last || stack == before {
            self.returned = stack;
        }
        if stack != last {
            self.waited = [stack, last];
        }
    }

    /// Whether it takes part in a computation: it has just been created, it computes, it created or woke others, or it
    /// waits to pass something on. A goroutine that only waits for results does not.
    fn takes_part(&self, now: Time) -> bool {
        let life = now.saturating_sub(self.birth).max(0).unsigned_abs();
        let computes = self.ran >= LONG.unsigned_abs() && self.ran >= life / 100 * COMPUTES;
        self.way == Way::Created
            || self.preempted
            || self.gives
            || self.wait == Wait::Send
            || computes
    }
}

impl Timeline {
    /// Returns the giver of an event that creates or wakes a goroutine, and records that it did. `slot` is the giver's, if
    /// known.
    #[inline]
    pub(super) fn giver(&mut self, by: GoId, slot: Option<Slot>) -> Giver {
        if !by.is_some() {
            return Giver::Outside;
        }
        let slot = slot.or_else(|| self.slot(by));
        match slot.and_then(|slot| self.gs.get_mut(slot)) {
            Some(g) if g.owner != Owner::Program => Giver::Runtime,
            Some(g) => {
                g.gives = true;
                Giver::Program(g.origin)
            }
            None => Giver::Program(GoId::NONE),
        }
    }

    /// Whether a runnable goroutine only takes its turn in a computation: a goroutine of the same computation created
    /// or woke it, and `instead` ran meanwhile. A goroutine that became runnable by the network, a timer or the end
    /// of a system call takes no turn, and neither do those that wait behind the goroutine which they originate from.
    pub fn takes_turn(&self, g: GoId, instead: GoId) -> bool {
        let Some(g) = self.gs.find(g) else {
            return false;
        };
        // A worker that waits for its first turn has shown nothing yet, but others with its function have.
        let is_alike = |other: &Goroutine| g.start.is_some() && other.start == g.start;
        let takes_part = g.takes_part(self.now) || self.gs.find(instead).is_some_and(is_alike);
        if g.way == Way::SyscallExit || g.from_outside || !takes_part {
            return false;
        }
        // Of an activity whose origin has ended the computation is left.
        let computation = self.gs.find(g.origin).is_none();
        computation || g.origin != instead && self.origin(instead) == Some(g.origin)
    }

    /// Returns the origin of a goroutine, which may have ended a moment ago.
    fn origin(&self, g: GoId) -> Option<GoId> {
        let runs = || {
            let ended = self.procs.runs().filter_map(Result::ok);
            let of = ended.filter(|run| run.who.g == g);
            of.max_by_key(|run| run.end).map(|run| run.origin)
        };
        self.gs.find(g).map(|g| g.origin).or_else(runs)
    }
}
