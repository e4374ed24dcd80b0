//! The whole program: stop-the-worlds, and idle Ps while goroutines are runnable.

use super::classify::Owner;
use super::interval::{Actor, Interval, Kind, StopReason};
use super::stacks::StackKey;
use super::transition::Transition;
use super::{Observer, Timeline, elapsed};
use crate::trace::{Event, EventKind, GoId, ProcId, Range, Slot, Tables, Time};

/// Limit of distinct reasons to stop the world. The runtime has about twenty; a hostile trace may have any number.
const MAX_REASONS: usize = 64;
const OTHER: &str = "other";

/// Whether the garbage collector stops the world for this reason, in any Go version.
pub fn is_collectors_stop(reason: &str) -> bool {
    reason.contains("mark termination") || reason.contains("sweep termination")
}

#[derive(Debug)]
struct Stop {
    reason: StopReason,
    since: Time,
    who: Actor,
    /// P of the thread that stops the world. The thread keeps the P until the world runs again.
    p: ProcId,
    /// Last goroutine of the program to stop, and the time.
    last: Option<(Actor, Time)>,
}

/// Stop-the-worlds.
#[derive(Debug, Default)]
pub(super) struct World {
    reasons: Vec<Box<str>>,
    stop: Option<Stop>,
    /// The thread that stopped the world restarts it: the next goroutine that runs on another thread ends the stop.
    restarting: bool,
    /// Total stop-the-world time, ns.
    stopped: u64,
    /// Longest silence within the last stop, ns; 0 if there was none.
    silent: u64,
}

impl World {
    pub(super) fn reason(&self, reason: StopReason) -> &str {
        &self.reasons[reason.index()]
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_some()
    }

    /// Whether the world is being restarted.
    #[inline(always)]
    pub(super) fn is_restarting(&self) -> bool {
        self.restarting
    }

    /// Records that a thread that holds `p` wrote GOMAXPROCS. The thread that stops the world does so once in each
    /// stop, before it wakes any other.
    pub(super) fn set_gomaxprocs(&mut self, p: ProcId) {
        self.restarting = p.is_some() && self.stop.as_ref().is_some_and(|stop| stop.p == p);
    }

    /// Total stop-the-world time, ns.
    #[inline(always)]
    pub(super) fn stopped(&self, now: Time) -> u64 {
        match &self.stop {
            None => self.stopped,
            Some(stop) => self.stopped_with(stop, now),
        }
    }

    /// As [`stopped`](Self::stopped), with a stop that has not ended.
    #[cold]
    #[inline(never)]
    fn stopped_with(&self, stop: &Stop, now: Time) -> u64 {
        self.stopped.saturating_add(elapsed(stop.since, now))
    }

    /// Records a silence within the stop.
    pub(super) fn silent_for(&mut self, ns: u64) {
        self.silent = self.silent.max(ns);
    }

    /// Whether the world is to stop, and a goroutine on `p` is to stop for it.
    #[inline]
    pub(super) fn stops(&self, p: ProcId) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop.p != p)
    }

    /// Records that a goroutine of the program stopped running while the world is to stop.
    #[cold]
    pub(super) fn program_stopped(&mut self, who: Actor, now: Time) {
        if let Some(stop) = &mut self.stop {
            stop.last = Some((who, now));
        }
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
        // The stop waited for a goroutine that stopped in its second half.
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
            in_c: false,
        }
    }

    pub(super) fn open_intervals(&self, now: Time) -> impl Iterator<Item = Interval> + '_ {
        self.stop.iter().map(move |s| self.stop_interval(s, now))
    }
}

impl Timeline {
    pub(super) fn range(&mut self, event: &Event, tables: &Tables, observer: &mut impl Observer) {
        match event.kind {
            EventKind::RangeBegin {
                range: Range::StopTheWorld { reason, g },
                stack,
            } => {
                let stack = self.stacks.key(stack, tables);
                let reason = self.world.intern(tables.string(reason));
                self.world.restarting = false;
                self.world.silent = 0;
                if is_collectors_stop(self.world.reason(reason)) {
                    self.allocates(g, stack);
                    // Among the running goroutines is the one that stops the world.
                    let others = self.procs.running().saturating_sub(1);
                    self.collector.pause(others, self.now);
                }
                self.world.stop = Some(Stop {
                    reason,
                    since: event.time,
                    who: Actor { g, stack },
                    p: event.p,
                    last: None,
                });
                self.check_pressure();
                self.check_starvation(None, observer);
            }
            EventKind::RangeEnd {
                range: Range::StopTheWorld { .. },
            } => {
                self.world_runs(observer);
                self.collector.end_pause(self.now);
            }
            EventKind::RangeBegin {
                range: Range::GcMark,
                stack,
            } => {
                let (g, stack) = (event.g, self.stacks.key(stack, tables));
                let by = Actor { g, stack };
                self.collector.start_marking(self.now, false, by, self.now);
            }
            EventKind::RangeActive {
                range: Range::GcMark,
            } => {
                let start = self.start();
                self.collector
                    .start_marking(start, true, Actor::NONE, self.now);
            }
            EventKind::RangeBegin {
                range: Range::MarkAssist { g },
                stack,
            } => {
                let stack = self.stacks.key(stack, tables);
                self.allocates(g, stack);
                self.start_assist(g, event.time, false, stack);
            }
            // Each generation repeats active assists. Only those without a start are new.
            EventKind::RangeActive {
                range: Range::MarkAssist { g },
            } if !self.assists.contains(g) => {
                let stack = self.gs.find(g).map_or(StackKey::NONE, |g| g.best_stack());
                self.start_assist(g, self.start(), true, stack);
            }
            EventKind::RangeEnd {
                range: Range::MarkAssist { g },
            } => self.end_assist(g, observer),
            _ => {}
        }
    }

    /// Records the stack of a goroutine that starts a collection or an assist, if that is within an allocation.
    fn allocates(&mut self, g: GoId, stack: StackKey) {
        if self.stacks.traits(stack).allocates {
            self.heap.set_site(g, stack);
        }
    }

    /// Longest silence within the last stop, ns; 0 if there was none.
    pub fn silent_stop(&self) -> u64 {
        self.world.silent
    }

    /// Processes a goroutine that starts running while the world is being restarted. On another thread than the
    /// stopping one it ends the stop. The range's end comes later, when its thread gets to write it.
    #[cold]
    pub(super) fn restarted(&mut self, t: &Transition, observer: &mut impl Observer) {
        let started = self.gs.get(t.slot.0).map(|g| g.id);
        let other = |stop: &Stop| t.p.is_some() && t.p != stop.p && started != Some(stop.who.g);
        if self.world.stop.as_ref().is_some_and(other) {
            self.world_runs(observer);
        }
    }

    /// Ends the stop.
    fn world_runs(&mut self, observer: &mut impl Observer) {
        self.world.restarting = false;
        if let Some(stop) = self.world.stop.take() {
            let interval = self.world.stop_interval(&stop, self.now);
            self.world.stopped = self.world.stopped.saturating_add(interval.duration());
            self.collector.resume(self.now);
            observer.interval(&interval, self);
        }
        self.check_pressure();
        self.check_starvation(None, observer);
    }

    /// Starts or ends an interval in which a P is idle while there is [pressure](Self::check_pressure), which must be up
    /// to date. `starts` is the goroutine that was runnable and is not any more.
    #[inline(always)]
    pub(super) fn check_starvation(&mut self, starts: Option<Slot>, observer: &mut impl Observer) {
        let hungry = self.pressure.is_some() & (self.procs.idle() > 0);
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
            in_c: false,
        }
    }
}
