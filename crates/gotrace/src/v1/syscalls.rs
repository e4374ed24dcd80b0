//! Goroutines leave syscalls.

use super::super::event::{Event, EventKind, GoId, GoState, StateTransition, ThreadId, Time};
use super::super::violation::Violation;
use super::exits::{self, Exit};
use super::model::{Model, SYSCALL_P};
use super::state::Status;
use super::step::{Change, Refusal, Result, Step, Taken};
use super::wire;

impl Model {
    /// A P says that a goroutine left a syscall.
    pub(super) fn exit_syscall(&mut self, step: Step<'_, '_>) -> Result<Taken> {
        let kind = step.next.kind;
        let id = GoId(step.args.next() as i64);
        let Some((slot, g)) = self.gs.find(id) else {
            return Err(Refusal::NotReady);
        };
        if g.awaited {
            self.change = Some(Change::Step(slot));
        }
        let local = kind == wire::GO_SYSEXIT_LOCAL;
        let in_turn = local || step.args.next() == g.seq;
        if g.order != Status::Waiting || !in_turn {
            return Err(Refusal::NotReady);
        }
        g.order = Status::Runnable;
        g.seq = g.seq.wrapping_add(1);
        let time = step.args.next() as i64;
        if !local && time != 0 && (g.blocked == 0 || time < g.blocked) {
            let g = id;
            return Err(Violation::GoroutineState {
                event: wire::name(kind),
                g,
            }
            .into());
        }
        if !local && exits::is_displaced(time, step.next.time) {
            return Ok(Taken::Nothing);
        }
        self.exited(id, kind, step.time, step.out)
    }

    /// Ends a syscall of a goroutine, at the time that the event carries.
    pub(super) fn exit(&mut self, exit: Exit, time: Time, out: &mut Event) -> Result<Taken> {
        self.exited(exit.g, wire::GO_SYSEXIT, time, out)
    }

    fn exited(&mut self, id: GoId, kind: u8, time: Time, out: &mut Event) -> Result<Taken> {
        let Some((slot, g)) = self.gs.find(id) else {
            let g = id;
            return Err(Violation::UnknownGoroutine {
                event: wire::name(kind),
                g,
            }
            .into());
        };
        g.must_be(Status::Waiting, kind)?;
        g.status = Status::Runnable;
        g.network = false;
        *out = Event {
            time,
            m: ThreadId::NONE,
            p: SYSCALL_P,
            g: id,
            kind: StateTransition::bare((id, slot), GoState::Syscall, GoState::Runnable),
        };
        Ok(Taken::Event)
    }

    /// The end of the syscall that `begun` says began, if it did not block: it
    /// ended at once.
    pub(super) fn end_syscall(&mut self, proc: usize, begun: &mut Event, time: Time) -> Event {
        begun.m = self.procs[proc].thread_or_first();
        let g = match begun.kind {
            EventKind::StateTransition(StateTransition::Goroutine { id, slot, .. }) => (id, slot.0),
            _ => unreachable!("a syscall begins by a transition"),
        };
        Event {
            time: time.wrapping_add(1),
            kind: StateTransition::bare(g, GoState::Syscall, GoState::Running),
            ..*begun
        }
    }
}
