//! CPU time of the garbage collector, and its cycles.
//!
//! Each start of a mark worker has a label with the worker's mode. Idle workers are counted separately, because they
//! run on Ps that would be idle otherwise.

use super::elapsed;
use super::goroutines::Worker;
use super::interval::{Actor, Interval, Kind};
use super::utilization::{Utilization, WINDOWS};
use super::{Observer, Owner, Timeline};
use crate::trace::{Event, GoState, Time};
use crate::units;

/// CPU time, the sum of all Ps, ns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct GcCpu {
    /// Duration times GOMAXPROCS.
    pub available: u64,
    /// Dedicated and fractional mark workers.
    pub background: u64,
    /// Idle mark workers.
    pub idle: u64,
    /// Mark assists of the program's goroutines.
    pub assist: u64,
    /// Stop-the-world pauses of the collector, times GOMAXPROCS.
    pub pause: u64,
}

impl GcCpu {
    /// CPU time that the program lost. Idle marking is not included.
    pub fn taken(&self) -> u64 {
        units::total([self.background, self.assist, self.pause])
    }

    /// Ratio of a part to the available CPU time; 0 if no CPU time was available.
    pub fn ratio(&self, part: u64) -> f64 {
        part as f64 / self.available.max(1) as f64
    }

    fn since(self, earlier: Self) -> Self {
        Self {
            available: self.available - earlier.available,
            background: self.background - earlier.background,
            idle: self.idle - earlier.idle,
            assist: self.assist - earlier.assist,
            pause: self.pause - earlier.pause,
        }
    }
}

/// Work of the collector.
#[derive(Clone, Copy, Debug, Default)]
pub struct GcWork {
    /// Cycles that completed marking.
    pub cycles: u64,
    /// Duration of marking, ns.
    pub marking: u64,
    /// CPU time.
    pub cpu: GcCpu,
    /// Duration of stop-the-world pauses times the number of Ps, ns. Of that, `cpu.pause` is the part on stopped Ps.
    pub pauses: u64,
}

impl GcWork {
    fn since(self, earlier: Self) -> Self {
        Self {
            cycles: self.cycles - earlier.cycles,
            marking: self.marking - earlier.marking,
            cpu: self.cpu.since(earlier.cpu),
            pauses: self.pauses - earlier.pauses,
        }
    }
}

/// Accounting of the collector's work.
#[derive(Debug, Default)]
pub(super) struct Collector {
    work: GcWork,
    /// Work at the last report.
    reported: GcWork,
    /// End of the time that `work` covers.
    at: Time,
    procs: u64,
    /// Running mark workers and assisting goroutines.
    background: u64,
    idle: u64,
    assisting: u64,
    /// A stop-the-world of the collector is active: `paused` ends when goroutines run again, `in_pause` at the end of
    /// the range.
    paused: bool,
    in_pause: bool,
    /// Goroutines that still run although the world is to stop.
    stopping: u64,
    marking: Option<Time>,
    /// Marking began before the trace.
    cut: bool,
    /// The goroutine that started marking.
    begun_by: Option<Actor>,
    utilization: Utilization,
}

impl Collector {
    /// Bytes of memory held.
    pub(super) fn held(&self) -> u64 {
        self.utilization.held()
    }

    /// Work up to `now`.
    fn up_to(&self, now: Time) -> GcWork {
        let ns = elapsed(self.at, now);
        let mut work = self.work;
        let cpu = &mut work.cpu;
        let add = |sum: &mut u64, on: u64| *sum = sum.saturating_add(ns.saturating_mul(on));
        add(&mut cpu.available, self.procs);
        if self.paused {
            add(&mut cpu.pause, self.procs.saturating_sub(self.stopping));
            add(&mut work.pauses, self.procs);
        } else if self.marking.is_some() {
            // The worker that finds no more work also ends the collection, which runtime/metrics does not count.
            add(&mut cpu.background, self.background);
            add(&mut cpu.idle, self.idle);
            add(&mut cpu.assist, self.assisting);
        }
        let since = self.marking.map(|since| since.max(self.at));
        let marked = since.map_or(0, |since| elapsed(since, now));
        work.marking = work.marking.saturating_add(marked);
        work
    }

    /// Adds the time up to `now`. Must be called before a count changes.
    fn settle(&mut self, now: Time) {
        if self.procs > 0 {
            self.work = self.up_to(now);
        }
        self.at = now;
    }

