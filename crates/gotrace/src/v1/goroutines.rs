//! Goroutines are created, start, stop, and become runnable.

use super::super::event::{EventKind, GoId, GoState, Slot, StackId, StateTransition, ThreadId};
use super::super::violation::Violation;
use super::model::{Model, NETPOLL_P, TIMER_P};
use super::state::Status;
use super::step::{Change, Refusal, Result, Step, Taken};
use super::wire;

impl Model {
    /// A goroutine starts to run on a P.
    #[inline(always)]
    pub(super) fn start(
        &mut self,
        proc: usize,
        event_type: u8,
        id: u64,
        step: &mut Step<'_, '_>,
    ) -> Result<(GoId, u32)> {
        let hint = self.procs[proc].hint;
        let Some((slot, g)) = self.gs.find_again(GoId(id as i64), hint) else {
            return Err(Refusal::NotReady);
        };
        if g.awaited {
            self.change = Some(Change::Step(slot));
        }
        let in_turn = event_type == wire::GO_START_LOCAL || step.args.next() == g.seq;
        if g.order != Status::Runnable || !in_turn {
            return Err(Refusal::NotReady);
        }
        g.must_be(Status::Runnable, event_type)?;
        let p = &mut self.procs[proc];
        if p.g != 0 {
            let present = "goroutine";
            return Err(Violation::Unexpected {
                event: wire::name(event_type),
                present,
            }
            .into());
        }
        (g.order, g.status) = (Status::Running, Status::Running);
        g.seq = g.seq.wrapping_add(1);
        g.network = false;
        (p.g, p.g_slot) = (id, slot);
        Ok((g.id, slot))
    }

    /// The running goroutine yields or waits.
    #[inline(always)]
    pub(super) fn stop_running(
        &mut self,
        proc: usize,
        status: Status,
        to: GoState,
        mut step: Step<'_, '_>,
    ) -> Result<Taken> {
        let event_type = step.next.kind;
        let slot = self.procs[proc].current(event_type)?;
        let g = &mut self.gs[slot];
        if g.awaited {
            self.change = Some(Change::Step(slot));
        }
        (g.order, g.status) = (status, status);
        g.network = event_type == wire::GO_BLOCK_NET;
        let (id, stack) = (g.id, step.stack());
        let kind = self.stops(event_type, (id, slot), to, stack);
        self.write(proc, &mut step, kind)?;
        self.procs[proc].clear_g();
        Ok(Taken::Event)
    }

    #[inline(always)]
    pub(super) fn stops(
        &self,
        event_type: u8,
        (id, slot): (GoId, u32),
        to: GoState,
        stack: StackId,
    ) -> EventKind {
        EventKind::StateTransition(StateTransition::Goroutine {
            id,
            slot: Slot(slot),
            from: GoState::Running,
            to,
            reason: self.names.reason(event_type),
            own_stack: stack,
            stack,
        })
    }

    #[inline(always)]
    pub(super) fn unblock(&mut self, proc: usize, mut step: Step<'_, '_>) -> Result<Taken> {
        let event_type = step.next.kind;
        let id = GoId(step.args.next() as i64);
        let hint = self.procs[proc].hint;
        let Some((slot, g)) = self.gs.find_again(id, hint) else {
            return Err(Refusal::NotReady);
        };
        if g.awaited {
            self.change = Some(Change::Step(slot));
        }
        let in_turn = event_type == wire::GO_UNBLOCK_LOCAL || step.args.next() == g.seq;
        if g.order != Status::Waiting || !in_turn {
            return Err(Refusal::NotReady);
        }
        g.must_be(Status::Waiting, event_type)?;
        (g.order, g.status) = (Status::Runnable, Status::Runnable);
        g.seq = g.seq.wrapping_add(1);
        let by_network = std::mem::take(&mut g.network);
        let stack = step.stack();
        let kind = StateTransition::goroutine(
            (id, slot),
            GoState::Waiting,
            GoState::Runnable,
            StackId::NONE,
            stack,
        );
        self.write(proc, &mut step, kind)?;
        let by_timer = !self.timers.is_empty() && self.timers.contains(&self.procs[proc].g);
        if by_network || by_timer {
            step.out.m = ThreadId::NONE;
            step.out.p = if by_network { NETPOLL_P } else { TIMER_P };
        }
        Ok(Taken::Event)
    }

    #[inline(always)]
    pub(super) fn create(&mut self, proc: usize, mut step: Step<'_, '_>) -> Result<Taken> {
        let id = GoId(step.args.next() as i64);
        let own = step.args.next();
        let stack = step.stack();
        let Some(slot) = self.gs.create(id) else {
            return Err(Refusal::NotReady);
        };
        if self.unborn {
            self.change = Some(Change::Birth(id));
        }
        if self.starting {
            self.gs[slot].fresh = true;
            self.fresh.push((id, slot));
            return Ok(Taken::Nothing);
        }
        let own_stack = match step.tables.stack_id(own) {
            Ok(own) => own,
            Err(_) if self.lenient => StackId::NONE,
            Err(c) => return Err(c.into()),
        };
        let (from, to) = (GoState::NotExist, GoState::Runnable);
        let kind = StateTransition::goroutine((id, slot), from, to, own_stack, stack);
        self.write(proc, &mut step, kind)
    }
}
