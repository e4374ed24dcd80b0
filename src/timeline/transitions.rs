//! Goroutines change state.

use super::classify::Owner;
use super::goroutines::Goroutine;
use super::interval::{Actor, Interval, Kind, Wait, Way};
use super::procs::Run;
use super::reasons::Reason;
use super::stacks::StackKey;
use super::{Observer, Timeline};
use crate::trace::{Event, GoState, Slot, StringId, Tables, What};

/// The parts of a goroutine's transition.
struct Step {
    slot: Slot,
    from: GoState,
    to: GoState,
    reason: StringId,
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
        let own = self.stacks.key(own_stack, tables);
        let stack = if stack == own_stack {
            own
        } else {
            self.stacks.key(stack, tables)
        };
        let step = Step {
            slot,
            from,
            to,
            reason,
            own,
            by: Actor { g: event.g, stack },
        };
        match from {
            GoState::Undetermined => self.appear(event, &step),
            GoState::NotExist => self.create(event, &step),
            _ if from == to => {
                self.repeat(&step);
                return;
            }
            GoState::Running => {
                self.stop(event, &step);
                self.enter(event, &step, tables);
            }
            _ => {
                self.leave(&step, observer);
                self.enter(event, &step, tables);
            }
        }
        if to == GoState::Running {
            self.procs.run(event.p, slot.0, event.time);
        }
        let starts = (from == GoState::Runnable).then_some((id, slot));
        self.check_starvation(starts, observer);
    }

    /// A goroutine that is older than the trace. Its state is written before
    /// its first event, so it was in that state ever since the trace started.
    #[inline(never)]
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

    #[inline(never)]
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
    #[inline(never)]
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
    fn stop(&mut self, event: &Event, step: &Step) {
        let Some(g) = self.gs.get_mut(step.slot) else {
            return;
        };
        g.ran += event.time.saturating_sub(g.since).max(0) as u64;
        let stack = if step.own.is_some() {
            g.stack = step.own;
            step.own
        } else {
            g.best_stack()
        };
        let who = Actor { g: g.id, stack };
        let run = Run {
            who,
            start: g.since,
            end: event.time,
        };
        self.procs.stop(event.p, run);
        if g.owner == Owner::Program {
            self.world.program_stopped(who, event.time);
        }
    }

    /// The wait that ends here becomes an interval.
    #[inline(always)]
    fn leave(&mut self, step: &Step, observer: &mut impl Observer) {
        let Some(g) = self.gs.get(step.slot.0) else {
            return;
        };
        self.runnable -= u32::from(g.counts_as_runnable());
        // Most waits are for channels and the network, which nobody watches.
        if let Some(kind) = self.open_kind(g)
            && kind.bit() & observer.watches() != 0
        {
            let mut interval = self.open_interval(g, kind);
            interval.cut_at_end = false;
            if step.from == GoState::Waiting {
                interval.by = step.by;
            }
            observer.interval(&interval, self);
        }
    }

    #[inline(always)]
    fn enter(&mut self, event: &Event, step: &Step, tables: &Tables) {
        if step.to == GoState::NotExist {
            self.end(step.slot);
            return;
        }
        let Some(g) = self.gs.get_mut(step.slot) else {
            return;
        };
        g.state = step.to;
        g.since = event.time;
        g.cut = false;
        match step.to {
            GoState::Runnable => {
                g.stopped_before = self.world.stopped(event.time);
                g.by = step.by;
                g.way = match step.from {
                    GoState::Waiting if g.wait == Wait::Scanned => Way::Preempted,
                    GoState::Waiting => Way::Woken,
                    GoState::Syscall => Way::SyscallExit,
                    _ if self.reasons.get(step.reason, tables) == Reason::Preempted => {
                        Way::Preempted
                    }
                    _ => Way::Yielded,
                };
                self.runnable += u32::from(g.counts_as_runnable());
            }
            GoState::Waiting => {
                g.wait = match self.reasons.get(step.reason, tables) {
                    Reason::Sync => Wait::Sync,
                    Reason::Preempted => Wait::Scanned,
                    Reason::AssistCredit => Wait::AssistCredit,
                    Reason::Other => Wait::Other,
                };
            }
            _ => {}
        }
        if !g.born && g.owner == Owner::Program && step.own.is_some() {
            let owner = self.stacks.traits(step.own).owner;
            if owner != Owner::Program {
                self.disown(step.slot, owner);
            }
        }
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
