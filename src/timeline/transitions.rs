//! Goroutines change state.

use super::classify::Owner;
use super::goroutines::Goroutine;
use super::interval::{Actor, Interval, Kind, Wait, Way};
use super::procs::Run;
use super::reasons::Reason;
use super::stacks::StackKey;
use super::{Observer, Timeline};
use crate::trace::{Event, GoState, Slot, StackId, Tables, What};

/// The parts of a transition that is none of the ordinary ones.
struct Step {
    slot: Slot,
    to: GoState,
    /// The goroutine's own stack.
    own: StackKey,
    /// In whose context it happened.
    by: Actor,
}

impl Goroutine {
    /// Whether it is the program's and waits for a processor.
    #[inline]
    pub(super) fn counts_as_runnable(&self) -> bool {
        self.state == GoState::Runnable && self.owner == Owner::Program
    }
}

impl Timeline {
    #[inline(always)]
    pub(super) fn goroutine(
        &mut self,
        event: &Event,
        tables: &Tables,
        observer: &mut impl Observer,
    ) {
        let What::Goroutine { from, to, .. } = event.what else {
            return;
        };
        match from {
            GoState::Running if to != from => self.stop(event, tables, observer),
            GoState::Runnable | GoState::Waiting | GoState::Syscall if to != from => {
                self.leave(event, tables, observer);
                self.enter(event, tables, observer);
            }
            _ => self.appear_or_repeat(event, tables, observer),
        }
    }

    #[inline(never)]
    fn appear_or_repeat(&mut self, event: &Event, tables: &Tables, observer: &mut impl Observer) {
        let What::Goroutine {
            slot,
            from,
            to,
            own_stack,
            stack,
            ..
        } = event.what
        else {
            return;
        };
        let own = self.stacks.key(own_stack, tables);
        let stack = self.stacks.key(stack, tables);
        let by = Actor { g: event.g, stack };
        let step = Step { slot, to, own, by };
        match from {
            GoState::Undetermined => self.appear(event, &step),
            GoState::NotExist => self.create(event, &step),
            _ => {
                self.repeat(&step);
                return;
            }
        }
        if to == GoState::Running {
            self.procs.run(event.p, slot.0, event.time);
        }
        self.check_starvation(None, observer);
    }

    /// A goroutine that is older than the trace. Its state is written before
    /// its first event, so it was in that state ever since the trace started.
    fn appear(&mut self, event: &Event, step: &Step) {
        let since = self.start();
        let g = self.new_goroutine(event, step, since);
        let traits = self.stacks.traits(step.own);
        let owner = traits.owner;
        if owner == Owner::Program {
            self.population.appear();
        }
        self.add(
            step,
            Goroutine {
                cut: true,
                owner,
                stack: step.own,
                ..g
            },
        );
    }

    fn create(&mut self, event: &Event, step: &Step) {
        let owner = self.stacks.traits(step.own).owner;
        let g = self.new_goroutine(event, step, event.time);
        let site = if owner == Owner::Program {
            let creator = step.by.stack;
            self.population.create(step.own, creator, event.time)
        } else {
            u32::MAX
        };
        self.add(
            step,
            Goroutine {
                owner,
                born: true,
                way: Way::Created,
                start: step.own,
                creator: step.by.stack,
                site,
                by: step.by,
                ..g
            },
        );
    }

    fn new_goroutine(&self, event: &Event, step: &Step, since: i64) -> Goroutine {
        let What::Goroutine { id, .. } = event.what else {
            unreachable!("only called for transitions of goroutines");
        };
        Goroutine {
            id,
            state: step.to,
            since,
            cut: false,
            owner: Owner::Program,
            born: false,
            way: Way::Unknown,
            wait: Wait::Unknown,
            stack: StackKey::NONE,
            start: StackKey::NONE,
            creator: StackKey::NONE,
            site: u32::MAX,
            by: Actor::NONE,
            stopped_before: self.world.stopped(event.time),
            ran: 0,
        }
    }

    fn add(&mut self, step: &Step, g: Goroutine) {
        self.runnable += u32::from(g.counts_as_runnable());
        self.gs.insert(step.slot, g);
    }

    /// A generation starts: the state is repeated, sometimes with a stack that
    /// was not known before.
    fn repeat(&mut self, step: &Step) {
        let Some(g) = self.gs.get_mut(step.slot) else {
            return;
        };
        if g.stack.is_some() || !step.own.is_some() {
            return;
        }
        g.stack = step.own;
        let owner = self.stacks.traits(step.own).owner;
        if !g.born && g.owner == Owner::Program && owner != Owner::Program {
            self.disown(step.slot, owner);
        }
    }

    /// A goroutine taken for the program's is the runtime's or the tracer's.
    fn disown(&mut self, slot: Slot, owner: Owner) {
        if let Some(g) = self.gs.get_mut(slot) {
            self.runnable -= u32::from(g.counts_as_runnable());
            g.owner = owner;
            self.runnable += u32::from(g.counts_as_runnable());
            self.population.disown();
        }
    }

