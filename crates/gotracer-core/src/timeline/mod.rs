//! Timeline: the model of goroutines, Ps and the world, from ordered events to intervals and gauges.
//!
//! [`Timeline::event`] processes each event and passes each interval that ended to an [`Observer`].
//! [`Timeline::open_intervals`] returns the intervals that have not ended, so a report is possible in the middle of a
//! live trace.
//!
//! Each generation repeats the state of all goroutines and Ps. A transition from a state to itself ends no interval.

mod account;
mod accounts;
mod allocator;
mod arrivals;
mod assists;
mod calls;
mod classify;
mod collector;
mod goroutines;
mod heap;
mod in_the_end;
mod interval;
mod leaves;
mod mark;
mod observer;
mod origin;
mod place;
mod pressure;
mod procs;
mod reasons;
mod reported;
mod runs;
mod sampling;
mod silence;
mod stacks;
mod standard;
mod state;
mod stretches;
#[cfg(test)]
mod tests;
mod transition;
mod transitions;
mod utilization;
mod waiting;
mod world;

pub use allocator::Allocator;
pub use assists::Assisted;
pub use calls::CallCrowd;
pub use classify::{Lock, Outside, Owner, is_c_call};
pub use collector::{GcCpu, GcWork};
pub use goroutines::{Goroutine, Population, Site};
pub use interval::{Actor, Interval, Kind, Kinds, StopReason, Way};
pub use leaves::{Leaf, Leaves};
pub use mark::{InState, Mark};
pub use observer::{HeapFloor, Observer};
pub use pressure::SchedPressure;
pub use sampling::{CpuTime, PERIOD as SAMPLE_PERIOD};
pub use stacks::{FrameKey, FrameText, StackKey, Stacks, Traits};
pub use standard::is_standard;
pub use state::{State, StateVector};
pub use stretches::{Doing, LONG};
pub use transition::{Creation, Transition};
pub use waiting::{Pool, StackWaits, Wait, Waiting};
pub use world::is_collectors_stop;

use crate::trace::{
    Event, EventKind, GoId, Metric, Range, Slot, StackId, StateTransition, Tables, Time,
};
use accounts::Reported;
use assists::Assists;
use calls::Calls;
use collector::Collector;
use goroutines::Goroutines;
use heap::Heap;
use pressure::Pressure;
use procs::Procs;
use reasons::Reasons;
use sampling::Sampling;
pub use silence::LEAST as SILENCE;
use silence::Silences;
use stretches::Stretches;
use world::World;

/// Returns the time between two moments, ns; 0 in the wrong order. It wraps only for times that no program reaches.
/// Each transition needs it several times, and a saturating difference takes twice the instructions.
#[inline(always)]
fn elapsed(start: Time, end: Time) -> u64 {
    end.wrapping_sub(start).max(0) as u64
}

/// Returns the time since an earlier event, ns. The times of events increase strictly, so [`elapsed`]'s test for the wrong
/// order is left out where it would be made at each transition.
#[inline(always)]
fn passed(start: Time, end: Time) -> u64 {
    end.wrapping_sub(start) as u64
}

/// Model of the traced process.
#[derive(Debug, Default)]
pub struct Timeline {
    stacks: Stacks,
    reasons: Reasons,
    gs: Goroutines,
    procs: Procs,
    population: Population,
    world: World,
    assists: Assists,
    reported_vectors: Reported,
    collector: Collector,
    calls: Calls,
    silences: Silences,
    sampling: Sampling,
    /// Total time for which goroutines were running, up to their last stops, ns.
    ran: u64,
    stretches: Stretches,
    start: Option<Time>,
    /// Time of the last report.
    reported: Option<Time>,
    /// Total time without an idle P before the last report, ns.
    reported_busy: u64,
    now: Time,
    /// Runnable goroutines of the program.
    runnable: u32,
    /// Running goroutines of the program.
    running: u32,
    pressure: Pressure,
    /// Time since which a P is idle while a goroutine is runnable.
    starving: Option<Time>,
    heap: Heap,
    /// The program has coroutines, so a wait without a reason is a coroutine's. Go 1.21 and older give no reason for
    /// other waits either.
    coroutines: bool,
}

impl Timeline {
    /// Bytes of memory held while up to `more` events are processed.
    pub fn held(&self, more: usize) -> u64 {
        self.stacks.held()
            + self.reasons.held()
            + self.gs.held(more)
            + self.procs.held()
            + self.population.held()
            + self.assists.held()
            + self.reported_vectors.held(more)
            + self.collector.held()
            + self.silences.held()
            + self.sampling.held()
            + self.stretches.held()
    }

