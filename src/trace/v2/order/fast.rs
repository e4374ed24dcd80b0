//! What busy programs do all the time, when nothing is out of the ordinary.
//!
//! Nine types of events are nearly all there are. Each has a branch here that
//! takes the event if all is as it should be, and else changes nothing: then
//! [`Order::advance`] is asked, which knows all that can happen. So the errors
//! and the rare cases stay out of the loop that most of the time is spent in.

use super::super::super::args::Args;
use super::super::super::event::{Event, GoId, GoState, Metric, Slot, StackId, StringId, What};
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
    /// For the ordinary events of one thread.
    #[inline(always)]
    pub fn fast(&mut self, thread: u32) -> Fast<'_> {
        Fast {
            t: &mut self.ms.slots[thread as usize],
            model: &mut self.model,
        }
    }
}

impl Fast<'_> {
    /// Takes an event of type `kind` and writes it to `out`, but for its time.
    /// False changes nothing.
    #[inline(always)]
    pub fn take(
        &mut self,
        kind: u8,
        args: &mut Args<'_>,
        tables: &Tables,
        generation: u64,
        out: &mut Event,
    ) -> bool {
        let Self { t, model } = self;
        (out.m, out.p, out.g) = (t.m, t.p, t.g);
        if !t.m.is_some() {
            return false;
        }
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
                        out.what = plain(id, slot, states, StackId::NONE);
                        true
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
                        out.what = What::Goroutine {
                            id,
                            slot: Slot(slot),
                            from: states.0,
                            to: states.1,
                            reason: StringId::default(),
                            own_stack: StackId::NONE,
                            stack,
                        };
                        true
                    }
                    _ => false,
                }
            }
            wire::GO_BLOCK | wire::GO_STOP => {
                let reason = tables.dense_string_id(args.next());
                let stack = tables.dense_stack_id(args.next());
                let (status, to) = match kind {
                    wire::GO_STOP => (go::RUNNABLE, GoState::Runnable),
                    _ => (go::WAITING, GoState::Waiting),
                };
                match (model.gs.run_by(t, go::RUNNING), reason, stack) {
                    (Some(g), Some(reason), Some(stack)) if t.p.is_some() => {
                        g.status = status;
                        out.what = What::Goroutine {
                            id: t.g,
                            slot: Slot(t.g_slot),
                            from: GoState::Running,
                            to,
                            reason,
                            own_stack: stack,
                            stack,
                        };
                        t.clear_g();
                        true
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
                        out.what = What::Goroutine {
                            id,
                            slot: Slot(model.gs.add(id, go::RUNNABLE, seq)),
                            from: GoState::NotExist,
                            to: GoState::Runnable,
                            reason: StringId::default(),
                            own_stack,
                            stack,
                        };
                        true
                    }
                    _ => false,
                }
            }
            wire::GO_DESTROY => match model.gs.run_by(t, go::RUNNING) {
                Some(g) if t.p.is_some() && !g.has_open_regions() => {
                    let states = (GoState::Running, GoState::NotExist);
                    out.what = plain(t.g, t.g_slot, states, StackId::NONE);
                    model.gs.remove(t.g_slot);
                    t.clear_g();
                    true
                }
                _ => false,
            },
            wire::HEAP_ALLOC if t.p.is_some() => {
                out.what = What::Metric {
                    metric: Metric::HeapObjects,
                    value: args.next(),
                    stack: StackId::NONE,
                };
                true
            }
            wire::GO_SYSCALL_BEGIN => {
                let n = args.next();
                let stack = tables.dense_stack_id(args.next());
                let p = model.ps.slots.get_mut(t.p_slot as usize);
                match (model.gs.run_by(t, go::RUNNING), p, stack) {
                    (Some(g), Some(p), Some(stack))
                        if t.p.is_some()
                            && p.seq.generation == generation
                            && n == p.seq.n.wrapping_add(1) =>
                    {
                        p.status = proc::SYSCALL;
                        p.seq.n = n;
                        g.status = go::SYSCALL;
                        let states = (GoState::Running, GoState::Syscall);
                        out.what = plain(t.g, t.g_slot, states, stack);
                        true
                    }
                    _ => false,
                }
            }
            wire::GO_SYSCALL_END => {
                let p = model.ps.slots.get_mut(t.p_slot as usize);
                match (model.gs.run_by(t, go::SYSCALL), p) {
                    (Some(g), Some(p)) if t.p.is_some() && p.status == proc::SYSCALL => {
                        p.status = proc::RUNNING;
                        g.status = go::RUNNING;
                        let states = (GoState::Syscall, GoState::Running);
                        out.what = plain(t.g, t.g_slot, states, StackId::NONE);
                        true
                    }
                    _ => false,
                }
            }
            _ => false,
        }
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
