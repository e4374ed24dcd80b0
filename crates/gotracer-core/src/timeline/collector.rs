//! What the garbage collector takes from the program: its cycles, and its CPU time.
//!
//! The trace has a label at each start of a mark worker that says how the worker runs. Time of idle workers is kept apart:
//! they run on Ps that have nothing else to do.

use super::interval::{Actor, Interval, Kind};
use super::utilization::{Utilization, WINDOWS};
use super::{Observer, Owner, Timeline};
use crate::trace::{Event, GoState, Time};

/// How a goroutine works for the collector.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Worker {
    /// It does not.
    #[default]
    None,
    /// On a P of its own, or for a fraction of one.
    Background,
    /// On a P that has nothing else to do.
    Idle,
}

/// CPU time, in ns of all Ps together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct GcCpu {
    /// All there is: the time, once for each P.
    pub available: u64,
    /// Mark workers that have a P, or a fraction of one, to themselves.
    pub background: u64,
    /// Mark workers on Ps that have nothing else to do.
    pub idle: u64,
    /// Mark assists by the program's goroutines.
    pub assist: u64,
    /// Stop-the-world pauses, once for each P.
    pub pause: u64,
}

impl GcCpu {
    /// What the collector took, without idle marking, which is spare CPU.
    pub fn taken(&self) -> u64 {
        self.background + self.assist + self.pause
    }

    /// A part of all CPU time; 0 if there was none.
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

/// What the collector did.
#[derive(Clone, Copy, Debug, Default)]
pub struct GcWork {
    /// Collections that ended marking.
    pub cycles: u64,
    /// How long it marked, ns.
    pub marking: u64,
    /// Its CPU time.
    pub cpu: GcCpu,
}

impl GcWork {
    fn since(self, earlier: Self) -> Self {
        Self {
            cycles: self.cycles - earlier.cycles,
            marking: self.marking - earlier.marking,
            cpu: self.cpu.since(earlier.cpu),
        }
    }
}

/// The collector's work so far.
#[derive(Debug, Default)]
pub struct Collector {
    work: GcWork,
    /// The work when a report was last made.
    told: GcWork,
    /// Up to when it is counted.
    at: Time,
    procs: u64,
    /// Running goroutines that work for the collector now.
    background: u64,
    idle: u64,
    assisting: u64,
    /// One of the collector's stop-the-worlds is open: until goroutines run again, and until its range ends.
    paused: bool,
    in_pause: bool,
    marking: Option<Time>,
    /// Marking began before the trace.
    cut: bool,
    utilization: Utilization,
}

impl Collector {
    /// Bytes of memory that this holds.
    pub fn held(&self) -> u64 {
        self.utilization.held()
    }

    /// What it did up to now.
    fn up_to(&self, now: Time) -> GcWork {
        let ns = now.saturating_sub(self.at).max(0) as u64;
        let mut work = self.work;
        let cpu = &mut work.cpu;
        cpu.available += ns * self.procs;
        if self.paused {
            cpu.pause += ns * self.procs;
        } else {
            cpu.background += ns * self.background;
            cpu.idle += ns * self.idle;
            cpu.assist += ns * self.assisting;
        }
        let since = self.marking.map(|since| since.max(self.at));
        work.marking += since.map_or(0, |since| now.saturating_sub(since).max(0) as u64);
        work
    }

    /// Counts up to now. To be called before something changes.
    fn settle(&mut self, now: Time) {
        if self.procs > 0 {
            self.work = self.up_to(now);
        }
        self.at = now;
    }

    /// Something changed.
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

    pub fn set_procs(&mut self, gomaxprocs: u64, now: Time) {
        if gomaxprocs != self.procs {
            self.settle(now);
            self.procs = gomaxprocs;
            self.changed(now);
        }
    }

    /// A goroutine that works for the collector starts or stops running.
    #[cold]
    pub fn runs(&mut self, worker: Worker, assisting: bool, starts: bool, now: Time) {
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

    /// The world is stopped for the collector.
    pub fn pause(&mut self, now: Time) {
        self.settle(now);
        (self.paused, self.in_pause) = (true, true);
        self.changed(now);
    }

    /// Goroutines run again after a stop.
    pub fn resume(&mut self, now: Time) {
        self.settle(now);
        self.paused = false;
    }

    /// The range of a stop ends.
    pub fn end_pause(&mut self, now: Time) {
        self.settle(now);
        (self.paused, self.in_pause) = (false, false);
        self.changed(now);
    }

    /// Marking begins, or was under way when the trace began.
    pub fn start_marking(&mut self, since: Time, cut: bool, now: Time) {
        if self.marking.is_some() {
            return;
        }
        self.settle(now);
        self.work.marking += now.saturating_sub(since).max(0) as u64;
        (self.marking, self.cut) = (Some(since), cut);
    }

    /// Marking ends. Returns when it began, and whether that was before the trace.
    pub fn end_marking(&mut self, now: Time) -> Option<(Time, bool)> {
        self.settle(now);
        self.work.cycles += 1;
        self.marking.take().map(|since| (since, self.cut))
    }

    /// A report was made.
    pub fn start_stretch(&mut self, now: Time) {
        self.settle(now);
        self.told = self.work;
        self.utilization.start_stretch(now);
    }
}

impl Timeline {
    /// What the collector did since the trace's start or the last report.
    pub fn gc_work(&self) -> GcWork {
        self.collector.up_to(self.now).since(self.collector.told)
    }

    /// How much of all CPU the collector left to the program in the worst window of each length, as length in ns and part.
    /// Idle marking does not count.
    pub fn minimum_utilization(&self) -> [(u64, f64); WINDOWS.len()] {
        let minimum = self.collector.utilization.minimum(self.now);
        std::array::from_fn(|i| (WINDOWS[i] as u64, minimum[i]))
    }

    /// The running goroutine got a label: mark workers get one at each start.
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

    /// Marking as an interval.
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
            by: Actor::NONE,
            stopped: 0,
            in_c: false,
        };
        observer.interval(&interval, self);
    }
}