    /// Whether an event changes more than the time.
    #[inline(always)]
    pub fn heeds(event: &Event) -> bool {
        matches!(
            event.kind,
            EventKind::StateTransition(_)
                | EventKind::Metric { .. }
                | EventKind::RangeBegin { .. }
                | EventKind::RangeActive { .. }
                | EventKind::RangeEnd { .. }
                | EventKind::Label { .. }
                | EventKind::StackSample { .. }
                | EventKind::Sync { .. }
        )
    }

    /// Processes the next event. `tables` are those of its generation.
    #[inline(always)]
    pub fn event(&mut self, event: &Event, tables: &Tables, observer: &mut impl Observer) {
        match Transition::of(event) {
            Some(transition) => self.transition(&transition, tables, observer),
            None => self.other(event, tables, observer),
        }
    }

    /// Advances to the time of the last of several events that are not [heeded](Self::heeds). There must be no
    /// silence between them.
    pub fn pass(&mut self, time: Time) {
        self.now = time;
        self.silences.event(time);
    }

    /// Processes an event that is not [heeded](Self::heeds): only the time advances.
    pub fn unheeded(&mut self, time: Time, observer: &mut impl Observer) {
        self.advance(time, observer);
    }

    /// Advances the time to that of an event, which may end a silence.
    #[inline(always)]
    fn advance(&mut self, time: Time, observer: &mut impl Observer) {
        self.now = time;
        if let Some(last) = self.silences.event(time) {
            self.end_silence(last, time, observer);
        }
    }

    /// Processes an event that is not a transition.
    fn other(&mut self, event: &Event, tables: &Tables, observer: &mut impl Observer) {
        if let EventKind::StackSample { stack } = event.kind {
            self.now = event.time;
            return self.sample(event, stack, tables);
        }
        self.advance(event.time, observer);
        match event.kind {
            EventKind::StateTransition(StateTransition::Goroutine { .. }) => {
                match Creation::of(event) {
                    Some(creation) => self.creation(&creation, tables, observer),
                    None => self.appear_or_repeat(event, tables, observer),
                }
            }
            EventKind::StateTransition(StateTransition::Proc { id, to, .. }) => {
                self.procs.transition(id, to, self.now);
                self.check_starvation(None, observer);
            }
            EventKind::Metric { metric, value, .. } => match metric {
                Metric::Gomaxprocs => {
                    self.procs.set_limit(value, self.now);
                    self.collector.set_procs(value, self.now);
                    self.calls.set_procs(value);
                    self.world.set_gomaxprocs(event.p);
                    self.check_starvation(None, observer);
                }
                Metric::HeapObjects => {
                    let start = || self.gs.find(event.g).map(Goroutine::first_stack);
                    let start = || start().unwrap_or_default();
                    self.heap.set_objects(value, event.g, start);
                }
                Metric::HeapGoal => self.heap.set_goal(value),
                _ => {}
            },
            EventKind::RangeEnd {
                range: Range::GcMark,
            } => {
                self.marked(observer);
                self.collected(observer);
            }
            EventKind::Label { label } => self.label(event, tables.string(label)),
            EventKind::RangeBegin { .. }
            | EventKind::RangeActive { .. }
            | EventKind::RangeEnd { .. } => {
                self.range(event, tables, observer);
            }
            EventKind::Sync { .. } => {
                self.start.get_or_insert(event.time);
                self.stacks.start_generation(tables);
                self.reasons.start_generation();
            }
            _ => {}
        }
    }

    /// Records the live heap. The world is stopped and nothing allocates, so the heap's objects are those that
    /// marking found.
    fn collected(&mut self, observer: &mut impl Observer) {
        self.heap.collect();
        if let Some(live) = self.heap.live {
            let time = self.now;
            observer.heap_floor(HeapFloor { time, live }, self);
        }
        self.heap.restart();
    }

    /// Time of the first event.
    pub fn start(&self) -> Time {
        self.start.unwrap_or(self.now)
    }

    /// Time of the last event.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Stacks of the trace that were needed.
    pub fn stacks(&self) -> &Stacks {
        &self.stacks
    }

    /// Key of a stack of the current generation.
    pub fn stack_key(&mut self, stack: StackId, tables: &Tables) -> StackKey {
        self.stacks.key(stack, tables)
    }