    /// Records the collector's new share of the CPU.
    fn changed(&mut self, now: Time) {
        if self.procs == 0 {
            return;
        }
        let collects = match self.in_pause {
            true => self.procs,
            false => (self.background + self.assisting).min(self.procs),
        };
        let share = collects as f64 / self.procs as f64;
        self.utilization.set(share, now);
    }

    pub(super) fn set_procs(&mut self, gomaxprocs: u64, now: Time) {
        if gomaxprocs != self.procs {
            self.settle(now);
            self.procs = gomaxprocs;
            self.changed(now);
        }
    }

    /// Records that a goroutine that works for the collector starts or stops running.
    #[cold]
    pub(super) fn runs(&mut self, worker: Worker, assisting: bool, starts: bool, now: Time) {
        self.settle(now);
        let running = match worker {
            Worker::Background => &mut self.background,
            Worker::Idle => &mut self.idle,
            Worker::None if assisting => &mut self.assisting,
            Worker::None => return,
        };
        *running = match starts {
            true => *running + 1,
            false => running.saturating_sub(1),
        };
        self.changed(now);
    }

    /// Starts a stop-the-world of the collector, which `running` goroutines delay.
    pub(super) fn pause(&mut self, running: u64, now: Time) {
        self.settle(now);
        (self.paused, self.in_pause) = (true, true);
        self.stopping = running;
        self.changed(now);
    }

    /// Records that a goroutine stopped running while the world is to stop.
    #[cold]
    pub(super) fn stopped(&mut self, now: Time) {
        self.settle(now);
        self.stopping = self.stopping.saturating_sub(1);
    }

    /// Records that goroutines run again after a stop.
    pub(super) fn resume(&mut self, now: Time) {
        self.settle(now);
        self.paused = false;
    }

    /// Ends the range of a stop.
    pub(super) fn end_pause(&mut self, now: Time) {
        self.settle(now);
        (self.paused, self.in_pause) = (false, false);
        self.changed(now);
    }

    /// Starts marking, which may have begun before the trace (`cut`).
    pub(super) fn start_marking(&mut self, since: Time, cut: bool, by: Actor, now: Time) {
        if self.marking.is_some() {
            return;
        }
        self.settle(now);
        self.work.marking = self.work.marking.saturating_add(elapsed(since, now));
        (self.marking, self.cut) = (Some(since), cut);
        self.begun_by = Some(by);
    }

    /// Ends marking. Returns its start, and whether that was before the trace.
    pub(super) fn end_marking(&mut self, now: Time) -> Option<(Time, bool)> {
        self.settle(now);
        self.work.cycles += 1;
        self.marking.take().map(|since| (since, self.cut))
    }

    /// Starts the work of the next report.
    pub(super) fn start_stretch(&mut self, now: Time) {
        self.settle(now);
        self.reported = self.work;
        self.utilization.start_stretch(now);
    }
}

impl Timeline {
    /// Returns the collector's work since the trace's start or the last report.
    pub fn gc_work(&self) -> GcWork {
        self.collector
            .up_to(self.now)
            .since(self.collector.reported)
    }

    /// Returns the minimum mutator utilization for each window: the window's length in ns, and the ratio of the CPU
    /// that the collector left to the program in the worst window. Idle marking does not count.
    pub fn minimum_utilization(&self) -> [(u64, f64); WINDOWS.len()] {
        let minimum = self.collector.utilization.minimum(self.now);
        std::array::from_fn(|i| (WINDOWS[i] as u64, minimum[i]))
    }

    /// Records a label of the running goroutine. A mark worker gets one at each start.
    pub(super) fn label(&mut self, event: &Event, label: &[u8]) {
        let worker = match label {
            b"GC (idle)" => Worker::Idle,
            label if label.starts_with(b"GC (") => Worker::Background,
            _ => return,
        };
        let Some(g) = self.gs.find_mut(event.g) else {
            return;
        };
        let before = std::mem::replace(&mut g.worker, worker);
        if g.state == GoState::Running && before != worker {
            self.collector.runs(before, false, false, event.time);
            self.collector.runs(worker, false, true, event.time);
        }
    }

    /// Ends marking and emits its interval.
    pub(super) fn marked(&mut self, observer: &mut impl Observer) {
        let Some((start, cut_at_start)) = self.collector.end_marking(self.now) else {
            return;
        };
        let interval = Interval {
            kind: Kind::Marking,
            start,
            end: self.now,
            cut_at_start,
            cut_at_end: false,
            under_way: false,
            victim: Actor::NONE,
            owner: Owner::Runtime,
            by: self.collector.begun_by.unwrap_or(Actor::NONE),
            stopped: 0,
            in_c: false,
        };
        observer.interval(&interval, self);
    }
}
