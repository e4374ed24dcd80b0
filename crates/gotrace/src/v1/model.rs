//! Scheduler model: decides which event is possible next, checks it, and translates it.
//!
//! An event of the old format becomes zero or more [`Event`]s, with the context that the reference reader gives them. Some
//! contexts are pseudo Ps: the runtime's timers, its network poller, returns from syscalls, and the collector.

use std::collections::{HashMap, HashSet, VecDeque};

use super::super::allowance::{growing, of_map, of_vec};
use super::super::event::{
    Event, EventKind, GoId, GoState, Metric, ProcId, StackId, StateTransition, StringId, TaskId,
    Time,
};
use super::names::Names;
use super::state::{Goroutines, Proc, Status};
use super::step::{Change, Refusal, Result, Step, Taken};
use super::wire;

pub(super) const TIMER_P: ProcId = ProcId(1_000_001);
pub(super) const NETPOLL_P: ProcId = ProcId(1_000_002);
pub(super) const SYSCALL_P: ProcId = ProcId(1_000_003);
pub(super) const GC_P: ProcId = ProcId(1_000_004);

#[derive(Debug)]
pub(super) struct Task {
    pub name: StringId,
    pub parent: TaskId,
}

/// State of the program after the last event.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) gs: Goroutines,
    pub procs: Vec<Proc>,
    pub(super) names: Names,
    pub(super) tasks: HashMap<u64, Task, foldhash::fast::RandomState>,
    pub(super) timers: HashSet<u64, foldhash::fast::RandomState>,
    /// The number of the next collection.
    pub(super) collections: u64,
    pub(super) collecting: bool,
    /// Why the world is stopped, or was last.
    pub(super) stop: StringId,
    pub(super) stopped: bool,
    /// Whether the trace still lists the goroutines that existed before it.
    pub(super) starting: bool,
    /// Goroutines that existed before the trace and have had no other event.
    pub(super) fresh: Vec<(GoId, u32)>,
    /// Whether stacks may be missing because the trace breaks off.
    pub(super) lenient: bool,
    /// The change by the last event that other Ps may wait for.
    pub change: Option<Change>,
    /// Whether an event waits for a goroutine that does not exist yet.
    pub(super) unborn: bool,
    /// Whether an event waits for a collection to begin.
    pub(super) gc_awaited: bool,
    /// Events that come along with the last one taken.
    pub follow: VecDeque<Event>,
}

impl Model {
    pub(super) fn new(
        names: Names,
        timers: HashSet<u64, foldhash::fast::RandomState>,
        lenient: bool,
    ) -> Self {
        Self {
            gs: Goroutines::default(),
            procs: Vec::new(),
            names,
            tasks: HashMap::default(),
            timers,
            collections: 0,
            collecting: false,
            stop: StringId::default(),
            stopped: false,
            starting: true,
            fresh: Vec::new(),
            lenient,
            change: None,
            unborn: false,
            gc_awaited: false,
            follow: VecDeque::new(),
        }
    }

    /// Bytes of memory that this holds while up to `more` events are taken.
    pub(super) fn held(&self, more: usize) -> u64 {
        let follow = (self.follow.capacity() * size_of::<Event>()) as u64;
        self.gs.held(more)
            + of_map(&self.tasks, more)
            + of_vec(&self.fresh, more)
            + growing(follow, self.follow.len() + more > self.follow.capacity())
    }

    /// Takes the next event of P number `proc`, if it can come next. Reads all
    /// its arguments then.
    #[inline(always)]
    pub(super) fn take(&mut self, proc: usize, mut step: Step<'_, '_>) -> Result<Taken> {
        let event_type = step.next.kind;
        match event_type {
            wire::GO_START | wire::GO_START_LOCAL => {
                let id = step.args.next();
                let (g, slot) = self.start(proc, event_type, id, &mut step)?;
                let from = match self.starting {
                    true => GoState::Undetermined,
                    false => GoState::Runnable,
                };
                self.gs[slot].fresh &= !self.starting;
                let kind = StateTransition::bare((g, slot), from, GoState::Running);
                self.write(proc, &mut step, kind)
            }
            wire::GO_SLEEP
            | wire::GO_BLOCK
            | wire::GO_BLOCK_SEND
            | wire::GO_BLOCK_RECV
            | wire::GO_BLOCK_SELECT
            | wire::GO_BLOCK_SYNC
            | wire::GO_BLOCK_COND
            | wire::GO_BLOCK_NET
            | wire::GO_BLOCK_GC => self.stop_running(proc, Status::Waiting, GoState::Waiting, step),
            wire::GO_SCHED | wire::GO_PREEMPT => {
                self.stop_running(proc, Status::Runnable, GoState::Runnable, step)
            }
            wire::GO_UNBLOCK | wire::GO_UNBLOCK_LOCAL => self.unblock(proc, step),
            wire::GO_SYSCALL => {
                let slot = self.procs[proc].current(event_type)?;
                let g = &mut self.gs[slot];
                g.network = false;
                let id = g.id;
                let stack = step.stack();
                let kind = StateTransition::goroutine(
                    (id, slot),
                    GoState::Running,
                    GoState::Syscall,
                    stack,
                    stack,
                );
                self.write(proc, &mut step, kind)?;
                Ok(Taken::Syscall)
            }
            wire::GO_SYSBLOCK => {
                let p = &mut self.procs[proc];
                let slot = p.current(event_type)?;
                let g = &mut self.gs[slot];
                p.clear_g();
                if g.awaited {
                    self.change = Some(Change::Step(slot));
                }
                (g.order, g.status) = (Status::Waiting, Status::Waiting);
                g.blocked = step.next.time;
                Ok(Taken::Nothing)
            }
            wire::GO_SYSEXIT | wire::GO_SYSEXIT_LOCAL => self.exit_syscall(step),
            wire::GO_CREATE => self.create(proc, step),
            wire::GO_END => {
                let p = self.procs[proc];
                let slot = p.current(event_type)?;
                let kind = StateTransition::bare(
                    (p.goroutine(), slot),
                    GoState::Running,
                    GoState::NotExist,
                );
                self.write(proc, &mut step, kind)?;
                self.procs[proc].clear_g();
                self.gs.end(slot);
                Ok(Taken::Event)
            }
            wire::HEAP_ALLOC | wire::HEAP_GOAL => {
                let kind = EventKind::Metric {
                    metric: match event_type {
                        wire::HEAP_ALLOC => Metric::HeapObjects,
                        _ => Metric::HeapGoal,
                    },
                    value: step.args.next(),
                    stack: StackId::NONE,
                };
                self.write(proc, &mut step, kind)
            }
            _ => self.rare(proc, step),
        }
    }

