//! Observers of the intervals of a trace: the rules, the times of goroutines, and the tasks.

use super::times::Times;
use crate::rules::{Detector, Rule};
use crate::tasks::{Chains, KINDS, Requests, Tasks};
use crate::timeline::{Goroutine, HeapFloor, Interval, Kinds, Observer, StateVector, Timeline};

/// The enabled rules of an analysis.
pub struct Rules {
    pub enabled: Vec<(&'static Rule, Box<dyn Detector>)>,
    /// Kinds of intervals that any rule watches.
    pub watches: Kinds,
    /// Indices of the rules that watch each kind of interval, by kind.
    watchers: [Vec<usize>; Kinds::CAPACITY],
}

impl Rules {
    pub fn new(enabled: Vec<(&'static Rule, Box<dyn Detector>)>) -> Self {
        let watchers = |number: usize| {
            let kind = Kinds::of_number(number);
            let watching = enabled.iter().enumerate();
            let watching = watching.filter(|(_, (rule, _))| rule.watches.intersects(kind));
            watching.map(|(i, _)| i).collect()
        };
        Self {
            watches: enabled
                .iter()
                .fold(Kinds::NONE, |all, (rule, _)| all.union(rule.watches)),
            watchers: std::array::from_fn(watchers),
            enabled,
        }
    }
}

impl Observer for Rules {
    fn watches(&self) -> Kinds {
        self.watches
    }

    #[inline]
    fn interval(&mut self, interval: &Interval, timeline: &Timeline) {
        for &i in &self.watchers[interval.kind.set().first()] {
            self.enabled[i].1.interval(interval, timeline);
        }
    }

    fn heap_floor(&mut self, floor: HeapFloor, timeline: &Timeline) {
        for (_, detector) in &mut self.enabled {
            detector.heap_floor(floor, timeline);
        }
    }
}

/// All observers of a trace.
pub struct Observers {
    pub rules: Rules,
    pub times: Times,
    pub tasks: Tasks,
    pub requests: Requests,
    pub chains: Chains,
}

impl Observers {
    /// Updates the chains of waits once a server is known.
    #[inline(always)]
    fn follow(&mut self, timeline: &Timeline) {
        if !self.chains.is_active() && self.requests.is_any() {
            self.chains.start(timeline);
        }
    }

    /// Returns the memory of the times, tasks and requests in bytes.
    pub fn held(&self) -> u64 {
        self.times.held() + self.tasks.held() + self.requests.held() + self.chains.held()
    }
}

impl Observer for Observers {
    fn watches(&self) -> Kinds {
        self.rules.watches.union(KINDS)
    }

    #[inline]
    fn interval(&mut self, interval: &Interval, timeline: &Timeline) {
        self.rules.interval(interval, timeline);
        self.requests.interval(interval, &self.chains, timeline);
        self.follow(timeline);
    }

    fn heap_floor(&mut self, floor: HeapFloor, timeline: &Timeline) {
        self.rules.heap_floor(floor, timeline);
    }

    #[inline]
    fn waited(&mut self, g: &Goroutine, ns: u64, timeline: &Timeline) {
        self.times.waited(g, ns);
        self.requests.waited(g, &self.chains, timeline);
        self.follow(timeline);
    }

    fn ended(&mut self, g: &Goroutine, time: StateVector, timeline: &Timeline) {
        self.times.ended(g, time, timeline);
        self.tasks.ended(g, &self.chains, timeline);
        self.requests.ended(g, &self.chains, timeline);
    }
}
