//! State transitions of goroutines in the model.

use super::accounts::part;
use super::classify::Owner;
use super::collector::Worker;
use super::elapsed;
use super::goroutines::Goroutine;
use super::interval::{Actor, Interval, Kind, Kinds, Wait, Way};
use super::origin::Giver;
use super::procs::Run;
use super::reasons::Reason;
use super::stacks::{StackKey, Traits};
use super::stretches::{Doing, LONG, Stretch};
use super::transition::{Creation, Transition};
use super::waiting::Waiting;
use super::{Observer, Timeline};
use crate::trace::{Event, EventKind, GoId, GoState, Slot, StackId, StateTransition, Tables};

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

    /// Processes a creation. `tables` are those of its generation.
    #[inline(never)]
    pub fn creation(&mut self, c: &Creation, tables: &Tables, observer: &mut impl Observer) {
        self.advance(c.time, observer);
        let start = self.stacks.key(c.own, tables);
        let creator = self.stacks.key(c.stack, tables);
        let owner = self.stacks.traits(start).owner;
        let site = match owner {
            Owner::Program => self.population.create(start, creator, c.time),
            _ => u32::MAX,
        };
        let stopped_before = self.world.stopped(c.time);
        let origin = self.giver(c.p, c.by).origin_of_new(c.id);
        let place = self.gs.place(c.slot, c.id);
        let g = place.insert(Goroutine {
            id: c.id,
            state: c.to,
            since: c.time,
            cut: false,
            owner,
            born: true,
            birth: c.time,
            way: Way::Created,
            // Only coroutines are created waiting.
            wait: Wait::Coroutine,
            waiting: Waiting::Coroutine,
            stack: StackKey::NONE,
            start,
            creator,
            site,
            by: Actor {
                g: c.by,
                stack: creator,
            },
            stopped_before,
            ran: 0,
            origin,
            from_outside: !c.by.is_some(),
            gives: false,
            preempted: false,
            waited: [StackKey::NONE; 2],
            returned: StackKey::NONE,
            busy: StackKey::NONE,
            assisting: false,
            worker: Worker::None,
            in_c: c.to == GoState::Syscall,
        });
        self.runnable += u32::from(g.counts_as_runnable());
        self.running += u32::from(g.counts_as_running());
        let part = part(c.to, Waiting::Coroutine, false);
        self.accounts.open(c.slot, part, c.time, stopped_before);
        self.coroutines |= c.to == GoState::Waiting;
        match c.to {
            GoState::Running => self.procs.run(c.p, c.slot.0, c.time),
            GoState::Syscall => self.calls.enter(c.time),
            _ => {}
        }
        self.check_pressure();
        self.check_starvation(None, observer);
    }

    /// Processes a goroutine that appears and is older than the trace, or a repeated state.
    #[inline(never)]
    pub(super) fn appear_or_repeat(
        &mut self,
        event: &Event,
        tables: &Tables,
        observer: &mut impl Observer,
    ) {
        let EventKind::StateTransition(StateTransition::Goroutine {
            id,
            slot,
            from,
            to,
            own_stack,
            ..
        }) = event.kind
        else {
            return;
        };
        let stack = self.stacks.key(own_stack, tables);
        if from != GoState::Undetermined {
            self.repeat(slot, stack);
            return;
        }
        let known = self.gs.get_mut(slot).filter(|g| g.id == id);
        match known {
            Some(g) => {
                self.runnable -= u32::from(g.counts_as_runnable());
                if g.state == GoState::Syscall {
                    self.calls.leave(event.time);
                }
                self.running -= u32::from(g.counts_as_running());
                g.state = to;
                g.since = event.time;
                g.in_c = to == GoState::Syscall;
                g.waiting = self.stacks.traits(stack).waits.before;
                self.runnable += u32::from(g.counts_as_runnable());
                self.running += u32::from(g.counts_as_running());
                let stopped = self.world.stopped(event.time);
                let part = part(to, g.waiting, g.assisting);
                self.accounts.switch(slot, part, event.time, stopped);
            }
            None => self.appear(id, slot, to, stack),
        }
        match to {
            GoState::Running => self.procs.run(event.p, slot.0, event.time),
            GoState::Syscall => self.calls.enter(event.time),
            _ => {}
        }
        self.check_pressure();
        self.check_starvation(None, observer);
    }

    /// Adds a goroutine that is older than the trace. Its state is written before its first event, so it has been in
    /// that state since the trace's start.
    fn appear(&mut self, id: GoId, slot: Slot, state: GoState, stack: StackKey) {
        let Traits {
            owner,
            coroutine,
            waits,
            ..
        } = *self.stacks.traits(stack);
        self.coroutines |= coroutine;
        if owner == Owner::Program {
            self.population.appear();
        }
        let (start, stopped_before) = (self.start(), self.world.stopped(self.now));
        let g = self.gs.place(slot, id).insert(Goroutine {
            id,
            state,
            since: start,
            cut: true,
            owner,
            born: false,
            birth: start,
            way: Way::Unknown,
            wait: match coroutine {
                true => Wait::Coroutine,
                false => waits.wait_before(),
            },
            waiting: waits.before,
            stack,
            start: StackKey::NONE,
            creator: StackKey::NONE,
            site: u32::MAX,
            by: Actor::NONE,
            stopped_before,
            ran: 0,
            origin: GoId::NONE,
            from_outside: false,
            gives: false,
            preempted: false,
            waited: [StackKey::NONE; 2],
            returned: StackKey::NONE,
            busy: StackKey::NONE,
            assisting: self.assists.contains(id),
            worker: Worker::None,
            in_c: false,
        });
        self.runnable += u32::from(g.counts_as_runnable());
        self.running += u32::from(g.counts_as_running());
        // The state began before the first stop-the-world, too.
        let part = part(state, g.waiting, g.assisting);
        self.accounts.open(slot, part, start, 0);
    }

    /// Processes a state that a new generation repeats, sometimes with a stack that was not known before.
    fn repeat(&mut self, slot: Slot, own: StackKey) {
        let Some(g) = self.gs.get_mut(slot) else {
            return;
        };
        if g.stack.is_some() || !own.is_some() {
            return;
        }
        g.stack = own;
        let owner = self.stacks.traits(own).owner;
        if !g.born && g.owner == Owner::Program && owner != Owner::Program {
            self.disown(slot, owner);
        }
    }

    /// Changes the owner of a goroutine that counted as the program's.
    fn disown(&mut self, slot: Slot, owner: Owner) {
        if let Some(g) = self.gs.get_mut(slot) {
            self.runnable -= u32::from(g.counts_as_runnable());
            self.running -= u32::from(g.counts_as_running());
            g.owner = owner;
            self.runnable += u32::from(g.counts_as_runnable());
            self.running += u32::from(g.counts_as_running());
            self.population.disown();
            self.check_pressure();
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
        let ran = elapsed(g.since, time);
        g.ran += ran;
        self.ran += ran;
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
        let run = Run {
            who,
            origin: g.origin,
            start: g.since,
            end: time,
        };
        self.procs.stop(t.p, run);
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
                (g.wait, g.waiting) = (reason.wait(waits), reason.waiting(waits));
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
        let part = part(to, g.waiting, g.assisting);
        self.accounts.switch(slot, part, time, stopped);
        if news {
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

    /// Corrects the owner of a goroutine older than the trace by a stack.
    #[inline]
    fn place(&mut self, slot: Slot, own: StackKey) {
        let Some(g) = self.gs.get(slot.0) else {
            return;
        };
        if !g.born && g.owner == Owner::Program {
            let owner = self.stacks.traits(own).owner;
            if owner != Owner::Program {
                self.disown(slot, owner);
            }
        }
    }

    /// Ends the present state of a goroutine that is not running, and emits its interval.
    #[inline(always)]
    fn leave(&mut self, t: &Transition, tables: &Tables, observer: &mut impl Observer) {
        let Some(g) = self.gs.get(t.slot.0) else {
            return;
        };
        self.runnable -= u32::from(g.counts_as_runnable());
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
        let waited = elapsed(g.since, t.time);
        let long = waited >= LONG.unsigned_abs();
        if long {
            let stretch = Stretch {
                doing: Doing::of(g.state, g.wait),
                start: g.since,
                end: t.time,
            };
            self.stretches.add(t.slot, g.id, stretch);
        }
        match t.from {
            GoState::Waiting => observer.waited(g, waited, self),
            GoState::Runnable if g.owner == Owner::Program && g.way != Way::Switched => {
                if !observer.ran(g, waited, self) {
                    return;
                }
            }
            _ => {}
        }
        let watched = observer.watches();
        let watched = match long || watched.intersects(Kinds::SHORT_HANDOFF) {
            true => watched,
            false => watched.without(Kinds::HANDOFF),
        };
        // Most waits are for channels and the network, which no rule watches.
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
            (GoState::Waiting, GoState::Runnable) => self.giver(t.p, t.by),
            _ => Giver::Outside,
        };
        if let Some(g) = self.gs.get_mut(slot) {
            let stopped = self.world.stopped(time);
            self.running -= u32::from(g.counts_as_running());
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
                    (g.wait, g.waiting) = (reason.wait(waits), reason.waiting(waits));
                }
                _ => {}
            }
            let part = part(to, g.waiting, g.assisting);
            self.accounts.switch(slot, part, time, stopped);
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
        observer.ended(g, self.unreported_at(slot), self);
        if self.sampling.is_active() && self.is_profiler(g) {
            self.sampling.end_profile();
        }
        match g.owner {
            Owner::Program if g.born => {
                let lived = elapsed(g.birth, self.now);
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
    fn owner(&self, g: &Goroutine) -> Owner {
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
