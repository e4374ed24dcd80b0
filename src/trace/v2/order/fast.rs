//! What busy programs do all the time, when nothing is out of the ordinary.
//!
//! Nine types of events are nearly all there are. Each has a branch here that
//! takes the event if all is as it should be, and else changes nothing: then
//! [`Order::advance`] is asked, which knows all that can happen. So the errors
//! and the rare cases stay out of the loop that most of the time is spent in.

use super::super::super::args::Args;
use super::super::super::event::{
    Event, GoId, GoState, Metric, Slot, StackId, StringId, Time, What,
};
use super::super::super::sink::Sink;
use super::super::super::tables::Tables;
use super::super::wire;
use super::state::{Goroutine, Seq, Thread, go, proc};
use super::{Model, Order};

/// The part of the order that one thread's ordinary events concern.
pub struct Fast<'a> {
    t: &'a mut Thread,
    model: &'a mut Model,
}

impl Order {
    /// For the ordinary events of one thread, whose turn it is.
    #[inline(always)]
    pub fn fast(&mut self, thread: u32) -> Fast<'_> {
        let t = &mut self.ms.slots[thread as usize];
        t.seen = true;
        Fast {
            t,
            model: &mut self.model,
        }
    }
}

impl Fast<'_> {
    /// Takes an event of type `kind` and writes it to `sink`. False changes
    /// nothing.
    #[inline(always)]
    pub fn take(
        &mut self,
        kind: u8,
        args: &mut Args<'_>,
        tables: &Tables,
        generation: u64,
        time: Time,
        sink: &mut impl Sink,
    ) -> bool {
        let Self { t, model } = self;
        let (m, p, g) = (t.m, t.p, t.g);
        if !m.is_some() {
            return false;
        }
        // Called in each branch: there it is known what has happened.
        let mut took = |what| {
            sink.write(Event {
                time,
                m,
                p,
                g,
                what,
            });
            true
        };
        match kind {
            wire::GO_START => {
                let id = GoId(args.next() as i64);
                let n = args.next();
                match model.gs.find_soon(id) {
                    Some((slot, g))
                        if g.is_next(go::RUNNABLE, generation, n)
                            && t.p.is_some()
                            && !t.g.is_some() =>
                    {
                        g.status = go::RUNNING;
                        g.seq.n = n;
                        t.set_g(id, slot);
                        let states = (GoState::Runnable, GoState::Running);
                        took(plain(id, slot, states, StackId::NONE))
                    }
                    _ => false,
                }
            }
            wire::GO_UNBLOCK => {
                let id = GoId(args.next() as i64);
                let n = args.next();
                let Some(stack) = tables.dense_stack_id(args.next()) else {
                    return false;
                };
                match model.gs.find_soon(id) {
                    Some((slot, g)) if g.is_next(go::WAITING, generation, n) => {
                        g.status = go::RUNNABLE;
                        g.seq.n = n;
                        let states = (GoState::Waiting, GoState::Runnable);
                        took(What::Goroutine {
                            id,
                            slot: Slot(slot),
                            from: states.0,
                            to: states.1,
                            reason: StringId::default(),
                            own_stack: StackId::NONE,
                            stack,
                        })
                    }
                    _ => false,
                }
            }
            wire::GO_BLOCK => {
                let reason = tables.dense_string_id(args.next());
                let stack = tables.dense_stack_id(args.next());
                match (model.gs.run_by(t, go::RUNNING), reason, stack) {
                    (Some(known), Some(reason), Some(stack)) if p.is_some() => {
                        known.status = go::WAITING;
                        let slot = t.g_slot;
                        t.clear_g();
                        took(stopped(g, slot, GoState::Waiting, reason, stack))
                    }
                    _ => false,
                }
            }
            wire::GO_STOP => {
                let reason = tables.dense_string_id(args.next());
                let stack = tables.dense_stack_id(args.next());
                match (model.gs.run_by(t, go::RUNNING), reason, stack) {
                    (Some(known), Some(reason), Some(stack)) if p.is_some() => {
                        known.status = go::RUNNABLE;
                        let slot = t.g_slot;
                        t.clear_g();
                        took(stopped(g, slot, GoState::Runnable, reason, stack))
                    }
                    _ => false,
                }
            }
            wire::GO_CREATE => {
                let id = GoId(args.next() as i64);
                let own = tables.dense_stack_id(args.next());
                let stack = tables.dense_stack_id(args.next());
                let running = model.gs.run_by(t, go::RUNNING).is_some();
                match (own, stack) {
                    (Some(own_stack), Some(stack))
                        if running && t.p.is_some() && model.gs.find(id).is_none() =>
                    {
                        let seq = Seq { generation, n: 0 };
                        took(What::Goroutine {
                            id,
                            slot: Slot(model.gs.add(id, go::RUNNABLE, seq)),
                            from: GoState::NotExist,
                            to: GoState::Runnable,
                            reason: StringId::default(),
                            own_stack,
                            stack,
                        })
                    }
                    _ => false,
                }
            }
            wire::GO_DESTROY => match model.gs.run_by(t, go::RUNNING) {
                Some(known) if p.is_some() && !known.has_open_regions() => {
                    let states = (GoState::Running, GoState::NotExist);
                    let slot = t.g_slot;
                    model.gs.remove(slot);
                    t.clear_g();
                    took(plain(g, slot, states, StackId::NONE))
                }
                _ => false,
            },
            wire::HEAP_ALLOC if t.p.is_some() => took(What::Metric {
                metric: Metric::HeapObjects,
                value: args.next(),
                stack: StackId::NONE,
            }),
            wire::GO_SYSCALL_BEGIN => {
                let n = args.next();
                let stack = tables.dense_stack_id(args.next());
                let proc = model.ps.slots.get_mut(t.p_slot as usize);
                match (model.gs.run_by(t, go::RUNNING), proc, stack) {
                    (Some(known), Some(proc), Some(stack))
                        if p.is_some()
                            && proc.seq.generation == generation
                            && n == proc.seq.n.wrapping_add(1) =>
                    {
                        proc.status = proc::SYSCALL;
                        proc.seq.n = n;
                        known.status = go::SYSCALL;
                        let states = (GoState::Running, GoState::Syscall);
                        took(plain(g, t.g_slot, states, stack))
                    }
                    _ => false,
                }
            }
            wire::GO_SYSCALL_END => {
                let proc = model.ps.slots.get_mut(t.p_slot as usize);
                match (model.gs.run_by(t, go::SYSCALL), proc) {
                    (Some(known), Some(proc)) if p.is_some() && proc.status == proc::SYSCALL => {
                        proc.status = proc::RUNNING;
                        known.status = go::RUNNING;
                        let states = (GoState::Syscall, GoState::Running);
                        took(plain(g, t.g_slot, states, StackId::NONE))
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }
}

/// The running goroutine stops.
#[inline(always)]
fn stopped(id: GoId, slot: u32, to: GoState, reason: StringId, stack: StackId) -> What {
    What::Goroutine {
        id,
        slot: Slot(slot),
        from: GoState::Running,
        to,
        reason,
        own_stack: stack,
        stack,
    }
}

/// A transition without a reason.
#[inline(always)]
fn plain(id: GoId, slot: u32, (from, to): (GoState, GoState), stack: StackId) -> What {
    What::Goroutine {
        id,
        slot: Slot(slot),
        from,
        to,
        reason: StringId::default(),
        own_stack: stack,
        stack,
    }
}

impl Goroutine {
    /// Whether it is in `status` and `n` is its next sequence number.
    #[inline(always)]
    fn is_next(&self, status: u8, generation: u64, n: u64) -> bool {
        self.status == status
            && self.seq.generation == generation
            && n == self.seq.n.wrapping_add(1)
    }
}
