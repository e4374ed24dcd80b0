//! State transitions of goroutines in the model.

use super::account::part;
use super::classify::Owner;
use super::goroutines::Goroutine;
use super::in_the_end::keep;
use super::interval::{Actor, Interval, Kind, Way};
use super::origin::Giver;
use super::passed;
use super::procs::Run;
use super::reasons::Reason;
use super::stretches::LONG;
use super::transition::Transition;
use super::waiting::Wait;
use super::{Observer, Timeline};
use crate::sums;
use crate::trace::{GoState, Slot, StackId, Tables};

impl Goroutine {
    /// Whether it belongs to the program and waits for a P.
    #[inline]
    pub(super) fn counts_as_runnable(&self) -> bool {
        self.state == GoState::Runnable && self.owner == Owner::Program && self.way != Way::Switched
    }

    /// Whether it belongs to the program and runs.
    #[inline]
    pub(super) fn counts_as_running(&self) -> bool {
        self.state == GoState::Running && self.owner == Owner::Program
    }
}

impl Timeline {
    /// Processes a state transition. `tables` are those of its generation.
    #[inline(always)]
    pub fn transition(&mut self, t: &Transition, tables: &Tables, observer: &mut impl Observer) {
        self.advance(t.time, observer);
        if t.from == GoState::Running {
            self.stop(t, tables, observer);
        } else {
            if self.world.is_restarting() && t.to == GoState::Running {
                self.restarted(t, observer);
            }
            self.leave(t, tables, observer);
            self.enter(t, tables, observer);
        }
    }

    /// Processes the transition of a running goroutine.
    #[inline(always)]
    fn stop(&mut self, t: &Transition, tables: &Tables, observer: &mut impl Observer) {
        let Transition { time, slot, to, .. } = *t;
        let own = self.stacks.key(t.own, tables);
        let Some(g) = self.gs.get_mut(slot) else {
            return;
        };
        let stopped = self.world.stopped(time);
        let ran = passed(g.since, time);
        sums::increase(&mut g.ran, ran);
        sums::increase(&mut self.ran, ran);
        if g.collects() {
            self.assists.leave(g, time, stopped + self.silences.total());
            self.collector.runs(g.worker, g.assisting, false, time);
        }
        // The stack at a goroutine's end has only functions of the runtime.
        let mut ends = to == GoState::NotExist;
        let mut news = own.is_some() && own != g.stack;
        if news {
            ends |= self.stacks.traits(own).ends;
            news = !ends;
        }
        if news {
            g.stack = own;
        }
        let who = Actor {
            g: g.id,
            stack: match ends && g.start.is_some() {
                true => g.start,
                false => g.best_stack(),
            },
        };
        let (origin, start) = (g.origin, g.since);
        self.procs.stop(t.p, ran, || Run {
            who,
            origin,
            start,
            end: time,
        });
        if self.world.stops(t.p) {
            self.collector.stopped(time);
            if g.owner == Owner::Program {
                self.world.program_stopped(who, time);
            }
        }
        self.running -= u32::from(g.counts_as_running());
        g.state = to;
        g.since = time;
        g.cut = false;
        match to {
            GoState::Waiting => {
                let reason = self.reasons.get(t.reason, tables);
                let waits = &self.stacks.traits(own).waits;
                (g.wait, g.waiting) = reason.wait(waits);
                g.waits_at(own);
            }
            // Only a C thread that returns from a call into Go has no stack.
            GoState::Syscall => {
                g.in_c = !own.is_some();
                self.calls.enter(time);
            }
            GoState::Runnable => {
                g.way = match self.reasons.get(t.reason, tables) {
                    Reason::Preempted => Way::Preempted,
                    _ => Way::Yielded,
                };
                if g.way == Way::Preempted {
                    g.is_preempted();
                    if news {
                        g.busy = own;
                    }
                }
                g.stopped_before = stopped;
                g.by = Actor {
                    g: g.id,
                    stack: self.stacks.key(t.stack, tables),
                };
                self.runnable += u32::from(g.counts_as_runnable());
            }
            _ => {}
        }
        let unplaced = news && !g.born;
        let part = part(to, g.waiting, g.assisting);
        g.account.switch(part, time, stopped);
        if unplaced {
            self.place(slot, own);
        }
        if to == GoState::NotExist {
            self.end(slot, observer);
        }
        self.check_pressure();
        if to == GoState::Runnable {
            self.check_starvation(None, observer);
        }
    }

    /// Ends the present state of a goroutine that is not running, and emits its interval.
    #[inline(always)]
    fn leave(&mut self, t: &Transition, tables: &Tables, observer: &mut impl Observer) {
        let Some(g) = self.gs.get(t.slot.0) else {
            return;
        };
        if t.from == GoState::Runnable {
            self.runnable -= u32::from(g.counts_as_runnable());
        }
        if t.from == GoState::Syscall {
            self.calls.leave(t.time);
        }
        if g.collects() {
            self.assists.leave(
                g,
                t.time,
                self.world.stopped(t.time) + self.silences.total(),
            );
            if t.to == GoState::Running {
                self.collector.runs(g.worker, g.assisting, true, t.time);
            }
        }
        let waited = passed(g.since, t.time);
        let long = waited >= LONG.unsigned_abs();
        if long {
            keep(&mut self.stretches, &self.gs, g, t);
        }
        match t.from {
            GoState::Waiting => observer.waited(g, waited, self),
            GoState::Runnable if g.way != Way::Switched && !observer.ran(g, waited, self) => {
                return;
            }
            GoState::Syscall
                if g.owner == Owner::Program && !observer.returned(g, waited, self) =>
            {
                return;
            }
            _ => {}
        }
        let watched = observer.watches();
        // Most waits are short ones for channels and the network, which no rule watches.
        if t.from == GoState::Waiting && !watched.has_wait(g.wait, long) {
            return;
        }
        if let Some(kind) = self.open_kind(g)
            && watched.intersects(kind.set())
        {
            let mut interval = self.open_interval(g, kind);
            interval.cut_at_end = false;
            if t.from == GoState::Waiting {
                interval.by = Actor {
                    g: t.by,
                    stack: self.stacks.key(t.stack, tables),
                };
            }
            observer.interval(&interval, self);
        }
    }

