//! Observers of the intervals of a trace: the rules, the times of goroutines, and the tasks.

use super::times::Times;
use crate::pprof::Collector;
use crate::rules::custom::{Activity, Subject};
use crate::rules::{Detector, Rule, RuleSettings};
use crate::tasks::{Chains, KINDS, Requests, Tasks};
use crate::timeline::{
    Actor, Goroutine, HeapFloor, Interval, Kind, Kinds, Observer, Owner, StackKey, StateVector,
    Timeline,
};
use crate::trace::{Event, EventKind, Tables};

/// Rule that counts short intervals without their details.
#[derive(Clone, Copy, Default)]
struct Counting {
    /// Index of the rule.
    rule: usize,
    /// Duration from which it needs the intervals, ns; 0 if there is no such rule.
    below: u64,
}

/// The enabled rules of an analysis.
pub(super) struct Rules {
    pub enabled: Vec<(&'static Rule, Box<dyn Detector>)>,
    /// Kinds of intervals that any observer needs.
    pub watches: Kinds,
    /// Indices of the rules that watch each kind of interval, by kind.
    watchers: [Vec<usize>; Kinds::CAPACITY],
    /// The only rule that watches waits for a P, if it counts short ones.
    latency: Counting,
    /// The same for system calls.
    calls: Counting,
    /// Indices of the custom rules on tasks, regions, requests and logs.
    activities: Vec<usize>,
    /// Indices of the custom rules on runs.
    runs: Vec<usize>,
}

impl Rules {
    /// Creates the rules. `whole` says that another observer needs all intervals.
    pub(super) fn new(rules: Vec<(&'static Rule, RuleSettings)>, whole: bool) -> Self {
        let subject = |settings: &RuleSettings| settings.custom.map(|custom| custom.subject);
        let on = |wanted: fn(Subject) -> bool| {
            let all = rules.iter().enumerate();
            let all = all.filter(|(_, (_, settings))| subject(settings).is_some_and(wanted));
            all.map(|(i, _)| i).collect()
        };
        let activities = on(Subject::is_activity);
        let runs = on(|subject| subject == Subject::Running);
        let enabled = rules.into_iter();
        let enabled: Vec<_> = enabled
            .map(|(rule, settings)| (rule, (rule.detector)(settings)))
            .collect();
        let watchers = |number: usize| {
            let kind = Kinds::of_number(number);
            let watching = enabled.iter().enumerate();
            let watching = watching.filter(|(_, (rule, _))| rule.watches.intersects(kind));
            watching.map(|(i, _)| i).collect()
        };
        let watchers: [Vec<usize>; Kinds::CAPACITY] = std::array::from_fn(watchers);
        let only = |kind: Kinds, counts_below: fn(&dyn Detector) -> Option<u64>| {
            let [rule] = watchers[kind.first()][..] else {
                return Counting::default();
            };
            let below = counts_below(&*enabled[rule].1).filter(|_| !whole);
            Counting {
                rule,
                below: below.unwrap_or(0),
            }
        };
        let latency = only(Kinds::RUNNABLE, |d| d.counts_latency_below());
        let calls = only(Kinds::SYSCALL, |d| d.counts_calls_below());
        Self {
            watches: match whole {
                true => Kinds::ALL,
                false => enabled
                    .iter()
                    .fold(KINDS, |all, (rule, _)| all.union(rule.watches)),
            },
            watchers,
            latency,
            calls,
            activities,
            runs,
            enabled,
        }
    }
}

impl Rules {
    /// Returns whether a custom rule observes tasks, regions, requests or logs.
    pub(super) fn observe_activities(&self) -> bool {
        !self.activities.is_empty()
    }

