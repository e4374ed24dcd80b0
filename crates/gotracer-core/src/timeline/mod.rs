//! Ordered events to intervals and gauges: the model of goroutines,
//! processors and the world.
//!
//! [`Timeline::event`] is given every event and tells an [`Observer`] what
//! lasted, when it is over. What is not over yet can be asked for at any time
//! with [`Timeline::open_intervals`], so a report is possible in the middle of
//! a live trace.
//!
//! The state of every goroutine and processor is repeated at the start of each
//! generation: a transition from a state to itself ends nothing.

mod accounts;
mod assists;
mod classify;
mod collector;
mod goroutines;
mod heap;
mod interval;
mod origin;
mod place;
mod procs;
mod reasons;
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

pub use assists::Assisted;
pub use classify::{Lock, Outside, Owner, is_c_call};
pub use collector::{GcCpu, GcWork};
pub use goroutines::{Goroutine, Population, Site};
pub use interval::{Actor, Interval, Kind, Kinds, StopReason, Wait, Way};
pub use stacks::{FrameKey, FrameText, StackKey, Stacks, Traits};
pub use standard::is_standard;
pub use state::{State, StateVector};
pub use stretches::{Doing, Stretch};
pub use transition::{Creation, Transition};
pub use waiting::{Pool, StackWaits, Waiting};
pub use world::is_collectors_stop;

use crate::trace::{
    Event, EventKind, GoId, Metric, Range, Slot, StackId, StateTransition, Tables, Time,
};
use accounts::Accounts;
use assists::Assists;
use collector::Collector;
use goroutines::Goroutines;
use heap::Heap;
use procs::Procs;
use reasons::Reasons;
pub use silence::LEAST as SILENCE;
use silence::Silences;
use stretches::Stretches;
use world::World;

/// The live heap at the end of a garbage collection's mark phase.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeapFloor {
    /// When marking ended.
    pub time: Time,
    /// Bytes found to be live.
    pub live: u64,
}

/// Is told what the timeline finds.
pub trait Observer {
    /// The kinds of intervals that it wants.
    fn watches(&self) -> Kinds;

    /// Something that lasted is over.
    fn interval(&mut self, interval: &Interval, timeline: &Timeline);

    /// A garbage collection finished marking.
    fn heap_floor(&mut self, floor: HeapFloor, timeline: &Timeline);

    /// A goroutine leaves a wait that lasted so long, ns.
    fn waited(&mut self, _: &Goroutine, _: u64, _: &Timeline) {}

    /// A goroutine ends. The vector is the part of its state vector that no report has had yet.
    fn ended(&mut self, _: &Goroutine, _: StateVector, _: &Timeline) {}
}

/// What has happened so far.
#[derive(Debug, Default)]
pub struct Timeline {
    stacks: Stacks,
    reasons: Reasons,
    gs: Goroutines,
    procs: Procs,
    population: Population,
    world: World,
    assists: Assists,
    accounts: Accounts,
    collector: Collector,
    silences: Silences,
    stretches: Stretches,
    start: Option<Time>,
    /// When a report was last made.
    reported: Option<Time>,
    /// How long no processor had been idle by then, ns.
    reported_busy: u64,
    now: Time,
    /// Runnable goroutines of the program.
    runnable: u32,
    /// Since when a processor is idle although a goroutine is runnable.
    starving: Option<Time>,
    heap: Heap,
    /// The program has coroutines: a goroutine that waits without a reason
    /// waits for one. Old traces give no reason for other waits either.
    coroutines: bool,
}

impl Timeline {
    /// Bytes of memory that this holds while up to `more` events are taken in.
    pub fn held(&self, more: usize) -> u64 {
        self.stacks.held()
            + self.reasons.held()
            + self.gs.held(more)
            + self.procs.held()
            + self.population.held()
            + self.assists.held()
            + self.accounts.held(more)
            + self.collector.held()
            + self.silences.held()
    }

    /// Whether an event tells more than the time.
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

    /// Takes in the next event. `tables` are those of its generation.
    #[inline(always)]
    pub fn event(&mut self, event: &Event, tables: &Tables, observer: &mut impl Observer) {
        match Transition::of(event) {
            Some(transition) => self.transition(&transition, tables, observer),
            None => self.other(event, tables, observer),
        }
    }

    /// Events that are not [heeded](Self::heeds), up to a time, with no silence before or between them.
    pub fn pass(&mut self, time: Time) {
        self.now = time;
        self.silences.event(time);
    }