    /// Handles the rare events of goroutines.
    #[inline(never)]
    fn rare(&mut self, proc: usize, mut step: Step<'_, '_>) -> Result<Taken> {
        let event_type = step.next.kind;
        match event_type {
            wire::GO_START_LABEL => {
                let id = step.args.next();
                let (g, slot) = self.start(proc, event_type, id, &mut step)?;
                let label = step.args.next();
                let label = step.string(label)?;
                let kind = StateTransition::bare((g, slot), GoState::Runnable, GoState::Running);
                self.write(proc, &mut step, kind)?;
                step.out.m = self.procs[proc].thread_or_first();
                self.follow.push_back(Event {
                    kind: EventKind::Label { label },
                    time: step.time,
                    ..*step.out
                });
                Ok(Taken::Followed)
            }
            wire::GO_STOP => {
                let p = &mut self.procs[proc];
                let slot = p.current(event_type)?;
                let g = &mut self.gs[slot];
                // It blocks forever.
                g.status = Status::Dead;
                let (id, stack) = (g.id, step.stack());
                let kind = self.stops(event_type, (id, slot), GoState::Waiting, stack);
                self.write(proc, &mut step, kind)?;
                self.procs[proc].clear_g();
                Ok(Taken::Event)
            }
            wire::GO_WAITING | wire::GO_IN_SYSCALL => {
                let id = GoId(step.args.next() as i64);
                let Some((slot, g)) = self.gs.find(id) else {
                    return Err(Refusal::NotReady);
                };
                if (g.order, g.seq) != (Status::Runnable, 1) {
                    return Err(Refusal::NotReady);
                }
                g.must_be(Status::Runnable, event_type)?;
                if g.awaited {
                    self.change = Some(Change::Step(slot));
                }
                (g.order, g.status, g.seq) = (Status::Waiting, Status::Waiting, 2);
                (g.network, g.fresh) = (false, false);
                let mut to = GoState::Waiting;
                if event_type == wire::GO_IN_SYSCALL {
                    g.blocked = step.next.time;
                    to = GoState::Syscall;
                }
                let kind = StateTransition::bare((id, slot), GoState::Undetermined, to);
                self.write(proc, &mut step, kind)?;
                step.out.g = id;
                Ok(Taken::Event)
            }
            wire::GOMAXPROCS => {
                let value = step.args.next();
                let stack = step.stack();
                if std::mem::take(&mut self.starting) {
                    self.tell_fresh(step.time);
                    return Ok(Taken::Others);
                }
                let metric = Metric::Gomaxprocs;
                let kind = EventKind::Metric {
                    metric,
                    value,
                    stack,
                };
                self.write(proc, &mut step, kind)
            }
            _ => self.runtime(proc, step),
        }
    }

    /// Returns the goroutines that existed before the trace and have had no
    /// event: they are runnable.
    fn tell_fresh(&mut self, time: Time) {
        for (id, slot) in std::mem::take(&mut self.fresh) {
            let g = &self.gs[slot];
            if g.id == id && g.fresh {
                self.follow.push_back(Event {
                    time,
                    kind: StateTransition::bare(
                        (id, slot),
                        GoState::Undetermined,
                        GoState::Runnable,
                    ),
                    ..Event::default()
                });
            }
        }
    }

    /// Writes an event in the context of a P.
    #[inline(always)]
    pub(super) fn write(
        &self,
        proc: usize,
        step: &mut Step<'_, '_>,
        kind: EventKind,
    ) -> Result<Taken> {
        let p = &self.procs[proc];
        *step.out = Event {
            time: step.time,
            m: p.m,
            p: p.p,
            g: p.goroutine(),
            kind,
        };
        Ok(Taken::Event)
    }
}