    /// Number of goroutines over time.
    pub fn population(&self) -> &Population {
        &self.population
    }

    /// Iterates over the goroutines that exist.
    pub fn goroutines(&self) -> impl Iterator<Item = &Goroutine> {
        self.gs.iter()
    }

    /// Last known GOMAXPROCS.
    pub fn gomaxprocs(&self) -> Option<u64> {
        self.procs.limit()
    }

    /// Goroutines of the program that are runnable and not running.
    pub fn runnable(&self) -> u64 {
        u64::from(self.runnable)
    }

    /// Time without an idle P since the trace's start or the last report, ns.
    pub fn busy(&self) -> u64 {
        self.procs.busy(self.now).saturating_sub(self.reported_busy)
    }

    /// Running goroutines. Iterates over all Ps.
    pub fn running(&self) -> u64 {
        self.procs.running()
    }

    /// Whether the world is stopped.
    pub fn is_stopped(&self) -> bool {
        self.world.is_stopped()
    }

    /// Name of a reason to stop the world, as the runtime gives it.
    pub fn stop_reason(&self, reason: StopReason) -> &str {
        self.world.reason(reason)
    }

    /// Slot of a goroutine; `None` if it does not exist.
    pub(crate) fn slot(&self, g: GoId) -> Option<Slot> {
        self.gs.slot(g).map(Slot)
    }

    /// Iterates over the goroutines that exist, with their slots.
    pub(crate) fn goroutines_with_slots(&self) -> impl Iterator<Item = (Slot, &Goroutine)> {
        self.gs.with_slots().map(|(slot, g)| (Slot(slot), g))
    }

    /// Goroutine in a slot; none if the slot is free.
    #[inline]
    pub fn goroutine_at(&self, slot: Slot) -> GoId {
        self.gs.get(slot.0).map_or(GoId::NONE, |g| g.id)
    }

    /// Goroutine by its ID; `None` if it does not exist.
    pub fn find(&self, g: GoId) -> Option<&Goroutine> {
        self.gs.find(g)
    }

    /// Returns a frame of the goroutine's start function, the same for all lines. Unknown if the trace has neither
    /// the `go` statement nor a whole stack of the goroutine.
    pub fn start_function(&self, g: &Goroutine) -> FrameKey {
        let known = self.stacks.traits(g.start).start;
        match known.is_some() {
            true => known,
            false => self.stacks.traits(g.stack).start,
        }
    }

    /// Returns the type of the lock that a wait is for. The runtime's reason is "sync" for every semaphore, so the
    /// stack decides. Without a stack of the waiter, a waker that unlocks shows that the wait was for a lock.
    pub fn lock(&self, wait: &Interval) -> Option<Lock> {
        let of = |actor: Actor| self.stacks.traits(actor.stack);
        let unlocked = !wait.victim.stack.is_some() && of(wait.by).unlocks;
        of(wait.victim).lock.or(unlocked.then_some(Lock::Mutex))
    }

    /// Returns whether an interval in a call is one of the program. A C thread has no stack while it is in its own C
    /// code, and Go 1.22 records no stack of calls that began before the trace.
    pub fn is_programs_call(&self, call: &Interval) -> bool {
        let parked = self.stacks().traits(call.victim.stack).parked;
        call.owner == Owner::Program && !parked && !call.in_c && call.victim.stack.is_some()
    }

    /// Whether a wait is for a lock other than a `sync.Once`.
    pub fn waits_for_lock(&self, wait: &Interval) -> bool {
        self.lock(wait).is_some_and(|lock| lock != Lock::Once)
    }

    fn actor(&self, g: &Goroutine) -> Actor {
        Actor {
            g: g.id,
            stack: g.best_stack(),
        }
    }

    /// Iterates over the intervals that have not ended, as if they ended now. `under_way` means that more events will
    /// follow.
    pub fn open_intervals(&self, under_way: bool) -> impl Iterator<Item = Interval> + '_ {
        let goroutines = self.gs.iter();
        let kinds = goroutines.filter_map(|g| Some((g, self.open_kind(g)?)));
        kinds
            .map(|(g, kind)| self.open_interval(g, kind))
            .chain(self.world.open_intervals(self.now))
            .chain(self.assists.open_intervals(self.now))
            .chain(self.starving.map(|since| self.starvation(since, None)))
            .map(move |interval| Interval {
                cut_at_end: true,
                under_way,
                ..interval
            })
    }
}