    /// An event that is not [heeded](Self::heeds), but for its time.
    pub fn unheeded(&mut self, time: Time, observer: &mut impl Observer) {
        self.advance(time, observer);
    }

    /// An event of some thread.
    #[inline(always)]
    fn advance(&mut self, time: Time, observer: &mut impl Observer) {
        self.now = time;
        if let Some(last) = self.silences.event(time) {
            self.end_silence(last, time, observer);
        }
    }

    /// An event that is no transition.
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
                    self.world.set_gomaxprocs(event.p);
                    self.check_starvation(None, observer);
                }
                Metric::HeapObjects => self.heap.set_objects(value, event.g),
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

    /// The world is stopped, nothing allocates: what the heap holds is what
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

    /// When what a report tells of began: the first event, or the last report.
    pub fn stretch(&self) -> Time {
        self.reported.unwrap_or(self.start())
    }

    /// How long that is up to now, ns.
    pub fn duration(&self) -> u64 {
        self.since_stretch(self.now)
    }

    /// A time as ns since that began; 0 for what was before.
    pub fn since_stretch(&self, time: Time) -> u64 {
        time.saturating_sub(self.stretch()).max(0) as u64
    }

    /// When a report was last made, if one was: what had crossed a threshold
    /// by then was told.
    pub fn reported(&self) -> Option<Time> {
        self.reported
    }

    /// A report was made: what comes is told by the next one.
    pub fn start_stretch(&mut self) {
        self.reported = Some(self.now);
        self.reported_busy = self.procs.busy(self.now);
        self.population.start_stretch();
        self.settle_accounts();
        self.collector.start_stretch(self.now);
        self.heap.start_stretch();
    }

    /// Since when the growth of the number of goroutines is counted.
    pub fn growing_since(&self) -> Time {
        self.population.growing_since().unwrap_or(self.start())
    }

    /// Says whether growth will be counted on when a report was made.
    pub fn set_growing(&mut self, growing: bool) {
        self.population.growing = growing;
    }

    /// From here on growth is counted anew.
    pub fn start_growth(&mut self) {
        self.population.start_growth(self.now);
    }

    /// All stacks that were needed.
    pub fn stacks(&self) -> &Stacks {
        &self.stacks
    }

    /// The key of a stack of the current generation.
    pub fn stack_key(&mut self, stack: StackId, tables: &Tables) -> StackKey {
        self.stacks.key(stack, tables)
    }

    /// How the number of goroutines changed.
    pub fn population(&self) -> &Population {
        &self.population
    }

    /// The goroutines that exist.
    pub fn goroutines(&self) -> impl Iterator<Item = &Goroutine> {
        self.gs.iter()
    }

    /// The last known GOMAXPROCS.
    pub fn gomaxprocs(&self) -> Option<u64> {
        self.procs.limit()
    }

    /// Goroutines of the program that could run and do not.
    pub fn runnable(&self) -> u64 {
        u64::from(self.runnable)
    }

    /// How long no processor was idle since the trace's start or the last report, ns.
    pub fn busy(&self) -> u64 {
        self.procs.busy(self.now).saturating_sub(self.reported_busy)
    }

    /// Goroutines that run now; counts them.
    pub fn running(&self) -> u64 {
        self.procs.running()
    }

    /// Whether the world is stopped.
    pub fn is_stopped(&self) -> bool {
        self.world.is_stopped()
    }

    /// What the heap holds, live or not swept yet, bytes.
    pub fn heap_objects(&self) -> Option<u64> {
        self.heap.objects
    }

    /// The last known heap goal, bytes; `None` as well while the collector is
    /// off.
    pub fn heap_goal(&self) -> Option<u64> {
        self.heap.goal
    }

    /// What marking last found to be live, bytes.
    pub fn heap_live(&self) -> Option<u64> {
        self.heap.live
    }

    /// The most bytes that the heap held, live or not swept yet.
    pub fn heap_peak(&self) -> Option<u64> {
        self.heap.peak
    }

    /// Whether the collector is off, as the heap goal says.
    pub fn is_collector_off(&self) -> bool {
        self.heap.is_off
    }

    /// By how much the heap grew when goroutines allocated since the trace's start or the last report, bytes.
    pub fn allocated(&self) -> u64 {
        self.heap.allocated
    }

    /// What the heap held first since the trace's start or the last report, bytes.
    pub fn heap_first(&self) -> Option<u64> {
        self.heap.first
    }

    /// Garbage collections that finished marking within the trace.
    pub fn collections(&self) -> u64 {
        self.heap.collections
    }

    /// The goroutine during which the heap grew most since marking last
    /// finished, of those that still have a place, and by how many bytes. To be asked at a [`HeapFloor`].
    pub fn top_allocator(&self) -> Option<(Actor, u64)> {
        // One that ended has no place any more.
        let placed = |g: &Goroutine| g.owner == Owner::Program && g.best_stack().is_some();
        let placed = |g| self.gs.find(g).is_some_and(placed);
        let top = self.heap.top(placed).or_else(|| self.heap.top(|_| true));
        let (g, bytes) = top?;
        let stack = self.gs.find(g).map(Goroutine::best_stack);
        let stack = stack.unwrap_or_default();
        Some((Actor { g, stack }, bytes))
    }

    /// The name of a reason to stop the world, as the runtime gives it.
    pub fn stop_reason(&self, reason: StopReason) -> &str {
        self.world.reason(reason)
    }

    /// The slot of a goroutine; `None` if it is gone.
    pub(crate) fn slot(&self, g: GoId) -> Option<Slot> {
        self.gs.slot(g).map(Slot)
    }

    /// The goroutines that exist, with their slots.
    pub(crate) fn goroutines_with_slots(&self) -> impl Iterator<Item = (Slot, &Goroutine)> {
        self.gs.with_slots().map(|(slot, g)| (Slot(slot), g))
    }

    /// The goroutine that has a slot now; none if nobody has.
    #[inline]
    pub fn goroutine_at(&self, slot: Slot) -> GoId {
        self.gs.get(slot.0).map_or(GoId::NONE, |g| g.id)
    }

    /// A goroutine by its id; `None` if it is gone.
    pub fn find(&self, g: GoId) -> Option<&Goroutine> {
        self.gs.find(g)
    }

    /// Some frame of the function that a goroutine was started with, the same for all its lines. Unknown if neither the
    /// `go` statement nor a whole stack of the goroutine is in the trace.
    pub fn start_function(&self, g: &Goroutine) -> FrameKey {
        let known = self.stacks.traits(g.start).start;
        match known.is_some() {
            true => known,
            false => self.stacks.traits(g.stack).start,
        }
    }

    /// The lock that a wait is for. The runtime's reason ("sync") is the same
    /// for every semaphore, only stacks tell; where the trace has none of the
    /// waiter, the one that woke it must have unlocked something.
    pub fn lock(&self, wait: &Interval) -> Option<Lock> {
        let of = |actor: Actor| self.stacks.traits(actor.stack);
        let untold = !wait.victim.stack.is_some() && of(wait.by).unlocks;
        of(wait.victim).lock.or(untold.then_some(Lock::Mutex))
    }

    /// Whether a wait is for a lock, but for a `sync.Once`.
    pub fn waits_for_lock(&self, wait: &Interval) -> bool {
        self.lock(wait).is_some_and(|lock| lock != Lock::Once)
    }

    /// The goroutine that is runnable for the longest time.
    pub fn longest_runnable(&self) -> Option<Actor> {
        let runnable = self.gs.iter().filter(|g| g.counts_as_runnable());
        let g = runnable.min_by_key(|g| g.since)?;
        Some(Actor {
            g: g.id,
            stack: g.best_stack(),
        })
    }

    /// Who ran longest on all processors between two times, and for how long
    /// in all. Of each processor the last long stretches are known.
    pub fn ran_longest(&self, start: Time, end: Time) -> Option<(Actor, u64)> {
        let mut sums: Vec<(Actor, u64)> = Vec::new();
        for run in self.procs.runs() {
            let (who, from, to) = match run {
                Ok(run) => (run.who, run.start, run.end),
                Err((slot, since)) => match self.gs.get(slot) {
                    Some(g) => (self.actor(g), since, end),
                    None => continue,
                },
            };
            let (from, to) = (from.max(start), to.min(end));
            let silent = Time::try_from(self.silent(from, to)).unwrap_or(Time::MAX);
            let overlap = to.saturating_sub(from).saturating_sub(silent);
            if overlap <= 0 {
                continue;
            }
            match sums.iter_mut().find(|(known, _)| known.g == who.g) {
                Some((known, sum)) => {
                    *sum += overlap as u64;
                    if who.stack.is_some() {
                        known.stack = who.stack;
                    }
                }
                None => sums.push((who, overlap as u64)),
            }
        }
        sums.into_iter().max_by_key(|(_, sum)| *sum)
    }

    fn actor(&self, g: &Goroutine) -> Actor {
        Actor {
            g: g.id,
            stack: g.best_stack(),
        }
    }

    /// Everything that is not over yet, as if it ended now. `under_way` says
    /// whether there will be more events.
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
