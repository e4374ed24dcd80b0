//! Mark assists and the time that goroutines spend marking within them.
//!
//! A goroutine enters a mark assist if it allocates more than the collector has marked for it. Within the range it
//! marks, and it may wait for credit. It may also be preempted, wait for a P, stop the world, or wait for others to
//! end marking. That time is not assist time and is counted separately.

use super::elapsed;
use std::collections::HashMap;

use super::classify::Owner;
use super::goroutines::Goroutine;
use super::interval::{Actor, Interval, Kind};
use super::stacks::StackKey;
use super::waiting::Wait;
use super::{Observer, Timeline};
use crate::trace::internal::of_map;
use crate::trace::{GoId, GoState, Time};
use crate::units;

/// Time of a goroutine within one mark assist, by activity, ns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Assisted {
    /// Marking: running while the world was not stopped.
    pub marking: u64,
    /// Waiting for credit that other goroutines earn by marking.
    pub credit: u64,
    /// Waiting for other goroutines to start or to end marking.
    pub ending: u64,
}

impl Assisted {
    /// Assist time: marking and waiting for credit.
    pub fn total(self) -> u64 {
        units::total([self.marking, self.credit])
    }
}

/// Mark assist that has not ended.
#[derive(Clone, Copy, Debug)]
struct Assist {
    since: Time,
    cut: bool,
    stack: StackKey,
    owner: Owner,
    done: Assisted,
    /// Start of the goroutine's present state, or of the assist if that is later.
    at: Time,
    /// Time before `at` in which nothing of the process ran, ns.
    stopped_before: u64,
}

impl Assist {
    /// Adds the time from the last state transition up to `now`. `stopped` is the total time in which nothing of the
    /// process ran, ns.
    fn add(&mut self, state: GoState, wait: Wait, now: Time, stopped: u64) {
        let lasted = elapsed(self.at, now);
        match (state, wait) {
            (GoState::Running, _) => {
                let stopped = stopped.saturating_sub(self.stopped_before);
                self.done.marking = self
                    .done
                    .marking
                    .saturating_add(lasted.saturating_sub(stopped));
            }
            (GoState::Waiting, Wait::AssistCredit) => {
                self.done.credit = self.done.credit.saturating_add(lasted);
            }
            (GoState::Waiting, Wait::Sync) => {
                self.done.ending = self.done.ending.saturating_add(lasted);
            }
            _ => {}
        }
        self.at = now;
        self.stopped_before = stopped;
    }

    fn interval(&self, g: GoId, end: Time) -> Interval {
        Interval {
            start: self.since,
            end,
            cut_at_start: self.cut,
            cut_at_end: false,
            under_way: false,
            kind: Kind::MarkAssist,
            victim: Actor {
                g,
                stack: self.stack,
            },
            owner: self.owner,
            by: Actor::NONE,
            stopped: 0,
            in_c: false,
        }
    }
}

/// Mark assists that have not ended.
#[derive(Debug, Default)]
pub(super) struct Assists {
    open: HashMap<GoId, Assist, foldhash::fast::RandomState>,
}

impl Assists {
    /// Bytes of memory held.
    pub(super) fn held(&self) -> u64 {
        of_map(&self.open, 1)
    }

    pub(super) fn open_intervals(&self, now: Time) -> impl Iterator<Item = Interval> + '_ {
        let open = self.open.iter();
        open.map(move |(&g, assist)| assist.interval(g, now))
    }

    pub(super) fn contains(&self, g: GoId) -> bool {
        self.open.contains_key(&g)
    }

    /// Records that a goroutine within an assist leaves a state. `stopped` is the total time in which nothing of the
    /// process ran, ns.
    #[cold]
    pub(super) fn leave(&mut self, g: &Goroutine, now: Time, stopped: u64) {
        if let Some(assist) = self.open.get_mut(&g.id) {
            assist.add(g.state, g.wait, now, stopped);
        }
    }
}

impl Timeline {
    /// Returns the time that a goroutine has spent so far within its present mark assist. While an observer receives
    /// the interval of an ended assist, this is the time of the whole assist.
    pub fn assisted(&self, g: GoId) -> Option<Assisted> {
        let mut assist = *self.assists.open.get(&g)?;
        if let Some(g) = self.gs.find(g) {
            assist.add(g.state, g.wait, self.now, self.lost(self.now));
        }
        Some(assist.done)
    }

    /// Starts a mark assist.
    pub(super) fn start_assist(&mut self, g: GoId, since: Time, cut: bool, stack: StackKey) {
        let stopped_before = self.lost(self.now);
        let goroutine = self.gs.find_mut(g);
        let owner = goroutine.map_or(Owner::Program, |g| {
            if g.state == GoState::Running && !g.collects() {
                self.collector.runs(g.worker, true, true, self.now);
            }
            g.assisting = true;
            g.owner
        });
        let assist = Assist {
            since,
            cut,
            stack,
            owner,
            done: Assisted::default(),
            at: since,
            stopped_before,
        };
        self.assists.open.insert(g, assist);
        self.account_assist(g, cut);
    }

    /// Ends a mark assist.
    pub(super) fn end_assist(&mut self, g: GoId, observer: &mut impl Observer) {
        let Some(assist) = self.assists.open.get(&g) else {
            return;
        };
        if assist.owner != Owner::Tracer {
            let interval = assist.interval(g, self.now);
            observer.interval(&interval, self);
        }
        self.assists.open.remove(&g);
        self.account_assist_end(g);
        if let Some(g) = self.gs.find_mut(g) {
            if g.state == GoState::Running && g.assisting {
                self.collector.runs(g.worker, true, false, self.now);
            }
            g.assisting = false;
        }
    }
}
