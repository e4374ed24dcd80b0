//! Fast path of the nine commonest event types, where nothing is unusual.
//!
//! Each type has a branch that takes the event if every precondition holds, and
//! otherwise returns without a change: then [`Order::advance`], the full model,
//! decides. So errors and rare cases stay out of the hottest loop.
//! `inline(always)` here and in `state.rs` is measured: each branch is compiled
//! into that loop with its constants.

use super::super::super::args::Args;
use super::super::super::event::{
    Event, EventKind, GoId, GoState, Metric, Slot, StackId, StateTransition, StringId, Time,
};
use super::super::super::sink::{NO_SLOT, Sink};
use super::super::epoch::Epoch;
use super::super::threads::Thread;
use super::super::wire;
use super::Order;
use super::state::{GoStatus, Goroutine, ProcStatus, Seq};

#[cfg(test)]
std::thread_local! {
    /// Leaves all events to the full model, for comparison in tests.
    pub static NEVER: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Whether tests switched the fast path off.
#[inline(always)]
pub(super) fn never() -> bool {
    #[cfg(test)]
    return NEVER.get();
    #[cfg(not(test))]
    false
}

impl Order {
    /// Accepts an event and writes it to `sink`. `None` means that nothing has changed and the full model must decide.
    #[inline(always)]
    pub(crate) fn take_fast(
        &mut self,
        t: &mut Thread,
        event_type: u8,
        args: &mut Args<'_>,
        Epoch { tables, generation }: Epoch<'_>,
        time: Time,
        sink: &mut impl Sink,
    ) -> Option<()> {
        if never() {
            return None;
        }
        // Called in each branch, where most fields are constants. The context is read late, to occupy no registers before.
        let mut write_by = |t: &Thread, kind, slot| {
            let event = Event {
                time,
                m: t.m,
                p: t.p,
                g: t.g,
                kind,
            };
            sink.write(event, slot);
        };
        let mut write = |t: &Thread, kind| write_by(t, kind, NO_SLOT);
        // A thread with a P or a goroutine is never `NONE`: no check of `m`.
        match event_type {
            wire::GO_START => {
                let id = GoId(args.next() as i64);
                let n = args.next();
                let (slot, g) = self.gs.find_fast(id)?;
                if !g.is_next(GoStatus::Runnable, generation, n) || !t.p.is_some() || t.g.is_some()
                {
                    return None;
                }
                g.status = GoStatus::Running;
                g.seq.n = n;
                let states = (GoState::Runnable, GoState::Running);
                write(t, plain(id, slot, states, StackId::NONE));
                (t.g, t.g_slot) = (id, slot);
            }
            wire::GO_UNBLOCK => {
                let id = GoId(args.next() as i64);
                let n = args.next();
                let stack = tables.dense_stack_id(args.next())?;
                let (slot, g) = self.gs.find_fast(id)?;
                if !g.is_next(GoStatus::Waiting, generation, n) {
                    return None;
                }
                g.status = GoStatus::Runnable;
                g.seq.n = n;
                let kind = EventKind::StateTransition(StateTransition::Goroutine {
                    id,
                    slot: Slot(slot),
                    from: GoState::Waiting,
                    to: GoState::Runnable,
                    reason: StringId::default(),
                    own_stack: StackId::NONE,
                    stack,
                });
                let known = self.gs.current_fast(t).is_some();
                write_by(t, kind, if known { t.g_slot } else { NO_SLOT });
            }
            wire::GO_BLOCK => {
                let reason = tables.dense_string_id(args.next())?;
                let stack = tables.dense_stack_id(args.next())?;
                let g = self.gs.run_by(t, GoStatus::Running)?;
                if !t.p.is_some() {
                    return None;
                }
                g.status = GoStatus::Waiting;
                write(t, stopped(t, GoState::Waiting, reason, stack));
                t.clear_g();
            }
            wire::GO_STOP => {
                let reason = tables.dense_string_id(args.next())?;
                let stack = tables.dense_stack_id(args.next())?;
                let g = self.gs.run_by(t, GoStatus::Running)?;
                if !t.p.is_some() {
                    return None;
                }
                g.status = GoStatus::Runnable;
                write(t, stopped(t, GoState::Runnable, reason, stack));
                t.clear_g();
            }
            wire::GO_CREATE => {
                let id = GoId(args.next() as i64);
                let own_stack = tables.dense_stack_id(args.next())?;
                let stack = tables.dense_stack_id(args.next())?;
                self.gs.run_by(t, GoStatus::Running)?;
                if !t.p.is_some() || self.gs.find(id).is_some() {
                    return None;
                }
                let seq = Seq { generation, n: 0 };
                let kind = EventKind::StateTransition(StateTransition::Goroutine {
                    id,
                    slot: Slot(self.gs.add(id, GoStatus::Runnable, seq)),
                    from: GoState::NotExist,
                    to: GoState::Runnable,
                    reason: StringId::default(),
                    own_stack,
                    stack,
                });
                write(t, kind);
            }
            wire::GO_DESTROY => {
                let g = self.gs.run_by(t, GoStatus::Running)?;
                if !t.p.is_some() || g.has_open_regions() {
                    return None;
                }
                self.gs.remove(t.g_slot);
                let states = (GoState::Running, GoState::NotExist);
                write(t, plain(t.g, t.g_slot, states, StackId::NONE));
                t.clear_g();
            }
            wire::HEAP_ALLOC if t.p.is_some() => {
                let kind = EventKind::Metric {
                    metric: Metric::HeapObjects,
                    value: args.next(),
                    stack: StackId::NONE,
                };
                write(t, kind);
            }
            wire::GO_SYSCALL_BEGIN => {
                let n = args.next();
                let stack = tables.dense_stack_id(args.next())?;
                let p = self.ps.slots.get_mut(t.p_slot as usize)?;
                let g = self.gs.run_by(t, GoStatus::Running)?;
                if p.seq.generation != generation || n != p.seq.n.wrapping_add(1) {
                    return None;
                }
                p.status = ProcStatus::Syscall;
                p.seq.n = n;
                g.status = GoStatus::Syscall;
                let states = (GoState::Running, GoState::Syscall);
                write(t, plain(t.g, t.g_slot, states, stack));
            }
            wire::GO_SYSCALL_END => {
                let p = self.ps.slots.get_mut(t.p_slot as usize)?;
                let g = self.gs.run_by(t, GoStatus::Syscall)?;
                if p.status != ProcStatus::Syscall {
                    return None;
                }
                p.status = ProcStatus::Running;
                g.status = GoStatus::Running;
                let states = (GoState::Syscall, GoState::Running);
                write(t, plain(t.g, t.g_slot, states, StackId::NONE));
            }
            _ => return None,
        }
        Some(())
    }
}

/// Transition of a running goroutine that stops.
#[inline(always)]
fn stopped(t: &Thread, to: GoState, reason: StringId, stack: StackId) -> EventKind {
    EventKind::StateTransition(StateTransition::Goroutine {
        id: t.g,
        slot: Slot(t.g_slot),
        from: GoState::Running,
        to,
        reason,
        own_stack: stack,
        stack,
    })
}

/// A transition without a reason.
#[inline(always)]
fn plain(id: GoId, slot: u32, (from, to): (GoState, GoState), stack: StackId) -> EventKind {
    StateTransition::goroutine((id, slot), from, to, stack, stack)
}

impl Goroutine {
    /// Whether it is in `status` and `n` is its next sequence number.
    #[inline(always)]
    fn is_next(&self, status: GoStatus, generation: u64, n: u64) -> bool {
        self.status == status
            && self.seq.generation == generation
            && n == self.seq.n.wrapping_add(1)
    }
}
