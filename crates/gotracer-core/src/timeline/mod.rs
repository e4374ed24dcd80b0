//! Timeline: the model of goroutines, Ps and the world, from ordered events to intervals and gauges.
//!
//! [`Timeline::event`] processes each event and passes each interval that ended to an [`Observer`].
//! [`Timeline::open_intervals`] returns the intervals that have not ended, so a report is possible in the middle of a
//! live trace.
//!
//! Each generation repeats the state of all goroutines and Ps. A transition from a state to itself ends no interval.

mod accounts;
mod assists;
mod calls;
mod classify;
mod collector;
mod goroutines;
mod heap;
mod interval;
mod mark;
mod origin;
mod place;
mod pressure;
mod procs;
mod reasons;
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

pub use assists::Assisted;
pub use calls::CallCrowd;
pub use classify::{Lock, Outside, Owner, is_c_call};
pub use collector::{GcCpu, GcWork};
pub use goroutines::{Goroutine, Population, Site};
pub use interval::{Actor, Interval, Kind, Kinds, StopReason, Wait, Way};
pub use mark::{InState, Mark};
pub use pressure::SchedPressure;
pub use sampling::{CpuTime, PERIOD as SAMPLE_PERIOD};
pub use stacks::{FrameKey, FrameText, StackKey, Stacks, Traits};
pub use standard::is_standard;
pub use state::{State, StateVector};
pub use stretches::{Doing, LONG, Stretch};
pub use transition::{Creation, Transition};
pub use waiting::{Pool, StackWaits, Waiting};
pub use world::is_collectors_stop;

use crate::trace::{
    Event, EventKind, GoId, Metric, Range, Slot, StackId, StateTransition, Tables, Time,
};
use accounts::Accounts;
use assists::Assists;
use calls::Calls;
use collector::Collector;
use goroutines::Goroutines;
use heap::{Heap, Share};
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

/// Live heap at the end of a mark phase.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeapFloor {
    /// End of marking.
    pub time: Time,
    /// Live bytes.
    pub live: u64,
}

/// Receiver of a timeline's intervals.
pub trait Observer {
    /// Kinds of intervals to receive.
    fn watches(&self) -> Kinds;

    /// Receives an interval that ended.
    fn interval(&mut self, interval: &Interval, timeline: &Timeline);

    /// Receives the live heap at the end of a mark phase.
    fn heap_floor(&mut self, floor: HeapFloor, timeline: &Timeline);

    /// Receives a program's goroutine that was runnable for `ns` and runs. Returns whether the interval is needed as
    /// well: to build it takes longer than to count it, and most of these waits are short.
    fn ran(&mut self, _: &Goroutine, _ns: u64, _: &Timeline) -> bool {
        true
    }

    /// Receives a goroutine that leaves a wait, and the wait's duration in ns.
    fn waited(&mut self, _: &Goroutine, _: u64, _: &Timeline) {}

    /// Receives a goroutine that ends, and the part of its state vector that no earlier report contains.
    fn ended(&mut self, _: &Goroutine, _: StateVector, _: &Timeline) {}
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
    accounts: Accounts,
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

/// Goroutine that was running for most of the heap's growth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Allocator {
    /// The goroutine, with a stack of its own: in an allocation, the last one, or its start function.
    pub actor: Actor,
    /// Growth of the heap meanwhile, bytes.
    pub bytes: u64,
    /// Whether the stack is that of an allocation.
    pub is_site: bool,
}

impl Allocator {
    /// No goroutine.
    pub const NONE: Self = Self {
        actor: Actor::NONE,
        bytes: 0,
        is_site: false,
    };
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
            + self.accounts.held(more)
            + self.collector.held()
            + self.silences.held()
            + self.sampling.held()
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

    /// Start of the next report: the first event, or the last report.
    pub fn stretch(&self) -> Time {
        self.reported.unwrap_or(self.start())
    }

    /// Duration since [`stretch`](Self::stretch), ns.
    pub fn duration(&self) -> u64 {
        self.since_stretch(self.now)
    }