    /// It runs no longer.
    #[inline(always)]
    fn stop(&mut self, event: &Event, tables: &Tables, observer: &mut impl Observer) {
        let What::Goroutine {
            slot,
            to,
            reason,
            own_stack,
            stack,
            ..
        } = event.what
        else {
            return;
        };
        let own = self.stacks.key(own_stack, tables);
        let Some(g) = self.gs.get_mut(slot) else {
            return;
        };
        g.ran += event.time.saturating_sub(g.since).max(0) as u64;
        let news = own.is_some() && own != g.stack;
        if news {
            g.stack = own;
        }
        let who = Actor {
            g: g.id,
            stack: g.best_stack(),
        };
        let run = Run {
            who,
            start: g.since,
            end: event.time,
        };
        self.procs.stop(event.p, run);
        if g.owner == Owner::Program {
            self.world.program_stopped(who, event.time);
        }
        g.state = to;
        g.since = event.time;
        g.cut = false;
        match to {
            GoState::Waiting => g.wait = self.reasons.get(reason, tables).wait(),
            GoState::Runnable => {
                g.way = match self.reasons.get(reason, tables) {
                    Reason::Preempted => Way::Preempted,
                    _ => Way::Yielded,
                };
                g.stopped_before = self.world.stopped(event.time);
                g.by = Actor {
                    g: event.g,
                    stack: self.stacks.key(stack, tables),
                };
                self.runnable += u32::from(g.counts_as_runnable());
            }
            GoState::NotExist => self.end(slot),
            _ => {}
        }
        if news {
            self.place(slot, own);
        }
        if to == GoState::Runnable {
            self.check_starvation(None, observer);
        }
    }

    /// A stack tells whose a goroutine is that is older than the trace.
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

    /// The wait that ends here becomes an interval.
    #[inline(always)]
    fn leave(&mut self, event: &Event, tables: &Tables, observer: &mut impl Observer) {
        let What::Goroutine {
            slot, from, stack, ..
        } = event.what
        else {
            return;
        };
        let Some(g) = self.gs.get(slot.0) else {
            return;
        };
        self.runnable -= u32::from(g.counts_as_runnable());
        // Most waits are for channels and the network, which nobody watches.
        if let Some(kind) = self.open_kind(g)
            && kind.bit() & observer.watches() != 0
        {
            let mut interval = self.open_interval(g, kind);
            interval.cut_at_end = false;
            if from == GoState::Waiting {
                interval.by = Actor {
                    g: event.g,
                    stack: self.stacks.key(stack, tables),
                };
            }
            observer.interval(&interval, self);
        }
    }

    /// What waited runs, may run, or ends.
    #[inline(always)]
    fn enter(&mut self, event: &Event, tables: &Tables, observer: &mut impl Observer) {
        let What::Goroutine {
            id,
            slot,
            from,
            to,
            reason,
            own_stack,
            stack,
        } = event.what
        else {
            return;
        };
        if let Some(g) = self.gs.get_mut(slot) {
            g.state = to;
            g.since = event.time;
            g.cut = false;
            match to {
                GoState::Running => self.procs.run(event.p, slot.0, event.time),
                GoState::Runnable => {
                    g.way = match from {
                        GoState::Waiting if g.wait == Wait::Scanned => Way::Preempted,
                        GoState::Waiting => Way::Woken,
                        GoState::Syscall => Way::SyscallExit,
                        _ => Way::Yielded,
                    };
                    g.stopped_before = self.world.stopped(event.time);
                    g.by = Actor {
                        g: event.g,
                        stack: self.stacks.key(stack, tables),
                    };
                    self.runnable += u32::from(g.counts_as_runnable());
                }
                GoState::Waiting => g.wait = self.reasons.get(reason, tables).wait(),
                GoState::NotExist => self.end(slot),
                _ => {}
            }
            if own_stack != StackId::NONE {
                let own = self.stacks.key(own_stack, tables);
                self.place(slot, own);
            }
        }
        let starts = (from == GoState::Runnable).then_some((id, slot));
        self.check_starvation(starts, observer);
    }

    #[inline(never)]
    fn end(&mut self, slot: Slot) {
        let Some(g) = self.gs.remove(slot) else {
            return;
        };
        if g.owner != Owner::Program {
            return;
        }
        if g.born {
            self.population.end(g.site);
        } else {
            let root = self.stacks.traits(g.stack).root;
            self.population.end_old(root);
        }
    }

    /// The kind of interval that a goroutine's present state is. The tracer's
    /// goroutines have none.
    #[inline]
    pub(super) fn open_kind(&self, g: &Goroutine) -> Option<Kind> {
        if g.owner == Owner::Tracer {
            return None;
        }
        match g.state {
            GoState::Runnable => Some(Kind::Runnable(g.way)),
            // A wait for credit within an assist is part of the assist.
            GoState::Waiting if g.wait == Wait::AssistCredit && self.world.is_assisting(g.id) => {
                Some(Kind::Blocked(Wait::Other))
            }
            GoState::Waiting => Some(Kind::Blocked(g.wait)),
            GoState::Syscall => Some(Kind::Syscall),
            _ => None,
        }
    }

    /// A goroutine's present state as an interval up to now.
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
            owner: g.owner,
            by: g.by,
            stopped,
        }
    }
}