    /// Starts the next state of a goroutine that was not running.
    #[inline(always)]
    fn enter(&mut self, t: &Transition, tables: &Tables, observer: &mut impl Observer) {
        let Transition {
            time,
            slot,
            from,
            to,
            ..
        } = *t;
        let giver = match (from, to) {
            (GoState::Waiting, GoState::Runnable) => self.giver(t.by, t.by_slot),
            _ => Giver::Outside,
        };
        if let Some(g) = self.gs.get_mut(slot) {
            let stopped = self.world.stopped(time);
            g.state = to;
            self.running += u32::from(g.counts_as_running());
            g.since = time;
            g.cut = false;
            match to {
                GoState::Running => self.procs.run(t.p, slot.0, time),
                GoState::Runnable => {
                    g.way = match from {
                        GoState::Waiting if g.wait == Wait::Scanned => Way::Preempted,
                        GoState::Waiting if g.wait == Wait::Coroutine && self.coroutines => {
                            Way::Switched
                        }
                        GoState::Waiting => Way::Woken,
                        GoState::Syscall => Way::SyscallExit,
                        _ => Way::Yielded,
                    };
                    if g.way == Way::Woken {
                        g.woken(giver);
                    }
                    g.stopped_before = stopped;
                    g.by = Actor {
                        g: t.by,
                        stack: self.stacks.key(t.stack, tables),
                    };
                    self.runnable += u32::from(g.counts_as_runnable());
                }
                GoState::Waiting => {
                    let reason = self.reasons.get(t.reason, tables);
                    let own = self.stacks.key(t.own, tables);
                    let waits = &self.stacks.traits(own).waits;
                    (g.wait, g.waiting) = reason.wait(waits);
                }
                _ => {}
            }
            let part = part(to, g.waiting, g.assisting);
            g.account.switch(part, time, stopped);
            if t.own != StackId::NONE {
                let own = self.stacks.key(t.own, tables);
                self.place(slot, own);
            }
            if to == GoState::NotExist {
                self.end(slot, observer);
            }
        }
        self.check_pressure();
        let starts = (from == GoState::Runnable).then_some(slot);
        self.check_starvation(starts, observer);
    }

    #[inline(never)]
    fn end(&mut self, slot: Slot, observer: &mut impl Observer) {
        let Some(g) = self.gs.get(slot.0) else {
            return;
        };
        match self.reported_vectors.settled(g) {
            Some(time) => observer.ended(g, time, self),
            None => observer.ended(g, &self.unreported_of(g), self),
        }
        if self.sampling.is_active() && self.is_profiler(g) {
            self.sampling.end_profile();
        }
        match g.owner {
            Owner::Program if g.born => {
                let lived = passed(g.birth, self.now);
                self.population.end(g.site, lived);
            }
            Owner::Program => {
                let root = self.stacks.traits(g.stack).root;
                self.population.end_old(root);
            }
            _ => {}
        }
        self.gs.remove(slot);
    }

    /// Kind of a goroutine's present state as an interval. The tracer's goroutines have none.
    #[inline]
    pub(super) fn open_kind(&self, g: &Goroutine) -> Option<Kind> {
        if g.owner == Owner::Tracer {
            return None;
        }
        match g.state {
            GoState::Runnable => Some(Kind::Runnable(g.way)),
            // A wait for credit within an assist is part of the assist.
            GoState::Waiting if g.wait == Wait::AssistCredit && g.assisting => {
                Some(Kind::Blocked(Wait::Other))
            }
            GoState::Waiting => Some(Kind::Blocked(g.wait)),
            GoState::Syscall => Some(Kind::Syscall),
            _ => None,
        }
    }

    /// Owner of a goroutine's present state. Finalizers and cleanups are code of the program in a goroutine of the
    /// runtime.
    #[inline]
    pub fn owner(&self, g: &Goroutine) -> Owner {
        match g.owner {
            Owner::Runtime if self.stacks.traits(g.stack).own => Owner::Program,
            owner => owner,
        }
    }

    /// Returns a goroutine's present state as an interval up to now.
    #[inline]
    pub(super) fn open_interval(&self, g: &Goroutine, kind: Kind) -> Interval {
        let runnable = g.state == GoState::Runnable;
        let stopped = if runnable {
            self.world
                .stopped(self.now)
                .saturating_sub(g.stopped_before)
        } else {
            0
        };
        Interval {
            kind,
            start: g.since,
            end: self.now,
            cut_at_start: g.cut,
            cut_at_end: true,
            under_way: false,
            victim: Actor {
                g: g.id,
                stack: if runnable { g.best_stack() } else { g.stack },
            },
            owner: self.owner(g),
            by: g.by,
            stopped,
            in_c: g.in_c && g.state == GoState::Syscall,
        }
    }
}
