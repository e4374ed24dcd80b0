//! Ps whose next event has to wait for another P's.
//!
//! After every event the reference reader checks all waiting Ps, in an order that depends on how they were added. The
//! first one that became possible is also the first in the heap, so this order is part of the order of events. A check is
//! needed only after a step of a goroutine that an event waits for.

use super::super::args::Args;
use super::super::event::GoId;
use super::super::work;
use super::model::Model;
use super::state::Status;
use super::step::Change;
use super::wire;

/// The condition that an event waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing: it can come next.
    Nothing,
    /// A goroutine is in this status, at this step unless it is the wildcard.
    Step {
        g: GoId,
        status: Status,
        seq: Option<u64>,
    },
    /// The goroutine has never existed.
    New(GoId),
    /// The number of the next collection.
    Collection(u64),
}

/// The slot of a goroutine that does not exist yet.
const UNBORN: u32 = u32::MAX;

/// The P of an event, and what it waits for.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    proc: u32,
    /// Of the goroutine.
    slot: u32,
    need: Need,
}

impl Waiting {
    /// Whether a change may be what it waits for.
    fn may_want(&self, change: Change) -> bool {
        match (change, self.need) {
            (Change::Anything, _) | (_, Need::Nothing) => true,
            (Change::Step(slot), Need::Step { .. }) => slot == self.slot,
            (Change::Birth(new), Need::Step { g, .. }) => self.slot == UNBORN && g == new,
            (Change::Collection, Need::Collection(_)) => true,
            _ => false,
        }
    }
}

impl Model {
    /// Returns the condition of a P's next event with the arguments `args`, and
    /// notes the goroutine's slot.
    #[inline(always)]
    pub(super) fn need(&mut self, proc: u32, kind: u8, mut args: Args<'_>) -> Need {
        let need = match kind {
            wire::GO_START | wire::GO_START_LABEL => Need::Step {
                g: GoId(args.next() as i64),
                status: Status::Runnable,
                seq: Some(args.next()),
            },
            wire::GO_START_LOCAL => Need::Step {
                g: GoId(args.next() as i64),
                status: Status::Runnable,
                seq: None,
            },
            wire::GO_UNBLOCK | wire::GO_SYSEXIT => Need::Step {
                g: GoId(args.next() as i64),
                status: Status::Waiting,
                seq: Some(args.next()),
            },
            wire::GO_UNBLOCK_LOCAL | wire::GO_SYSEXIT_LOCAL => Need::Step {
                g: GoId(args.next() as i64),
                status: Status::Waiting,
                seq: None,
            },
            wire::GO_WAITING | wire::GO_IN_SYSCALL => Need::Step {
                g: GoId(args.next() as i64),
                status: Status::Runnable,
                seq: Some(1),
            },
            wire::GO_CREATE => Need::New(GoId(args.next() as i64)),
            wire::GC_START => Need::Collection(args.next()),
            _ => return Need::Nothing,
        };
        match self.has(proc, need) {
            true => Need::Nothing,
            false => need,
        }
    }

    /// Whether an event has what it needs.
    #[inline(always)]
    fn has(&mut self, proc: u32, need: Need) -> bool {
        match need {
            Need::Nothing => true,
            Need::Step { g, status, seq } => {
                let Some((slot, g)) = self.gs.find(g) else {
                    return false;
                };
                self.procs[proc as usize].hint = slot;
                g.order == status && seq.is_none_or(|seq| seq == g.seq)
            }
            Need::New(g) => self.gs.is_new(g),
            Need::Collection(n) => self.collections == n,
        }
    }

    /// Marks the goroutine, so [`change`](Self::change) reports its steps. Returns its slot.
    fn await_need(&mut self, need: Need) -> u32 {
        match need {
            Need::Step { g, .. } => match self.gs.find(g) {
                Some((slot, g)) => {
                    g.awaited = true;
                    return slot;
                }
                None => self.unborn = true,
            },
            Need::Collection(_) => self.gc_awaited = true,
            Need::New(_) | Need::Nothing => {}
        }
        UNBORN
    }
}

/// Waiting Ps.
#[derive(Debug, Default)]
pub(super) struct Waitings {
    all: Vec<Waiting>,
}

impl Waitings {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// One of them.
    pub(super) fn first(&self) -> Option<u32> {
        self.all.first().map(|w| w.proc)
    }

    pub(super) fn clear(&mut self) {
        self.all.clear();
    }

    /// Adds a P whose event waits.
    pub(super) fn add(&mut self, model: &mut Model, proc: u32, need: Need) {
        let slot = model.await_need(need);
        self.all.push(Waiting { proc, slot, need });
    }

    /// Takes out the Ps whose event can come next after a change, in the
    /// reference's order: the last one takes the place of one that leaves.
    pub(super) fn leave(&mut self, model: &mut Model, change: Change, mut ready: impl FnMut(u32)) {
        work::add(self.all.len());
        let mut i = 0;
        let mut still_awaited = false;
        while let Some(waiting) = self.all.get_mut(i) {
            if waiting.may_want(change) {
                let Waiting { proc, need, .. } = *waiting;
                if model.has(proc, need) {
                    self.all.swap_remove(i);
                    ready(proc);
                    continue;
                }
                waiting.slot = model.await_need(need);
                still_awaited |= change == Change::Step(waiting.slot);
            }
            i += 1;
        }
        if let Change::Step(slot) = change
            && !still_awaited
        {
            model.gs[slot].awaited = false;
        }
    }
}
