//! Goroutines: created, started, stopped, blocked, in syscalls.

use super::super::super::event::{
    Event, EventKind, GoId, GoState, Slot, StackId, StateTransition, ThreadId,
};
use super::super::super::violation::Violation;
use super::super::threads::Threads;
use super::super::wire;
use super::state::{GoStatus, ProcStatus};
use super::{Order, Refusal, Step, Taken, Thread};

fn state_of(status: GoStatus) -> GoState {
    match status {
        GoStatus::Runnable => GoState::Runnable,
        GoStatus::Running => GoState::Running,
        GoStatus::Syscall => GoState::Syscall,
        GoStatus::Waiting => GoState::Waiting,
        GoStatus::Bad | GoStatus::Dead => GoState::Undetermined,
    }
}

impl Order {
    pub(super) fn go_start(&mut self, t: &mut Thread, mut step: Step<'_>) -> Taken {
        let id = GoId(step.arg(0) as i64);
        let seq = step.seq(1);
        let Some((slot, g)) = self.gs.find(id) else {
            return Err(Refusal::NotReady);
        };
        if g.status != GoStatus::Runnable || !seq.follows(g.seq) {
            return Err(Refusal::NotReady);
        }
        t.needs_m(wire::GO_START)?;
        t.needs_p(wire::GO_START)?;
        t.needs_no_g(wire::GO_START)?;
        g.status = GoStatus::Running;
        g.seq = seq;
        t.set_g(id, slot);
        step.take(StateTransition::bare(
            (id, slot),
            GoState::Runnable,
            GoState::Running,
        ))
    }

    pub(super) fn go_unblock(&mut self, mut step: Step<'_>) -> Taken {
        let id = GoId(step.arg(0) as i64);
        let seq = step.seq(1);
        let Some((slot, g)) = self.gs.find(id) else {
            return Err(Refusal::NotReady);
        };
        if g.status != GoStatus::Waiting || !seq.follows(g.seq) {
            return Err(Refusal::NotReady);
        }
        // Anything may unblock a goroutine, the runtime's monitor thread too:
        // the context is not checked.
        g.status = GoStatus::Runnable;
        g.seq = seq;
        let stack = step.stack(2)?;
        step.take(StateTransition::goroutine(
            (id, slot),
            GoState::Waiting,
            GoState::Runnable,
            StackId::NONE,
            stack,
        ))
    }

    /// The running goroutine yields or blocks.
    pub(super) fn go_stop(&mut self, t: &mut Thread, mut step: Step<'_>) -> Taken {
        let event = step.raw.kind;
        t.needs_all(event)?;
        let (slot, g) = self.gs.running(t, event, GoStatus::Running)?;
        let id = t.g;
        t.clear_g();
        let (status, to) = match event {
            wire::GO_STOP => (GoStatus::Runnable, GoState::Runnable),
            _ => (GoStatus::Waiting, GoState::Waiting),
        };
        g.status = status;
        let stack = step.stack(1)?;
        let reason = step.string(0)?;
        step.take(EventKind::StateTransition(StateTransition::Goroutine {
            id,
            slot: Slot(slot),
            from: GoState::Running,
            to,
            reason,
            own_stack: stack,
            stack,
        }))
    }

    pub(super) fn go_destroy(&mut self, t: &mut Thread, mut step: Step<'_>) -> Taken {
        let event = wire::GO_DESTROY;
        t.needs_all(event)?;
        let (slot, _) = self.gs.running(t, event, GoStatus::Running)?;
        let id = t.g;
        t.clear_g();
        self.end(slot);
        step.take(StateTransition::bare(
            (id, slot),
            GoState::Running,
            GoState::NotExist,
        ))
    }

    pub(super) fn go_create(&mut self, t: &Thread, mut step: Step<'_>) -> Taken {
        let event = step.raw.kind;
        t.needs_m(event)?;
        t.needs_p(event)?;
        // The creator may be the runtime itself; a goroutine must be running.
        if let Some(slot) = self.gs.current(t)
            && self.gs[slot].status != GoStatus::Running
        {
            let g = t.g;
            return Err(Violation::GoroutineState {
                event: wire::name(event),
                g,
            }
            .into());
        }
        let id = self.new_goroutine(&step)?;
        let (status, to) = match event {
            wire::GO_CREATE => (GoStatus::Runnable, GoState::Runnable),
            _ => (GoStatus::Waiting, GoState::Waiting),
        };
        let slot = self.gs.add(id, status, step.seq_reset());
        let stack = step.stack(2)?;
        let own = step.stack(1)?;
        step.take(StateTransition::goroutine(
            (id, slot),
            GoState::NotExist,
            to,
            own,
            stack,
        ))
    }

