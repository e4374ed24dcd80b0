//! Goroutines: created, started, stopped, blocked, in syscalls.

use super::super::super::event::{Event, GoId, GoState, Slot, StackId, StringId, ThreadId, What};
use super::super::violation::Violation;
use super::super::wire;
use super::state::{go, proc};
use super::{Fault, Model, Order, Step, Taken, Thread};

/// A transition, with nothing but the states.
fn transition(g: (GoId, u32), from: GoState, to: GoState) -> What {
    with_stacks(g, from, to, StackId::NONE, StackId::NONE)
}

fn with_stacks(
    (id, slot): (GoId, u32),
    from: GoState,
    to: GoState,
    own: StackId,
    stack: StackId,
) -> What {
    What::Goroutine {
        id,
        slot: Slot(slot),
        from,
        to,
        reason: StringId::default(),
        own_stack: own,
        stack,
    }
}

fn state_of(status: u8) -> GoState {
    match status {
        go::RUNNABLE => GoState::Runnable,
        go::RUNNING => GoState::Running,
        go::SYSCALL => GoState::Syscall,
        go::WAITING => GoState::Waiting,
        _ => GoState::Undetermined,
    }
}

impl Model {
    /// The slot of the goroutine that the thread runs.
    #[inline]
    pub(super) fn current(&self, t: &Thread, event: u8) -> Result<u32, Violation> {
        let g = t.g.0;
        let slot = self.gs.current(t);
        slot.ok_or(Violation::UnknownGoroutine { event, g })
    }

    /// The slot of the running goroutine, which must be in `status`.
    #[inline]
    fn running(&self, t: &Thread, event: u8, status: u8) -> Result<u32, Violation> {
        let slot = self.current(t, event)?;
        if self.gs[slot].status != status {
            let g = t.g.0;
            return Err(Violation::GoroutineState { event, g });
        }
        Ok(slot)
    }

    #[inline]
    pub(super) fn go_start(&mut self, t: &mut Thread, step: &mut Step<'_>) -> Taken {
        let id = GoId(step.arg(0) as i64);
        let seq = step.seq(1);
        let Some(slot) = self.gs.find(id) else {
            return Ok(false);
        };
        let g = &mut self.gs[slot];
        if g.status != go::RUNNABLE || !seq.follows(g.seq) {
            return Ok(false);
        }
        t.needs_m(wire::GO_START)?;
        t.needs_p(wire::GO_START)?;
        t.needs_no_g(wire::GO_START)?;
        g.status = go::RUNNING;
        g.seq = seq;
        t.set_g(id, slot);
        step.take(transition((id, slot), GoState::Runnable, GoState::Running))
    }

    #[inline]
    pub(super) fn go_unblock(&mut self, step: &mut Step<'_>) -> Taken {
        let id = GoId(step.arg(0) as i64);
        let seq = step.seq(1);
        let Some(slot) = self.gs.find(id) else {
            return Ok(false);
        };
        let g = &mut self.gs[slot];
        if g.status != go::WAITING || !seq.follows(g.seq) {
            return Ok(false);
        }
        // Anything may unblock a goroutine, the runtime's monitor thread too:
        // the context is not checked.
        g.status = go::RUNNABLE;
        g.seq = seq;
        let stack = step.stack(2)?;
        step.take(with_stacks(
            (id, slot),
            GoState::Waiting,
            GoState::Runnable,
            StackId::NONE,
            stack,
        ))
    }

    /// The running goroutine ends, yields or blocks.
    #[inline]
    pub(super) fn go_stop(&mut self, t: &mut Thread, step: &mut Step<'_>) -> Taken {
        let event = step.raw.kind;
        t.needs_all(event)?;
        let slot = self.running(t, event, go::RUNNING)?;
        let id = t.g;
        t.clear_g();
        let to = match event {
            wire::GO_DESTROY => {
                self.gs.remove(slot);
                return step.take(transition((id, slot), GoState::Running, GoState::NotExist));
            }
            wire::GO_STOP => {
                self.gs[slot].status = go::RUNNABLE;
                GoState::Runnable
            }
            _ => {
                self.gs[slot].status = go::WAITING;
                GoState::Waiting
            }
        };
        let stack = step.stack(1)?;
        step.take(What::Goroutine {
            id,
            slot: Slot(slot),
            from: GoState::Running,
            to,
            reason: step.string(0)?,
            own_stack: stack,
            stack,
        })
    }