    /// Duration from [`stretch`](Self::stretch) to a time, ns; 0 for earlier times.
    pub fn since_stretch(&self, time: Time) -> u64 {
        elapsed(self.stretch(), time)
    }

    /// Time of the last report, if there was one. It contains all that crossed a threshold by then.
    pub fn reported(&self) -> Option<Time> {
        self.reported
    }

    /// Starts the next report.
    pub fn start_stretch(&mut self) {
        self.reported = Some(self.now);
        self.reported_busy = self.procs.busy(self.now);
        self.pressure.start_stretch(self.now);
        self.population.start_stretch();
        self.settle_accounts();
        self.collector.start_stretch(self.now);
        self.calls.start_stretch(self.now);
        self.heap.start_stretch();
        let running = self.total_running();
        self.sampling.start_stretch(self.now, running);
    }

    /// Time since which the growth of the number of goroutines is counted.
    pub fn growing_since(&self) -> Time {
        self.population.growing_since().unwrap_or(self.start())
    }

    /// Sets whether the count of growth continues after the next report.
    pub fn set_growing(&mut self, growing: bool) {
        self.population.growing = growing;
    }

    /// Restarts the count of growth.
    pub fn start_growth(&mut self) {
        self.population.start_growth(self.now);
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

    /// Heap objects, live or not swept yet, bytes.
    pub fn heap_objects(&self) -> Option<u64> {
        self.heap.objects
    }

    /// Last known heap goal, bytes; `None` if the collector is off.
    pub fn heap_goal(&self) -> Option<u64> {
        self.heap.goal
    }

    /// Live heap at the end of the last marking, bytes.
    pub fn heap_live(&self) -> Option<u64> {
        self.heap.live
    }

    /// Peak of heap objects, live or not swept yet, bytes.
    pub fn heap_peak(&self) -> Option<u64> {
        self.heap.peak
    }

    /// Whether the heap goal means that the collector is off.
    pub fn is_collector_off(&self) -> bool {
        self.heap.is_off
    }

    /// Growth of the heap by allocation since the trace's start or the last report, bytes.
    pub fn allocated(&self) -> u64 {
        self.heap.allocated
    }

    /// First number of heap bytes since the trace's start or the last report.
    pub fn heap_first(&self) -> Option<u64> {
        self.heap.first
    }

    /// Mark phases that ended within the trace.
    pub fn collections(&self) -> u64 {
        self.heap.collections
    }

    /// Returns the goroutine that was running for most of the heap's growth since the last marking. Goroutines with a
    /// stack come first. Valid while the observer receives a [`HeapFloor`].
    pub fn top_allocator(&self) -> Option<Allocator> {
        let placed = |g, share: &Share| {
            let alive = self.gs.find(g);
            let alive = alive.filter(|g| g.owner == Owner::Program && g.best_stack().is_some());
            let started = self.stacks.traits(share.start).owner == Owner::Program;
            share.site.is_some() || alive.is_some() || share.start.is_some() && started
        };
        let top = self.heap.top(placed).or_else(|| self.heap.top(|_, _| true));
        let (g, Share { bytes, start, site }) = top?;
        let last = self.gs.find(g).map(Goroutine::best_stack);
        let stacks = [site, last.unwrap_or_default(), start];
        let stack = stacks.into_iter().find(|stack| stack.is_some());
        let actor = Actor {
            g,
            stack: stack.unwrap_or_default(),
        };
        Some(Allocator {
            actor,
            bytes,
            is_site: site.is_some(),
        })
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

    /// Whether a wait is for a lock other than a `sync.Once`.
    pub fn waits_for_lock(&self, wait: &Interval) -> bool {
        self.lock(wait).is_some_and(|lock| lock != Lock::Once)
    }

    /// Returns the goroutine that has been runnable longest.
    pub fn longest_runnable(&self) -> Option<Actor> {
        let runnable = self.gs.iter().filter(|g| g.counts_as_runnable());
        let g = runnable.min_by_key(|g| g.since)?;
        Some(Actor {
            g: g.id,
            stack: g.best_stack(),
        })
    }

    /// Returns the goroutine that ran longest on all Ps between two times, and its running time in ns. Covers the
    /// last long runs of each P.
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