    /// Observes a task, region, request or log.
    pub(super) fn activity(&mut self, activity: &Activity<'_>, timeline: &Timeline) {
        for &i in &self.activities {
            self.enabled[i].1.activity(activity, timeline);
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

    #[inline(always)]
    fn ran(&mut self, g: &Goroutine, ns: u64, timeline: &Timeline) -> bool {
        if ns >= self.latency.below {
            return true;
        }
        // The collector's sweeper alone can be half of all goroutines that run.
        if timeline.owner(g) == Owner::Program {
            self.enabled[self.latency.rule].1.latency(g.way, ns);
        }
        false
    }

    #[inline]
    fn returned(&mut self, g: &Goroutine, ns: u64, timeline: &Timeline) -> bool {
        if ns >= self.calls.below || g.cut {
            return true;
        }
        self.enabled[self.calls.rule].1.short_call(g, ns, timeline);
        false
    }

    fn heap_floor(&mut self, floor: HeapFloor, timeline: &Timeline) {
        for (_, detector) in &mut self.enabled {
            detector.heap_floor(floor, timeline);
        }
    }

    fn ended(&mut self, g: &Goroutine, _: &StateVector, timeline: &Timeline) {
        for &i in &self.runs {
            self.enabled[i].1.ended(g, timeline);
        }
    }
}

/// All observers of a trace.
pub(super) struct Observers {
    pub rules: Rules,
    pub times: Times,
    pub tasks: Tasks,
    pub requests: Requests,
    pub chains: Chains,
    /// Collector of profiles, if requested.
    pub profiles: Option<Box<Collector>>,
}

impl Observers {
    /// Observes that a goroutine of a program with a server runs.
    fn server_ran(&mut self, g: &Goroutine, ns: u64, timeline: &Timeline) {
        self.requests.ran(g, ns, &mut self.chains, timeline);
        self.follow(timeline);
    }

    /// Observes that a goroutine of a program with a server returns from a system call.
    fn server_returned(&mut self, g: &Goroutine, timeline: &Timeline) {
        self.requests.returned(g, &mut self.chains, timeline);
        // A request of HTTP/1 ends with a system call.
        self.hand_over(timeline);
        self.follow(timeline);
    }

    /// Observes that a goroutine of a program with a server leaves a wait.
    fn server_waited(&mut self, g: &Goroutine, ns: u64, timeline: &Timeline) {
        self.requests.waited(g, ns, &mut self.chains, timeline);
        self.follow(timeline);
    }

    /// Ends the tasks, regions and requests of a goroutine that ends.
    #[inline(never)]
    fn activities_end(&mut self, g: &Goroutine, timeline: &Timeline) {
        self.tasks.ended(g, &self.chains, timeline);
        if self.requests.serves(timeline) {
            self.requests.ended(g, &self.chains, timeline);
        }
        self.hand_over(timeline);
    }

    /// Observes an interval of a program with a server.
    fn server_interval(&mut self, interval: &Interval, timeline: &Timeline) {
        let (Kind::Syscall | Kind::Runnable(_)) = interval.kind else {
            return;
        };
        match timeline.find(interval.victim.g) {
            Some(g) if interval.kind == Kind::Syscall => self.server_returned(g, timeline),
            Some(g) => self.server_ran(g, interval.duration(), timeline),
            None => {}
        }
    }

    /// Updates the chains of waits once a server is known.
    #[inline]
    fn follow(&mut self, timeline: &Timeline) {
        if !self.chains.is_active() && self.requests.is_any() {
            self.chains.start(timeline);
            self.requests.assign_all(&mut self.chains, timeline);
        }
    }

    /// Passes the tasks, regions and requests that ended to the custom rules.
    #[inline]
    pub(super) fn hand_over(&mut self, timeline: &Timeline) {
        if self.rules.observe_activities() {
            self.drain(timeline);
        }
    }

    /// Passes a log to the custom rules.
    pub(super) fn log(
        &mut self,
        event: &Event,
        stack: StackKey,
        tables: &Tables,
        timeline: &Timeline,
    ) {
        let EventKind::Log { category, .. } = event.kind else {
            return;
        };
        let activity = Activity {
            subject: Subject::Log,
            name: &String::from_utf8_lossy(tables.string(category)),
            actor: Actor { g: event.g, stack },
            start: event.time,
            end: event.time,
            cpu: 0,
            cut: false,
            open: false,
        };
        self.rules.activity(&activity, timeline);
    }

    /// Passes what is open before a report to a copy of a custom rule's detector.
    pub(super) fn open(&self, detector: &mut dyn Detector, timeline: &Timeline, under_way: bool) {
        detector.open(timeline, under_way);
        if self.rules.observe_activities() && !under_way {
            let each = |activity: &Activity<'_>| detector.activity(activity, timeline);
            self.tasks.each_open(&self.chains, timeline, each);
        }
    }

    /// Passes what is open before a report to the custom rules.
    pub(super) fn open_news(&mut self, timeline: &Timeline, under_way: bool) {
        for &i in &self.rules.runs {
            self.rules.enabled[i].1.open(timeline, under_way);
        }
        if self.rules.observe_activities() && !under_way {
            let Self {
                rules,
                tasks,
                chains,
                ..
            } = self;
            tasks.each_open(chains, timeline, |activity| {
                rules.activity(activity, timeline);
            });
        }
    }

    #[cold]
    fn drain(&mut self, timeline: &Timeline) {
        let Self {
            rules,
            tasks,
            requests,
            ..
        } = self;
        let each = &mut |activity: &Activity<'_>| rules.activity(activity, timeline);
        tasks.drain(timeline, each);
        requests.drain(timeline, each);
    }

    /// Returns the memory of the times, tasks and requests in bytes.
    pub(super) fn held(&self) -> u64 {
        let profiles = self.profiles.as_ref().map_or(0, |profiles| profiles.held());
        self.times.held() + self.tasks.held() + self.requests.held() + self.chains.held() + profiles
    }
}

impl Observer for Observers {
    fn watches(&self) -> Kinds {
        self.rules.watches
    }

    #[inline(always)]
    fn ran(&mut self, g: &Goroutine, ns: u64, timeline: &Timeline) -> bool {
        if self.rules.ran(g, ns, timeline) {
            return true;
        }
        if self.requests.serves(timeline) {
            self.server_ran(g, ns, timeline);
        }
        false
    }

    #[inline(always)]
    fn returned(&mut self, g: &Goroutine, ns: u64, timeline: &Timeline) -> bool {
        if self.rules.returned(g, ns, timeline) {
            return true;
        }
        if self.requests.serves(timeline) {
            self.server_returned(g, timeline);
        }
        false
    }

    #[inline]
    fn interval(&mut self, interval: &Interval, timeline: &Timeline) {
        self.rules.interval(interval, timeline);
        if let Some(profiles) = &mut self.profiles {
            profiles.interval(interval, timeline);
        }
        if self.requests.serves(timeline) {
            self.server_interval(interval, timeline);
        }
    }

    fn heap_floor(&mut self, floor: HeapFloor, timeline: &Timeline) {
        self.rules.heap_floor(floor, timeline);
    }

    #[inline(always)]
    fn waited(&mut self, g: &Goroutine, ns: u64, timeline: &Timeline) {
        self.times.waited(g, ns);
        if self.requests.serves(timeline) {
            self.server_waited(g, ns, timeline);
        }
    }

    #[inline(always)]
    fn ended(&mut self, g: &Goroutine, time: &StateVector, timeline: &Timeline) {
        self.rules.ended(g, time, timeline);
        if let Some(profiles) = &mut self.profiles {
            profiles.ended(g, time);
        }
        self.times.ended(g, time, timeline);
        if self.tasks.is_any_open() || self.requests.serves(timeline) {
            self.activities_end(g, timeline);
        }
    }
}