    pub(super) fn go_create(&mut self, t: &Thread, step: &mut Step<'_>) -> Taken {
        let event = step.raw.kind;
        t.needs_m(event)?;
        t.needs_p(event)?;
        // The creator may be the runtime itself; a goroutine must be running.
        if let Some(slot) = self.gs.current(t)
            && self.gs[slot].status != go::RUNNING
        {
            let g = t.g.0;
            return Err(Violation::GoroutineState { event, g }.into());
        }
        let id = self.new_goroutine(step)?;
        let (status, to) = match event {
            wire::GO_CREATE => (go::RUNNABLE, GoState::Runnable),
            _ => (go::WAITING, GoState::Waiting),
        };
        let slot = self.gs.add(id, status, step.seq_reset());
        let stack = step.stack(2)?;
        let own = step.stack(1)?;
        step.take(with_stacks((id, slot), GoState::NotExist, to, own, stack))
    }

    fn new_goroutine(&self, step: &mut Step<'_>) -> Result<GoId, Violation> {
        let id = GoId(step.arg(0) as i64);
        match self.gs.find(id) {
            Some(_) => Err(Violation::GoroutineExists { g: id.0 }),
            None => Ok(id),
        }
    }

    /// A coroutine switch: the next goroutine is unblocked, the current one
    /// blocks or ends, the next one runs.
    pub(super) fn go_switch(&mut self, t: &mut Thread, step: &mut Step<'_>) -> Taken {
        let event = step.raw.kind;
        t.needs_all(event)?;
        let current = self.running(t, event, go::RUNNING)?;
        let next_id = GoId(step.arg(0) as i64);
        let seq = step.seq(1);
        let Some(next) = self.gs.find(next_id) else {
            return Ok(false);
        };
        if self.gs[next].status != go::WAITING || !seq.follows(self.gs[next].seq) {
            return Ok(false);
        }
        let id = t.g;
        let to = if event == wire::GO_SWITCH {
            self.gs[current].status = go::WAITING;
            GoState::Waiting
        } else {
            self.gs.remove(current);
            GoState::NotExist
        };
        self.gs[next].status = go::RUNNING;
        self.gs[next].seq = seq;
        t.set_g(next_id, next);

        let start = transition((next_id, next), GoState::Runnable, GoState::Running);
        self.also([
            Some(Event {
                g: GoId::NONE,
                ..step.also(start)
            }),
            Some(step.also(transition((id, current), GoState::Running, to))),
        ]);
        step.take(transition(
            (next_id, next),
            GoState::Waiting,
            GoState::Runnable,
        ))
    }

    pub(super) fn go_syscall_begin(&mut self, t: &Thread, step: &mut Step<'_>) -> Taken {
        let event = wire::GO_SYSCALL_BEGIN;
        t.needs_all(event)?;
        let slot = self.running(t, event, go::RUNNING)?;
        let p = &mut self.ps.slots[t.p_slot as usize];
        // The P's sequence number makes clear which syscall a later theft of
        // the P interrupts, whatever the clocks say.
        let seq = step.seq(0);
        if !seq.follows(p.seq) {
            return Err(Violation::Sequence { event, p: p.id.0 }.into());
        }
        p.status = proc::SYSCALL;
        p.seq = seq;
        self.gs[slot].status = go::SYSCALL;
        let stack = step.stack(1)?;
        step.take(with_stacks(
            (t.g, slot),
            GoState::Running,
            GoState::Syscall,
            stack,
            stack,
        ))
    }

    pub(super) fn go_syscall_end(&mut self, t: &Thread, step: &mut Step<'_>) -> Taken {
        let event = wire::GO_SYSCALL_END;
        t.needs_all(event)?;
        let slot = self.running(t, event, go::SYSCALL)?;
        let p = &mut self.ps.slots[t.p_slot as usize];
        if p.status != proc::SYSCALL {
            return Err(Violation::ProcState { event, p: p.id.0 }.into());
        }
        p.status = proc::RUNNING;
        self.gs[slot].status = go::RUNNING;
        step.take(transition((t.g, slot), GoState::Syscall, GoState::Running))
    }

    pub(super) fn go_syscall_end_blocked(&mut self, t: &mut Thread, step: &mut Step<'_>) -> Taken {
        let event = wire::GO_SYSCALL_END_BLOCKED;
        // The event says that the P was lost during the syscall: until that
        // has happened it must wait. A new P may have been found since.
        if t.p.is_some() {
            let p = &self.ps.slots[t.p_slot as usize];
            if p.status == proc::SYSCALL {
                return Ok(false);
            }
        }
        t.needs_m(event)?;
        t.needs_g(event)?;
        let slot = self.running(t, event, go::SYSCALL)?;
        self.gs[slot].status = go::RUNNABLE;
        let id = t.g;
        t.clear_g();
        step.take(transition((id, slot), GoState::Syscall, GoState::Runnable))
    }

