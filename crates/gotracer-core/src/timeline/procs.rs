//! Ps: idle ones, and the last runs of goroutines on each.

use std::collections::HashMap;

use super::interval::Actor;
use crate::trace::internal::{of_map, of_vec};
use crate::trace::{GoId, ProcId, ProcState, Time};

/// Limit of P numbers in the dense table. Ps are numbered from 0 to GOMAXPROCS; only hostile traces have larger
/// numbers.
const SMALL: i64 = 4096;

/// Shortest long run, ns. Shorter runs cannot explain a long wait of other goroutines.
const LONG: Time = 250_000;
/// Number of long runs kept for each P.
const KEPT: usize = 32;

/// Run of a goroutine on a P.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// The goroutine, with the stack at which it stopped.
    pub who: Actor,
    /// Origin of its activity.
    pub origin: GoId,
    pub start: Time,
    pub end: Time,
}

#[derive(Debug)]
struct Proc {
    id: ProcId,
    idle: bool,
    /// Last run, if it was short.
    last: Option<Run>,
    /// Last long runs as a ring buffer; `next` is the index of the next one.
    long: Vec<Run>,
    next: usize,
    /// Slot and start of the present run.
    now: Option<(u32, Time)>,
}

impl Proc {
    #[cold]
    fn keep(&mut self, run: Run) {
        self.last = None;
        match self.long.get_mut(self.next) {
            Some(oldest) => *oldest = run,
            None => self.long.push(run),
        }
        self.next = (self.next + 1) % KEPT;
    }
}

/// All Ps.
#[derive(Debug, Default)]
pub(super) struct Procs {
    procs: Vec<Proc>,
    /// Indices in `procs` by small P number, plus one.
    small: Vec<u32>,
    by_id: HashMap<i64, u32, foldhash::fast::RandomState>,
    limit: Option<u64>,
    idle: u32,
    /// Time since which no P is idle.
    busy: Option<Time>,
    /// Total time without an idle P before `busy`, ns.
    was_busy: u64,
    /// Total duration of long runs that ended, ns.
    long: u64,
}

impl Procs {
    /// Bytes of memory held.
    pub(super) fn held(&self) -> u64 {
        of_vec(&self.procs, 1) + of_vec(&self.small, 1) + of_map(&self.by_id, 1)
    }

    /// Number of idle Ps below GOMAXPROCS.
    #[inline]
    pub(super) fn idle(&self) -> u32 {
        self.idle
    }

    /// Total time without an idle P, ns.
    pub(super) fn busy(&self, now: Time) -> u64 {
        let open = self.busy.map_or(0, |since| now.saturating_sub(since));
        self.was_busy + open.max(0) as u64
    }

    /// Updates the time without an idle P.
    fn check_busy(&mut self, now: Time) {
        let known = self.limit.is_some_and(|n| self.procs.len() as u64 >= n);
        let busy = known && self.idle == 0;
        if busy != self.busy.is_some() {
            self.was_busy = self.busy(now);
            self.busy = busy.then_some(now);
        }
    }

    /// Sets GOMAXPROCS. Ps from that number on are not available to the program.
    pub(super) fn set_limit(&mut self, gomaxprocs: u64, now: Time) {
        self.limit = Some(gomaxprocs);
        let usable = self.procs.iter().filter(|p| p.idle && self.usable(p.id));
        self.idle = usable.count() as u32;
        self.check_busy(now);
    }

    /// Last GOMAXPROCS.
    pub(super) fn limit(&self) -> Option<u64> {
        self.limit
    }

    fn usable(&self, id: ProcId) -> bool {
        self.limit.is_none_or(|n| (id.0 as u64) < n)
    }

    /// Records a P's state transition.
    pub(super) fn transition(&mut self, id: ProcId, to: ProcState, now: Time) {
        let idle = to == ProcState::Idle;
        let usable = self.usable(id);
        let p = self.get(id);
        let was = std::mem::replace(&mut p.idle, idle);
        if idle {
            p.now = None;
        }
        if usable && was != idle {
            if idle {
                self.idle += 1;
            } else {
                self.idle -= 1;
            }
        }
        self.check_busy(now);
    }

    /// Records that a goroutine starts running.
    #[inline]
    pub(super) fn run(&mut self, id: ProcId, slot: u32, time: Time) {
        if id.is_some() {
            self.get(id).now = Some((slot, time));
        }
    }

    /// Records that the goroutine stops running. `run` is constructed where it is kept.
    #[inline]
    pub(super) fn stop(&mut self, id: ProcId, lasted: u64, run: impl Fn() -> Run) {
        if id.is_some() {
            let p = self.get(id);
            p.now = None;
            if lasted < LONG.unsigned_abs() {
                p.last = Some(run());
            } else {
                p.keep(run());
                self.long = self.long.saturating_add(lasted);
            }
        }
    }

    /// Number of Ps.
    pub(super) fn count(&self) -> usize {
        self.procs.len()
    }

    /// Returns the total duration of the present runs, and of all long runs, ns.
    pub(super) fn runs_up_to(&self, now: Time) -> (u64, u64) {
        let since = self.procs.iter().filter_map(|p| p.now);
        let durations = since.map(|(_, since)| now.saturating_sub(since).max(0));
        durations.fold((0, self.long), |(present, long), ns| {
            let of_long = if ns < LONG { 0 } else { ns as u64 };
            (
                present.saturating_add(ns as u64),
                long.saturating_add(of_long),
            )
        })
    }

    /// Number of running goroutines.
    pub(super) fn running(&self) -> u64 {
        self.procs.iter().filter(|p| p.now.is_some()).count() as u64
    }

    #[inline]
    fn get(&mut self, id: ProcId) -> &mut Proc {
        match self.small.get(id.0 as usize) {
            Some(&place) if place != 0 => &mut self.procs[place as usize - 1],
            _ => self.find(id),
        }
    }

    #[cold]
    fn find(&mut self, id: ProcId) -> &mut Proc {
        let next = self.procs.len() as u32;
        let i = *self.by_id.entry(id.0).or_insert(next);
        if i == next {
            if (0..SMALL).contains(&id.0) {
                let n = id.0 as usize;
                self.small.resize(self.small.len().max(n + 1), 0);
                self.small[n] = next + 1;
            }
            self.procs.push(Proc {
                id,
                idle: false,
                last: None,
                long: Vec::new(),
                next: 0,
                now: None,
            });
        }
        &mut self.procs[i as usize]
    }

    /// Iterates over the last runs, and over the present ones as slot and start.
    pub(super) fn runs(&self) -> impl Iterator<Item = Result<Run, (u32, Time)>> + '_ {
        self.procs.iter().flat_map(|p| {
            let long = p.long.iter().copied();
            let ended = long.chain(p.last).map(Ok);
            ended.chain(p.now.map(Err))
        })
    }
}
