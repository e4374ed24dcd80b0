//! Goroutines that appear: created ones, and those that are older than the trace.

use super::account::{Account, part};
use super::classify::Owner;
use super::goroutines::{Goroutine, Worker};
use super::interval::{Actor, Way};
use super::stacks::{StackKey, Traits};
use super::transition::Creation;
use super::waiting::{Wait, Waiting};
use super::{Observer, Timeline};
use crate::trace::{Event, EventKind, GoId, GoState, Slot, StateTransition, Tables};

impl Timeline {
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
        let origin = self.giver(c.by, None).origin_of_new(c.id);
        let place = self.gs.place(c.slot, c.id);
        let g = place.insert(Goroutine {
            id: c.id,
            slot: c.slot,
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
            created_by: c.by,
            site,
            by: Actor {
                g: c.by,
                stack: creator,
            },
            stopped_before,
            ran: 0,
            account: Account::new(
                part(c.to, Waiting::Coroutine, false),
                c.time,
                stopped_before,
            ),
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
        self.reported_vectors.open(c.slot);
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
                g.account.switch(part, event.time, stopped);
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
        let assisting = self.assists.contains(id);
        let g = self.gs.place(slot, id).insert(Goroutine {
            id,
            slot,
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
            created_by: GoId::NONE,
            site: u32::MAX,
            by: Actor::NONE,
            stopped_before,
            ran: 0,
            // The state began before the first stop-the-world, too.
            account: Account::new(part(state, waits.before, assisting), start, 0),
            origin: GoId::NONE,
            from_outside: false,
            gives: false,
            preempted: false,
            waited: [StackKey::NONE; 2],
            returned: StackKey::NONE,
            busy: StackKey::NONE,
            assisting,
            worker: Worker::None,
            in_c: false,
        });
        self.runnable += u32::from(g.counts_as_runnable());
        self.running += u32::from(g.counts_as_running());
        self.reported_vectors.open(slot);
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

    /// Corrects the owner of a goroutine older than the trace by a stack.
    #[inline]
    pub(super) fn place(&mut self, slot: Slot, own: StackKey) {
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
}