    /// A C thread calls into Go.
    pub(super) fn go_create_syscall(&mut self, t: &mut Thread, step: &mut Step<'_>) -> Taken {
        let event = wire::GO_CREATE_SYSCALL;
        t.needs_m(event)?;
        t.needs_no_g(event)?;
        let id = self.new_goroutine(step)?;
        let slot = self.gs.add(id, go::SYSCALL, step.seq_reset());
        t.set_g(id, slot);
        step.take(transition((id, slot), GoState::NotExist, GoState::Syscall))
    }

    /// A C thread's call into Go is over.
    pub(super) fn go_destroy_syscall(&mut self, t: &mut Thread, step: &mut Step<'_>) -> Taken {
        let event = wire::GO_DESTROY_SYSCALL;
        t.needs_m(event)?;
        t.needs_g(event)?;
        let slot = self.running(t, event, go::SYSCALL)?;
        self.gs.remove(slot);
        let ended = transition((t.g, slot), GoState::Syscall, GoState::NotExist);
        t.clear_g();
        if !t.p.is_some() {
            return step.take(ended);
        }
        // The thread's number may be used again at once, so the P is taken
        // from it here rather than when it is really stolen.
        let p = &mut self.ps.slots[t.p_slot as usize];
        if p.status != proc::SYSCALL {
            return Err(Violation::ProcState { event, p: p.id.0 }.into());
        }
        p.status = proc::SYSCALL_ABANDONED;
        let id = t.p;
        t.clear_p();
        self.also([Some(step.also(ended)), None]);
        step.take(super::proc::released(id))
    }
}

impl Order {
    pub(super) fn go_status(&mut self, t: &mut Thread, step: &mut Step<'_>) -> Taken {
        let id = GoId(step.arg(0) as i64);
        let m = ThreadId(step.arg(1) as i64);
        // Go reads the status as a byte.
        let status = step.arg(2) as u8;
        if status >= go::COUNT {
            let status = step.arg(2);
            return Err(Violation::InvalidStatus { status }.into());
        }
        let to = state_of(status);
        let (slot, from) = match self.model.gs.find(id) {
            Some(slot) => {
                let g = &mut self.model.gs[slot];
                if g.status != status {
                    let event = step.raw.kind;
                    return Err(Violation::GoroutineState { event, g: id.0 }.into());
                }
                g.seq = step.seq_reset();
                (slot, to)
            }
            None if self.model.in_first_generation(step) => (
                self.model.gs.add(id, status, step.seq_reset()),
                GoState::Undetermined,
            ),
            None => return Err(Violation::GoroutineFromNowhere { g: id.0 }.into()),
        };
        match status {
            go::RUNNING => t.set_g(id, slot),
            go::SYSCALL => self.status_in_syscall(t, step, m, id, slot)?,
            _ => {}
        }
        let stack = match step.raw.kind {
            wire::GO_STATUS_STACK => step.stack(3)?,
            _ => StackId::NONE,
        };
        step.take(with_stacks((id, slot), from, to, stack, stack))
    }

    /// Binds a goroutine in a syscall to its thread, which need not be the one
    /// that wrote the event.
    fn status_in_syscall(
        &mut self,
        t: &mut Thread,
        step: &mut Step<'_>,
        m: ThreadId,
        id: GoId,
        slot: u32,
    ) -> Result<(), Box<Fault>> {
        let mismatch = Violation::ThreadMismatch { g: id.0, m: m.0 };
        if !m.is_some() {
            return Err(mismatch.into());
        }
        if m == t.m {
            // After the first generation the binding must be known already.
            if !self.model.in_first_generation(step) && t.g != id {
                return Err(mismatch.into());
            }
            t.set_g(id, slot);
            return Ok(());
        }
        // It sat in the syscall for the whole generation, on a thread without
        // a P that writes nothing; the event is put into that context.
        match self.ms.find_seen(m) {
            Some(other) => {
                if self.ms.slots[other as usize].g != id {
                    return Err(mismatch.into());
                }
                step.out.g = id;
            }
            None => {
                let other = self.ms.slot(m);
                let other = &mut self.ms.slots[other as usize];
                other.seen = true;
                other.set_g(id, slot);
                other.clear_p();
            }
        }
        step.out.m = m;
        Ok(())
    }
}