    fn new_goroutine(&mut self, step: &Step<'_>) -> Result<GoId, Violation> {
        let id = GoId(step.arg(0) as i64);
        match self.gs.find(id) {
            Some(_) => Err(Violation::GoroutineExists { g: id }),
            None => Ok(id),
        }
    }

    /// A coroutine switch: the next goroutine is unblocked, the current one
    /// blocks or ends, the next one runs.
    pub(super) fn go_switch(&mut self, t: &mut Thread, mut step: Step<'_>) -> Taken {
        let event = step.raw.kind;
        t.needs_all(event)?;
        let (current, _) = self.gs.running(t, event, GoStatus::Running)?;
        let next_id = GoId(step.arg(0) as i64);
        let seq = step.seq(1);
        let Some((next, g)) = self.gs.find(next_id) else {
            return Err(Refusal::NotReady);
        };
        if g.status != GoStatus::Waiting || !seq.follows(g.seq) {
            return Err(Refusal::NotReady);
        }
        let id = t.g;
        let to = if event == wire::GO_SWITCH {
            self.gs[current].status = GoStatus::Waiting;
            GoState::Waiting
        } else {
            self.end(current);
            GoState::NotExist
        };
        self.gs[next].status = GoStatus::Running;
        self.gs[next].seq = seq;
        t.set_g(next_id, next);

        let start = StateTransition::bare((next_id, next), GoState::Runnable, GoState::Running);
        self.also([
            Some(Event {
                g: GoId::NONE,
                ..step.also(start)
            }),
            Some(step.also(StateTransition::bare((id, current), GoState::Running, to))),
        ]);
        step.take(StateTransition::bare(
            (next_id, next),
            GoState::Waiting,
            GoState::Runnable,
        ))
    }

    pub(super) fn go_syscall_begin(&mut self, t: &Thread, mut step: Step<'_>) -> Taken {
        let event = wire::GO_SYSCALL_BEGIN;
        t.needs_all(event)?;
        let (slot, g) = self.gs.running(t, event, GoStatus::Running)?;
        let p = &mut self.ps.slots[t.p_slot as usize];
        // The P's sequence number makes clear which syscall a later theft of
        // the P interrupts, whatever the clocks say.
        let seq = step.seq(0);
        if !seq.follows(p.seq) {
            return Err(Violation::Sequence {
                event: wire::name(event),
                p: p.id,
            }
            .into());
        }
        p.status = ProcStatus::Syscall;
        p.seq = seq;
        g.status = GoStatus::Syscall;
        let stack = step.stack(1)?;
        step.take(StateTransition::goroutine(
            (t.g, slot),
            GoState::Running,
            GoState::Syscall,
            stack,
            stack,
        ))
    }

    pub(super) fn go_syscall_end(&mut self, t: &Thread, mut step: Step<'_>) -> Taken {
        let event = wire::GO_SYSCALL_END;
        t.needs_all(event)?;
        let (slot, g) = self.gs.running(t, event, GoStatus::Syscall)?;
        let p = &mut self.ps.slots[t.p_slot as usize];
        if p.status != ProcStatus::Syscall {
            return Err(Violation::ProcState {
                event: wire::name(event),
                p: p.id,
            }
            .into());
        }
        p.status = ProcStatus::Running;
        g.status = GoStatus::Running;
        step.take(StateTransition::bare(
            (t.g, slot),
            GoState::Syscall,
            GoState::Running,
        ))
    }

    pub(super) fn go_syscall_end_blocked(&mut self, t: &mut Thread, mut step: Step<'_>) -> Taken {
        let event = wire::GO_SYSCALL_END_BLOCKED;
        // The event says that the P was lost during the syscall: until that
        // has happened it must wait. A new P may have been found since.
        if t.p.is_some() {
            let p = &self.ps.slots[t.p_slot as usize];
            if p.status == ProcStatus::Syscall {
                return Err(Refusal::NotReady);
            }
        }
        t.needs_m(event)?;
        t.needs_g(event)?;
        let (slot, g) = self.gs.running(t, event, GoStatus::Syscall)?;
        g.status = GoStatus::Runnable;
        let id = t.g;
        t.clear_g();
        step.take(StateTransition::bare(
            (id, slot),
            GoState::Syscall,
            GoState::Runnable,
        ))
    }

