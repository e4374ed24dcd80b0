//! What concerns the whole program: stop-the-worlds, mark assists, and
//! processors that are idle beside runnable goroutines.

use std::collections::HashMap;

use super::classify::Owner;
use super::interval::{Actor, Interval, Kind, StopReason};
use super::stacks::StackKey;
use super::{Observer, Timeline};
use crate::trace::{Event, GoId, Range, Slot, Tables, Time, What};

/// Reasons to stop the world that are told apart. The runtime knows about
/// twenty; a hostile trace may make up any number.
const MAX_REASONS: usize = 64;
const OTHER: &str = "other";

#[derive(Debug)]
struct Stop {
    reason: StopReason,
    since: Time,
    who: Actor,
    /// The program's goroutine that was the last to stop, and when.
    last: Option<(Actor, Time)>,
}

#[derive(Clone, Copy, Debug)]
struct Assist {
    since: Time,
    cut: bool,
    stack: StackKey,
    owner: Owner,
}

/// Stop-the-worlds and mark assists.
#[derive(Debug, Default)]
pub struct World {
    reasons: Vec<Box<str>>,
    stop: Option<Stop>,
    /// How long the world was stopped in all, ns.
    stopped: u64,
    assists: HashMap<GoId, Assist, foldhash::fast::RandomState>,
}

impl World {
    pub fn reason(&self, reason: StopReason) -> &str {
        &self.reasons[reason.index()]
    }

    pub fn is_stopped(&self) -> bool {
        self.stop.is_some()
    }

    /// How long the world has been stopped in all, ns.
    #[inline]
    pub fn stopped(&self, now: Time) -> u64 {
        let open = self.stop.as_ref().map_or(0, |s| now - s.since);
        self.stopped + open.max(0) as u64
    }

    /// A goroutine of the program stopped running.
    #[inline]
    pub fn program_stopped(&mut self, who: Actor, now: Time) {
        if let Some(stop) = &mut self.stop
            && stop.who.g != who.g
        {
            stop.last = Some((who, now));
        }
    }

    pub fn is_assisting(&self, g: GoId) -> bool {
        self.assists.contains_key(&g)
    }

    fn intern(&mut self, reason: &[u8]) -> StopReason {
        let reason = String::from_utf8_lossy(reason);
        let known = |r: &str| self.reasons.iter().position(|known| **known == *r);
        let index = known(&reason).or_else(|| {
            (self.reasons.len() >= MAX_REASONS)
                .then(|| known(OTHER))
                .flatten()
        });
        StopReason(index.unwrap_or_else(|| {
            let full = self.reasons.len() >= MAX_REASONS;
            self.reasons.push(if full { OTHER } else { &reason }.into());
            self.reasons.len() - 1
        }) as u8)
    }

    fn stop_interval(&self, stop: &Stop, end: Time) -> Interval {
        // Whoever stopped in the second half is what the stop waited for.
        let late = stop.last.filter(|(_, at)| at - stop.since > end - at);
        Interval {
            start: stop.since,
            end,
            cut_at_start: false,
            cut_at_end: false,
            under_way: false,
            kind: Kind::StopTheWorld(stop.reason),
            victim: stop.who,
            owner: Owner::Program,
            by: late.map_or(Actor::NONE, |(who, _)| who),
            stopped: 0,
        }
    }

    fn assist_interval(g: GoId, a: Assist, end: Time) -> Interval {
        Interval {
            start: a.since,
            end,
            cut_at_start: a.cut,
            cut_at_end: false,
            under_way: false,
            kind: Kind::MarkAssist,
            victim: Actor { g, stack: a.stack },
            owner: a.owner,
            by: Actor::NONE,
            stopped: 0,
        }
    }

    pub fn open_intervals(&self, now: Time) -> impl Iterator<Item = Interval> + '_ {
        let stop = self.stop.iter().map(move |s| self.stop_interval(s, now));
        let assists = self.assists.iter();
        let assists = assists.map(move |(&g, &a)| Self::assist_interval(g, a, now));
        stop.chain(assists)
    }
}

impl Timeline {
    pub(super) fn range(&mut self, event: &Event, tables: &Tables, observer: &mut impl Observer) {
        match event.what {
            What::RangeBegin {
                range: Range::StopTheWorld { reason, g },
                stack,
            } => {
                let stack = self.stacks.key(stack, tables);
                let reason = self.world.intern(tables.string(reason));
                self.world.stop = Some(Stop {
                    reason,
                    since: event.time,
                    who: Actor { g, stack },
                    last: None,
                });
                self.check_starvation(None, observer);
            }
            What::RangeEnd {
                range: Range::StopTheWorld { .. },
            } => {
                if let Some(stop) = self.world.stop.take() {
                    let interval = self.world.stop_interval(&stop, event.time);
                    self.world.stopped += interval.duration();
                    observer.interval(&interval, self);
                }
                self.check_starvation(None, observer);
            }
            What::RangeBegin {
                range: Range::MarkAssist { g },
                stack,
            } => {
                let stack = self.stacks.key(stack, tables);
                self.start_assist(g, event.time, false, stack);
            }
            // Assists under way are repeated in each generation; only those
            // that nobody saw begin are news.
            What::RangeActive {
                range: Range::MarkAssist { g },
            } if !self.world.is_assisting(g) => {
                let stack = self.gs.find(g).map_or(StackKey::NONE, |g| g.best_stack());
                self.start_assist(g, self.start(), true, stack);
            }
            What::RangeEnd {
                range: Range::MarkAssist { g },
            } => {
                if let Some(a) = self.world.assists.remove(&g)
                    && a.owner != Owner::Tracer
                {
                    let interval = World::assist_interval(g, a, event.time);
                    observer.interval(&interval, self);
                }
            }
            _ => {}
        }
    }

    fn start_assist(&mut self, g: GoId, since: Time, cut: bool, stack: StackKey) {
        let owner = self.gs.find(g).map_or(Owner::Program, |g| g.owner);
        let assist = Assist {
            since,
            cut,
            stack,
            owner,
        };
        self.world.assists.insert(g, assist);
    }

    /// Looks whether a processor is idle beside a runnable goroutine. `starts`
    /// is the goroutine that just ceased to be runnable.
    #[inline(always)]
    pub(super) fn check_starvation(&mut self, starts: Option<Slot>, observer: &mut impl Observer) {
        let hungry = self.runnable > 0 && self.procs.idle() > 0 && !self.world.is_stopped();
        if hungry != self.starving.is_some() {
            self.starvation_changes(starts, observer);
        }
    }

    #[inline(never)]
    fn starvation_changes(&mut self, starts: Option<Slot>, observer: &mut impl Observer) {
        let Some(since) = self.starving.take() else {
            self.starving = Some(self.now);
            return;
        };
        let starts = starts.map(|slot| {
            self.gs.get(slot.0).map_or(Actor::NONE, |g| Actor {
                g: g.id,
                stack: g.best_stack(),
            })
        });
        let interval = self.starvation(since, starts);
        observer.interval(&interval, self);
    }

    pub(super) fn starvation(&self, since: Time, victim: Option<Actor>) -> Interval {
        Interval {
            start: since,
            end: self.now,
            cut_at_start: false,
            cut_at_end: false,
            under_way: false,
            kind: Kind::Starvation,
            victim: victim.unwrap_or(Actor::NONE),
            owner: Owner::Program,
            by: Actor::NONE,
            stopped: 0,
        }
    }
}
