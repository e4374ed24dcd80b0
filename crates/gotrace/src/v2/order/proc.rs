//! Ps: started, stopped, stolen.

use super::super::super::event::{EventKind, ProcId, ProcState, StateTransition, ThreadId};
use super::super::super::violation::Violation;
use super::super::threads::Threads;
use super::super::wire;
use super::state::{Proc, ProcStatus};
use super::{Order, Refusal, Step, Taken, Thread};

fn transition(id: ProcId, from: ProcState, to: ProcState) -> EventKind {
    EventKind::StateTransition(StateTransition::Proc { id, from, to })
}

/// A P is let go by the thread that held it.
pub(super) fn released(id: ProcId) -> EventKind {
    transition(id, ProcState::Running, ProcState::Idle)
}

fn state_of(status: ProcStatus) -> ProcState {
    match status {
        // The thread of a P in a syscall holds the P until it is stolen.
        ProcStatus::Running | ProcStatus::Syscall => ProcState::Running,
        ProcStatus::Idle | ProcStatus::SyscallAbandoned => ProcState::Idle,
        ProcStatus::Bad => ProcState::Undetermined,
    }
}

impl Order {
    pub(super) fn proc_start(&mut self, t: &mut Thread, mut step: Step<'_>) -> Taken {
        let id = ProcId(step.arg(0) as i64);
        let seq = step.seq(1);
        let Some(slot) = self.ps.find(id) else {
            return Err(Refusal::NotReady);
        };
        let p = &mut self.ps.slots[slot as usize];
        // A thread that still holds a P in a syscall has yet to lose it.
        if p.status != ProcStatus::Idle || !seq.follows(p.seq) || t.p.is_some() {
            return Err(Refusal::NotReady);
        }
        t.needs_m(wire::PROC_START)?;
        p.status = ProcStatus::Running;
        p.seq = seq;
        p.holder = t.slot;
        t.set_p(id, slot);
        step.take(transition(id, ProcState::Idle, ProcState::Running))
    }

    pub(super) fn proc_stop(&mut self, t: &mut Thread, mut step: Step<'_>) -> Taken {
        let event = wire::PROC_STOP;
        t.needs_m(event)?;
        t.needs_p(event)?;
        let p = &mut self.ps.slots[t.p_slot as usize];
        if p.status != ProcStatus::Running && p.status != ProcStatus::Syscall {
            return Err(Violation::ProcState {
                event: wire::name(event),
                p: p.id,
            }
            .into());
        }
        p.status = ProcStatus::Idle;
        let id = t.p;
        t.clear_p();
        step.take(released(id))
    }

    pub(super) fn proc_steal(
        &mut self,
        threads: &mut Threads,
        t: &mut Thread,
        mut step: Step<'_>,
    ) -> Taken {
        let id = ProcId(step.arg(0) as i64);
        let seq = step.seq(1);
        let Some(slot) = self.ps.find(id) else {
            return Err(Refusal::NotReady);
        };
        let p = &mut self.ps.slots[slot as usize];
        let abandoned = p.status == ProcStatus::SyscallAbandoned;
        if !(abandoned || p.status == ProcStatus::Syscall) || !seq.follows(p.seq) {
            return Err(Refusal::NotReady);
        }
        t.needs_m(wire::PROC_STEAL)?;
        p.status = ProcStatus::Idle;
        p.seq = seq;
        if abandoned {
            // Its thread is not known, and to the outside it was idle already.
            return step.take(transition(id, ProcState::Idle, ProcState::Idle));
        }
        let m = ThreadId(step.arg(2) as i64);
        let not_held = Violation::NotHeld { p: id, m };
        if m == t.m {
            if t.p != id {
                return Err(not_held.into());
            }
            t.clear_p();
            return step.take(released(id));
        }
        let victim = threads.find_seen(m).ok_or(not_held)?;
        let victim = &mut threads[victim].thread;
        if victim.p != id {
            return Err(not_held.into());
        }
        // Only now can the victim's end of its syscall be taken.
        victim.clear_p();
        step.take(released(id))
    }

    pub(super) fn proc_status(
        &mut self,
        threads: &mut Threads,
        t: &mut Thread,
        mut step: Step<'_>,
    ) -> Taken {
        let id = ProcId(step.arg(0) as i64);
        let Some(status) = ProcStatus::from_wire(step.arg(1)) else {
            let status = step.arg(1);
            return Err(Violation::InvalidStatus { status }.into());
        };
        let (mut from, mut to) = (state_of(status), state_of(status));
        let slot = match self.ps.find(id) {
            Some(slot) => {
                let p = &mut self.ps.slots[slot as usize];
                if status == ProcStatus::SyscallAbandoned && p.status == ProcStatus::Syscall {
                    // The P is about to be stolen, and this event says from
                    // which thread.
                    (from, to) = (ProcState::Running, ProcState::Running);
                } else if p.status != status {
                    let event = wire::PROC_STATUS;
                    return Err(Violation::ProcState {
                        event: wire::name(event),
                        p: id,
                    }
                    .into());
                }
                p.seq = step.seq_reset();
                slot
            }
            None => {
                from = if self.in_first_generation(&step) {
                    ProcState::Undetermined
                } else {
                    ProcState::NotExist
                };
                self.ps.add(Proc {
                    id,
                    seq: step.seq_reset(),
                    status,
                    sweeping: false,
                    holder: t.slot,
                })
            }
        };
        if status == ProcStatus::Running || status == ProcStatus::Syscall {
            self.ps.slots[slot as usize].holder = t.slot;
            t.set_p(id, slot);
        }
        if status == ProcStatus::SyscallAbandoned && from == ProcState::Running {
            // Written by another thread: put the event where the P is held.
            let holder = self.ps.slots[slot as usize].holder;
            let holder = &threads[holder].thread;
            if holder.p != id {
                let m = t.m;
                return Err(Violation::NotHeld { p: id, m }.into());
            }
            (step.out.m, step.out.p, step.out.g) = (holder.m, holder.p, holder.g);
        }
        step.take(transition(id, from, to))
    }
}
