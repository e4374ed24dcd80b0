//! Mark assists: what goroutines do within them.
//!
//! A goroutine enters a mark assist when it allocates more than the collector
//! has marked for it. Within the range it marks, and it may wait for credit.
//! It may also be preempted, wait for a P, stop the world, or wait for others
//! to end marking: that is no assisting, and is told apart.

use std::collections::HashMap;

use super::classify::Owner;
use super::goroutines::Goroutine;
use super::interval::{Actor, Interval, Kind, Wait};
use super::stacks::StackKey;
use super::{Observer, Timeline};
use crate::trace::internal::of_map;
use crate::trace::{GoId, GoState, Time};

/// What a goroutine did within one mark assist, ns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Assisted {
    /// It marked: it ran while the world did.
    pub marking: u64,
    /// It waited for credit that others earn by marking.
    pub credit: u64,
    /// It waited for others to end marking, or to start it.
    pub ending: u64,
}

impl Assisted {
    /// What the collector took from the goroutine: marking, and waits for
    /// credit.
    pub fn total(self) -> u64 {
        self.marking + self.credit
    }
}

/// A mark assist that is not over.
#[derive(Clone, Copy, Debug)]
struct Assist {
    since: Time,
    cut: bool,
    stack: StackKey,
    owner: Owner,
    done: Assisted,
    /// Since when its goroutine is in its present state, at most since the
    /// assist began.
    at: Time,
    /// How long nothing of the process had run in all by then, ns.
    stopped_before: u64,
}

impl Assist {
    /// Adds the stretch that ends now. `stopped` is how long nothing of the
    /// process has run in all.
    fn add(&mut self, state: GoState, wait: Wait, now: Time, stopped: u64) {
        let lasted = now.saturating_sub(self.at).max(0) as u64;
        match (state, wait) {
            (GoState::Running, _) => {
                let stopped = stopped.saturating_sub(self.stopped_before);
                self.done.marking += lasted.saturating_sub(stopped);
            }
            (GoState::Waiting, Wait::AssistCredit) => self.done.credit += lasted,
            (GoState::Waiting, Wait::Sync) => self.done.ending += lasted,
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

/// The mark assists that are not over.
#[derive(Debug, Default)]
pub struct Assists {
    open: HashMap<GoId, Assist, foldhash::fast::RandomState>,
}

impl Assists {
    /// Bytes of memory that this holds.
    pub fn held(&self) -> u64 {
        of_map(&self.open, 1)
    }

    pub fn open_intervals(&self, now: Time) -> impl Iterator<Item = Interval> + '_ {
        let open = self.open.iter();
        open.map(move |(&g, assist)| assist.interval(g, now))
    }

    pub fn contains(&self, g: GoId) -> bool {
        self.open.contains_key(&g)
    }

    /// A goroutine within an assist leaves a state. `stopped` is how long the
    /// world has been stopped in all.
    #[cold]
    pub fn leave(&mut self, g: &Goroutine, now: Time, stopped: u64) {
        if let Some(assist) = self.open.get_mut(&g.id) {
            assist.add(g.state, g.wait, now, stopped);
        }
    }
}

impl Timeline {
    /// What a goroutine has done so far within its present mark assist. For
    /// an observer that is told of an assist that is over, this is all of it.
    pub fn assisted(&self, g: GoId) -> Option<Assisted> {
        let mut assist = *self.assists.open.get(&g)?;
        if let Some(g) = self.gs.find(g) {
            assist.add(g.state, g.wait, self.now, self.lost(self.now));
        }
        Some(assist.done)
    }

    /// A mark assist begins.
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

    /// A mark assist is over.
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
