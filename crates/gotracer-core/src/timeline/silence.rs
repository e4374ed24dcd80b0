//! Silences: time without an event of any thread, although a goroutine was running.
//!
//! The runtime's monitor preempts a goroutine that runs for 10 ms, so a running program writes an event at least
//! every 20 ms. A longer time without events has one of two causes: the operating system ran no thread of the process
//! (a CPU quota, a stopped process, a busy host), or an operation could not be interrupted (a large copy, assembly).
//! CPU samples within the silence show the second cause.

use super::elapsed;
use std::collections::VecDeque;

use super::classify::Owner;
use super::interval::{Actor, Interval, Kind};
use super::{Observer, Timeline};
use crate::trace::internal::of_vec;
use crate::trace::{Event, StackId, Tables, Time};
use crate::units;

/// Shortest silence, ns.
pub const LEAST: Time = 50_000_000;
/// The runtime preempts a goroutine within this time, ns. Earlier samples are no sign of an operation.
const PREEMPTED: Time = 20_000_000;
/// Period of the CPU profile's samples, ns.
const PERIOD: Time = 10_000_000;
/// Number of silences kept.
const KEPT: usize = 1 << 12;
/// Number of samples kept within one silence.
const SAMPLES: usize = 1 << 8;

/// Silences of a trace.
#[derive(Debug)]
pub(super) struct Silences {
    /// Time of the last event other than CPU samples; later than all times before the first event.
    last: Time,
    /// CPU samples since `last`, which may lie within a silence.
    samples: Vec<(Time, Actor)>,
    /// Last silences, as start and end.
    kept: VecDeque<(Time, Time)>,
    /// Total duration of all silences, ns.
    total: u64,
}

impl Default for Silences {
    fn default() -> Self {
        Self {
            last: Time::MAX / 2,
            samples: Vec::new(),
            kept: VecDeque::new(),
            total: 0,
        }
    }
}

impl Silences {
    /// Bytes of memory held.
    pub(super) fn held(&self) -> u64 {
        let kept = self.kept.capacity() * size_of::<(Time, Time)>();
        of_vec(&self.samples, 1) + kept as u64
    }

    /// Total duration of all silences, ns.
    #[inline(always)]
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Records an event. Returns the time of the previous event if a silence lies between the two.
    #[inline(always)]
    pub(super) fn event(&mut self, now: Time) -> Option<Time> {
        let last = std::mem::replace(&mut self.last, now);
        (now.wrapping_sub(last) >= LEAST).then_some(last)
    }

    /// Records a CPU sample that may lie within a silence.
    pub(super) fn sample(&mut self, time: Time, actor: Actor) {
        if time.saturating_sub(self.last) < PREEMPTED {
            return;
        }
        if self.samples.first().is_some_and(|(at, _)| *at < self.last) {
            self.samples.clear();
        }
        if self.samples.len() < SAMPLES {
            self.samples.push((time, actor));
        }
    }

    /// Returns the operation that CPU samples within a silence show, if there are enough samples.
    fn operation(&self, start: Time, end: Time) -> Option<Actor> {
        let mut within = self.samples.iter().filter(|(at, _)| *at > start);
        let ran = within.clone().count() as Time * PERIOD;
        let enough = ran >= (end - start - PREEMPTED) / 2;
        within.next_back().map(|(_, who)| *who).filter(|_| enough)
    }

    fn keep(&mut self, start: Time, end: Time) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back((start, end));
        self.total = self.total.saturating_add(elapsed(start, end));
    }

    /// Total duration of silences between two times, ns.
    fn within(&self, start: Time, end: Time) -> u64 {
        if end <= start {
            return 0;
        }
        let late = self.kept.iter().rev().take_while(|(_, to)| *to > start);
        let overlaps = late.map(|&(from, to)| to.min(end).saturating_sub(from.max(start)));
        units::total(overlaps.map(|ns| ns.max(0) as u64))
    }
}

impl Timeline {
    /// Returns the time between two times in which nothing of the process ran, ns: no event, although a goroutine was
    /// running and the world was not stopped, and no operation in CPU samples.
    pub fn silent(&self, start: Time, end: Time) -> u64 {
        match self.silences.total() {
            0 => 0,
            _ => self.silences.within(start, end),
        }
    }

    /// Total time in which nothing of the process ran, ns: stop-the-worlds and silences.
    pub(super) fn lost(&self, now: Time) -> u64 {
        self.world.stopped(now) + self.silences.total()
    }

    /// Ends a silence at an event. A silence within a stop-the-world belongs to the stop.
    #[cold]
    #[inline(never)]
    pub(super) fn end_silence(&mut self, start: Time, end: Time, observer: &mut impl Observer) {
        if self.world.is_stopped() {
            return self.world.silent_for(elapsed(start, end));
        }
        let Some(victim) = self.longest_running() else {
            return;
        };
        let operation = self.silences.operation(start, end);
        if operation.is_none() {
            self.silences.keep(start, end);
        }
        let interval = Interval {
            kind: Kind::Silence,
            start,
            end,
            cut_at_start: false,
            cut_at_end: false,
            under_way: false,
            victim,
            owner: Owner::Program,
            by: operation.unwrap_or(Actor::NONE),
            stopped: 0,
            in_c: false,
        };
        observer.interval(&interval, self);
    }

    /// Returns the goroutine of the program that has been running longest.
    fn longest_running(&self) -> Option<Actor> {
        let running = self.procs.runs().filter_map(Result::err);
        let running = running.filter_map(|(slot, since)| Some((self.gs.get(slot)?, since)));
        let programs = running.filter(|(g, _)| g.owner == Owner::Program);
        let (g, _) = programs.min_by_key(|(_, since)| *since)?;
        Some(self.actor(g))
    }

    /// Records a CPU sample. It does not end a silence, because no thread of the program writes it.
    pub(super) fn sample(&mut self, event: &Event, stack: StackId, tables: &Tables) {
        let (g, stack) = (event.g, self.stacks.key(stack, tables));
        self.silences.sample(event.time, Actor { g, stack });
        self.count_sample(g, stack);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::StackKey;
    use crate::trace::GoId;

    const MS: Time = 1_000_000;

    fn who(g: i64) -> Actor {
        Actor {
            g: GoId(g),
            stack: StackKey::NONE,
        }
    }

    #[test]
    fn events_within_50_ms_are_no_silence() {
        let mut silences = Silences::default();
        assert_eq!(silences.event(7), None);
        assert_eq!(silences.event(7 + LEAST - 1), None);
        assert_eq!(silences.event(7 + 2 * LEAST), Some(7 + LEAST - 1));
    }

    #[test]
    fn samples_all_the_time_are_an_operation() {
        let mut silences = Silences::default();
        silences.event(0);
        for ms in (10..=60).step_by(10) {
            silences.sample(ms * MS, who(ms));
        }
        assert_eq!(silences.operation(0, 70 * MS), Some(who(60)));
        // The process ran at first, and then no more.
        assert_eq!(silences.operation(0, 270 * MS), None);
        // Samples before the last event are ignored.
        silences.event(70 * MS);
        silences.sample(95 * MS, who(1));
        assert_eq!(silences.operation(70 * MS, 170 * MS), None);
    }

    #[test]
    fn a_time_is_silent_as_far_as_silences_overlap_it() {
        let mut silences = Silences::default();
        silences.keep(100, 200);
        silences.keep(300, 400);
        assert_eq!(silences.within(0, 50), 0);
        assert_eq!(silences.within(150, 350), 100);
        assert_eq!(silences.within(0, 1000), silences.total());
    }
}
