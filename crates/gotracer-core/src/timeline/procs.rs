//! Processors: which are idle, what runs on each, and what ran before.

use std::collections::HashMap;

use super::interval::Actor;
use crate::trace::internal::{of_map, of_vec};
use crate::trace::{ProcId, ProcState, Time};

/// Processors are numbered from 0 up to GOMAXPROCS; only hostile traces have
/// larger numbers.
const SMALL: i64 = 4096;

/// Shorter stretches are no reason why others waited for long, ns.
const LONG: Time = 250_000;
/// How many of the last long stretches of a processor are known.
const KEPT: usize = 32;

/// A stretch in which a goroutine ran on a processor.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Who ran; its stack is the one it stopped with, if it did.
    pub who: Actor,
    pub start: Time,
    pub end: Time,
}

#[derive(Debug)]
struct Proc {
    id: ProcId,
    idle: bool,
    /// The last stretch that ended here, if it was short.
    last: Option<Run>,
    /// The last long ones, and the place of the next one.
    long: Vec<Run>,
    next: usize,
    /// Who runs here now, and since when.
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

/// All processors.
#[derive(Debug, Default)]
pub struct Procs {
    procs: Vec<Proc>,
    /// Places in `procs` of the processors with small numbers, plus one.
    small: Vec<u32>,
    by_id: HashMap<i64, u32, foldhash::fast::RandomState>,
    limit: Option<u64>,
    idle: u32,
    /// Since when no processor is idle, if none is.
    busy: Option<Time>,
    /// How long none was idle before that, ns.
    was_busy: u64,
}

impl Procs {
    /// Bytes of memory that this holds.
    pub fn held(&self) -> u64 {
        of_vec(&self.procs, 1) + of_vec(&self.small, 1) + of_map(&self.by_id, 1)
    }

    /// How many processors that the program may use are idle.
    #[inline]
    pub fn idle(&self) -> u32 {
        self.idle
    }

    /// How long no processor has been idle in all, ns.
    pub fn busy(&self, now: Time) -> u64 {
        let open = self.busy.map_or(0, |since| now.saturating_sub(since));
        self.was_busy + open.max(0) as u64
    }

    /// A processor became idle or busy.
    fn check_busy(&mut self, now: Time) {
        let known = self.limit.is_some_and(|n| self.procs.len() as u64 >= n);
        let busy = known && self.idle == 0;
        if busy != self.busy.is_some() {
            self.was_busy = self.busy(now);
            self.busy = busy.then_some(now);
        }
    }

    /// GOMAXPROCS changed: processors from there on are not the program's.
    pub fn set_limit(&mut self, gomaxprocs: u64, now: Time) {
        self.limit = Some(gomaxprocs);
        let usable = self.procs.iter().filter(|p| p.idle && self.usable(p.id));
        self.idle = usable.count() as u32;
        self.check_busy(now);
    }

    /// The last GOMAXPROCS.
    pub fn limit(&self) -> Option<u64> {
        self.limit
    }

    fn usable(&self, id: ProcId) -> bool {
        self.limit.is_none_or(|n| (id.0 as u64) < n)
    }

    /// A processor changed state.
    pub fn transition(&mut self, id: ProcId, to: ProcState, now: Time) {
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

    /// A goroutine started to run.
    #[inline]
    pub fn run(&mut self, id: ProcId, slot: u32, time: Time) {
        if id.is_some() {
            self.get(id).now = Some((slot, time));
        }
    }

    /// The goroutine stopped running.
    #[inline]
    pub fn stop(&mut self, id: ProcId, run: Run) {
        if id.is_some() {
            let p = self.get(id);
            p.now = None;
            if run.end.saturating_sub(run.start) < LONG {
                p.last = Some(run);
            } else {
                p.keep(run);
            }
        }
    }

    /// How many goroutines run now.
    pub fn running(&self) -> u64 {
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

    /// The stretches that ran last, and those that run now as slot and start.
    pub fn runs(&self) -> impl Iterator<Item = Result<Run, (u32, Time)>> + '_ {
        self.procs.iter().flat_map(|p| {
            let long = p.long.iter().copied();
            let ended = long.chain(p.last).map(Ok);
            ended.chain(p.now.map(Err))
        })
    }
}