    /// A C thread calls into Go.
    pub(super) fn go_create_syscall(&mut self, t: &mut Thread, mut step: Step<'_>) -> Taken {
        let event = wire::GO_CREATE_SYSCALL;
        t.needs_m(event)?;
        t.needs_no_g(event)?;
        let id = self.new_goroutine(&step)?;
        let slot = self.gs.add(id, GoStatus::Syscall, step.seq_reset());
        t.set_g(id, slot);
        step.take(StateTransition::bare(
            (id, slot),
            GoState::NotExist,
            GoState::Syscall,
        ))
    }

    /// A C thread's call into Go is over.
    pub(super) fn go_destroy_syscall(&mut self, t: &mut Thread, mut step: Step<'_>) -> Taken {
        let event = wire::GO_DESTROY_SYSCALL;
        t.needs_m(event)?;
        t.needs_g(event)?;
        let (slot, _) = self.gs.running(t, event, GoStatus::Syscall)?;
        self.end(slot);
        let ended = StateTransition::bare((t.g, slot), GoState::Syscall, GoState::NotExist);
        t.clear_g();
        if !t.p.is_some() {
            return step.take(ended);
        }
        // The thread's number may be used again at once, so the P is taken
        // from it here rather than when it is really stolen.
        let p = &mut self.ps.slots[t.p_slot as usize];
        if p.status != ProcStatus::Syscall {
            return Err(Violation::ProcState {
                event: wire::name(event),
                p: p.id,
            }
            .into());
        }
        p.status = ProcStatus::SyscallAbandoned;
        let id = t.p;
        t.clear_p();
        self.also([Some(step.also(ended)), None]);
        step.take(super::proc::released(id))
    }

    pub(super) fn go_status(
        &mut self,
        threads: &mut Threads,
        t: &mut Thread,
        mut step: Step<'_>,
    ) -> Taken {
        let id = GoId(step.arg(0) as i64);
        let m = ThreadId(step.arg(1) as i64);
        // Go reads the status as a byte.
        let Some(status) = GoStatus::from_wire(step.arg(2) as u8) else {
            let status = step.arg(2);
            return Err(Violation::InvalidStatus { status }.into());
        };
        let to = state_of(status);
        let first = self.in_first_generation(&step);
        let (slot, from) = match self.gs.find(id) {
            Some((slot, g)) => {
                if g.status != status {
                    let event = step.raw.kind;
                    return Err(Violation::GoroutineState {
                        event: wire::name(event),
                        g: id,
                    }
                    .into());
                }
                g.seq = step.seq_reset();
                (slot, to)
            }
            None if first => (
                self.gs.add(id, status, step.seq_reset()),
                GoState::Undetermined,
            ),
            None => return Err(Violation::GoroutineFromNowhere { g: id }.into()),
        };
        match status {
            GoStatus::Running => t.set_g(id, slot),
            GoStatus::Syscall => self.status_in_syscall(threads, t, &mut step, m, id, slot)?,
            _ => {}
        }
        let stack = match step.raw.kind {
            wire::GO_STATUS_STACK => step.stack(3)?,
            _ => StackId::NONE,
        };
        step.take(StateTransition::goroutine(
            (id, slot),
            from,
            to,
            stack,
            stack,
        ))
    }

    /// Binds a goroutine in a syscall to its thread, which need not be the one
    /// that wrote the event.
    fn status_in_syscall(
        &mut self,
        threads: &mut Threads,
        t: &mut Thread,
        step: &mut Step<'_>,
        m: ThreadId,
        id: GoId,
        slot: u32,
    ) -> Taken {
        let mismatch = Violation::ThreadMismatch { g: id, m };
        if !m.is_some() {
            return Err(mismatch.into());
        }
        if m == t.m {
            // After the first generation the binding must be known already.
            if !self.in_first_generation(step) && t.g != id {
                return Err(mismatch.into());
            }
            t.set_g(id, slot);
            return Ok(());
        }
        // It sat in the syscall for the whole generation, on a thread without
        // a P that writes nothing; the event is put into that context.
        match threads.find_seen(m) {
            Some(other) => {
                if threads[other].thread.g != id {
                    return Err(mismatch.into());
                }
                step.out.g = id;
            }
            None => {
                let other = threads.slot(m);
                let other = &mut threads[other].thread;
                other.seen = true;
                other.set_g(id, slot);
                other.clear_p();
            }
        }
        step.out.m = m;
        Ok(())
    }
}
