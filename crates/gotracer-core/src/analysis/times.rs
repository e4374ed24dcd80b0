//! Time of goroutines by state, grouped by start function.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::report::{GoroutineGroup, Life, WorstGoroutine};
use crate::rules::Distribution;
use crate::timeline::{FrameKey, Goroutine, Owner, State, StateVector, Timeline};
use crate::trace::GoId;
use crate::unnamed::{OTHER, UNKNOWN};

/// Maximum number of start functions with a group of their own while a trace is read. Goroutines of further functions
/// share a group.
const MOST: usize = 4_096;
/// Maximum number of groups in a report; the rest is summed in one more.
const REPORTED: usize = 1_000;
/// Approximate memory of a group and of its part of a report, bytes.
const GROUP: u64 = 5 << 10;
/// Longest name of a function in a report, characters.
const NAME: usize = 1_024;

/// Goroutines with one start function.
#[derive(Clone, Default)]
struct Group {
    /// Lifetimes of the goroutines.
    life: Distribution,
    alive: u64,
    time: StateVector,
    /// The goroutine that lived longest.
    worst: Option<(GoId, StateVector)>,
}

impl Group {
    #[inline(always)]
    fn add(&mut self, g: GoId, time: &StateVector) {
        let lived = self.time.add_up(time);
        if self.worst.is_none() || lived > self.life.max() {
            self.worst = Some((g, *time));
        }
        self.life.record(lived);
    }

    fn merge(&mut self, other: Self) {
        if self.worst.is_none() || other.life.max() > self.life.max() {
            self.worst = other.worst;
        }
        self.life.merge(&other.life);
        self.alive += other.alive;
        self.time += other.time;
    }

    fn report(self, function: String, system: bool) -> GoroutineGroup {
        let worst = self.worst.map(|(g, time)| WorstGoroutine {
            goroutine: g.0,
            life_ns: time.total(),
            time,
        });
        GoroutineGroup {
            function,
            system,
            count: self.life.count(),
            alive: self.alive,
            life: Life::of(&self.life),
            time: self.time,
            worst,
        }
    }
}

/// Key of a group: the start function, and whether the goroutines are the
/// runtime's own.
type Key = (FrameKey, bool);

/// Time of all goroutines since the last report.
#[derive(Clone, Default)]
pub(super) struct Times {
    groups: Vec<(Key, Group)>,
    /// Indices of the groups.
    by_key: HashMap<Key, usize, foldhash::fast::RandomState>,
    /// Index of the group of the last goroutine that ended. The next one often belongs to it too.
    last: usize,
    /// Goroutines of functions beyond [`MOST`]: the program's and the runtime's.
    beyond: [Group; 2],
    /// Durations of waits of the program's goroutines, by state.
    waits: [Distribution; State::ALL.len()],
}

impl Times {
    /// Returns the memory in use, and that of the report's part, in bytes.
    pub(super) fn held(&self) -> u64 {
        self.groups.len() as u64 * GROUP
    }

    /// Records a wait that ended.
    #[inline]
    pub(super) fn waited(&mut self, g: &Goroutine, ns: u64) {
        if g.owner == Owner::Program {
            self.waits[g.waiting.state().index()].record(ns);
        }
    }

    /// Records a goroutine that ended, with its time since the last report.
    #[inline(always)]
    pub(super) fn ended(&mut self, g: &Goroutine, time: &StateVector, t: &Timeline) {
        self.group(g, t).add(g.id, time);
    }

    #[inline(always)]
    fn group(&mut self, g: &Goroutine, t: &Timeline) -> &mut Group {
        let key = (t.start_function(g), g.owner != Owner::Program);
        match self.groups.get(self.last) {
            Some((last, _)) if *last == key => {}
            _ => match self.find(key) {
                Some(group) => self.last = group,
                None => return &mut self.beyond[usize::from(key.1)],
            },
        }
        &mut self.groups[self.last].1
    }

    /// Returns the index of a group, which may be new; `None` if there are too many.
    #[inline(never)]
    fn find(&mut self, key: Key) -> Option<usize> {
        let next = self.groups.len();
        if next >= MOST {
            return self.by_key.get(&key).copied();
        }
        let group = *self.by_key.entry(key).or_insert(next);
        if group == next {
            self.groups.push((key, Group::default()));
        }
        Some(group)
    }

    /// Returns the times including live goroutines and, if no more events will come, open waits.
    pub(super) fn up_to_now(&self, t: &Timeline, under_way: bool) -> Self {
        let mut all = self.clone();
        for (g, time) in t.unreported() {
            let group = all.group(g, t);
            group.add(g.id, &time);
            group.alive += 1;
        }
        if !under_way {
            for g in t.goroutines().filter(|g| g.is_waiting()) {
                all.waited(g, t.now().saturating_sub(g.since).max(0) as u64);
            }
        }
        all
    }

    /// Returns the time of all goroutines of the program.
    pub(super) fn program(&self) -> StateVector {
        let groups = self.groups.iter().filter(|((_, system), _)| !system);
        let known: StateVector = groups.map(|(_, group)| group.time).sum();
        known + self.beyond[0].time
    }

    /// Returns the durations of waits of the program's goroutines, by state.
    pub(super) fn waits(&self) -> Vec<(State, Distribution)> {
        let all = State::ALL.into_iter().zip(&self.waits);
        let all = all.filter(|(_, waits)| waits.count() > 0);
        all.map(|(state, waits)| (state, waits.clone())).collect()
    }

    /// Returns the groups for a report, the greatest time first. Includes those of the runtime's goroutines if
    /// `system` is set.
    pub(super) fn report(self, t: &Timeline, system: bool) -> Vec<GoroutineGroup> {
        let groups = self.groups.into_iter().filter(|((_, s), _)| system || !s);
        let name = |function: FrameKey| match t.stacks().get(function).function {
            "" => UNKNOWN.to_owned(),
            name => name.chars().take(NAME).collect(),
        };
        let mut groups: Vec<_> = groups
            .map(|((function, system), group)| (name(function), system, group))
            .collect();
        groups.sort_by(|(a, _, left), (b, _, right)| {
            let time = |group: &Group| Reverse(group.time.total());
            time(left).cmp(&time(right)).then_with(|| a.cmp(b))
        });
        let [mut other, of_runtime] = self.beyond;
        if system {
            other.merge(of_runtime);
        }
        let rest = groups.split_off(groups.len().min(REPORTED));
        rest.into_iter()
            .for_each(|(_, _, group)| other.merge(group));
        let mut reported: Vec<_> = groups
            .into_iter()
            .map(|(name, system, group)| group.report(name, system))
            .collect();
        if other.life.count() > 0 {
            reported.push(other.report(OTHER.into(), false));
        }
        reported
    }
}
