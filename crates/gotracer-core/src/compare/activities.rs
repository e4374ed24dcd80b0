//! Tasks, regions and requests by type, on both sides.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::report::{Distribution, Report};
use crate::timeline::{State, StateVector};

/// Factor from which a quantity differs.
const FACTOR: f64 = 1.5;
/// Least difference of durations, ns.
const LEAST: f64 = 20e3;
/// Least number of values for a median and a rate.
const FOR_P50: u64 = 5;
/// Least number of values for a 99th percentile.
const FOR_P99: u64 = 200;
/// Most types in a comparison.
const MOST: usize = 50;

/// Kind of an activity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActivityKind {
    /// Tasks of one type.
    Task,
    /// Regions of one type.
    Region,
    /// Requests of one handler.
    Request,
}

impl ActivityKind {
    /// Name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Region => "region",
            Self::Request => "request",
        }
    }
}

/// Activities of one type in all traces of a side.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Activities {
    /// Number of activities.
    pub count: u64,
    /// Number per second of trace.
    pub per_second: f64,
    /// Median of the duration, ns.
    pub p50: u64,
    /// 99th percentile of the duration, ns.
    pub p99: u64,
    /// Time by state of their goroutines.
    pub time: StateVector,
}

impl Activities {
    /// Returns the mean time of an activity in a state, ns.
    pub fn mean(&self, state: State) -> f64 {
        self.time.of(state) as f64 / self.count.max(1) as f64
    }
}

/// A type of activities that differs.
#[derive(Clone, PartialEq, Debug)]
pub struct ActivityChange {
    /// Kind of the activities.
    pub kind: ActivityKind,
    /// The type, or the handler of requests.
    pub name: String,
    /// The base; `None` if it has no such activity.
    pub base: Option<Activities>,
    /// The new traces; `None` if they have no such activity.
    pub new: Option<Activities>,
}

impl ActivityChange {
    /// Returns the increase of the median, ns. A missing side has a median of 0.
    fn growth(&self) -> f64 {
        let median = |side: Option<Activities>| side.map_or(0.0, |a| a.p50 as f64);
        median(self.new) - median(self.base)
    }

    /// Returns the state whose mean time differs most, if both sides have the activity.
    pub fn state(&self) -> Option<(State, f64, f64)> {
        let (base, new) = (self.base?, self.new?);
        let all = State::ALL.map(|state| (state, base.mean(state), new.mean(state)));
        let largest = all.into_iter().max_by(|a, b| {
            let change = |(_, base, new): &(State, f64, f64)| (new - base).abs();
            change(a).total_cmp(&change(b))
        });
        largest.filter(|(_, base, new)| (new - base).abs() >= LEAST)
    }
}

/// Least and greatest value of a quantity in the traces of a side.
#[derive(Clone, Copy, Debug)]
struct Range(f64, f64);

impl Range {
    const NONE: Self = Self(f64::INFINITY, 0.0);

    fn include(&mut self, value: f64) {
        *self = Self(self.0.min(value), self.1.max(value));
    }

    /// Returns whether all values of one side are by the factor, and by at least `least`, above all of the other.
    fn is_apart(self, other: Self, least: f64) -> bool {
        let above = |low: f64, high: f64| low >= high * FACTOR && low - high >= least;
        above(self.0, other.1) || above(other.0, self.1)
    }
}

/// One type on one side.
#[derive(Clone, Debug)]
struct Gathered {
    duration: Distribution,
    time: StateVector,
    p50: Range,
    p99: Range,
    per_second: Range,
    /// Number of traces that have it.
    traces: usize,
}

type ByType = BTreeMap<(ActivityKind, String), Gathered>;

fn gather(reports: &[Report]) -> ByType {
    let mut all = ByType::new();
    for report in reports {
        let seconds = seconds(report);
        for (kind, name, duration, time) in activities(report) {
            let new = || Gathered {
                duration: Distribution::default(),
                time: StateVector::default(),
                p50: Range::NONE,
                p99: Range::NONE,
                per_second: Range::NONE,
                traces: 0,
            };
            let sum = all.entry((kind, name.to_owned())).or_insert_with(new);
            sum.duration.merge(duration);
            sum.time += time;
            sum.p50.include(duration.quantile(0.5) as f64);
            sum.p99.include(duration.quantile(0.99) as f64);
            sum.per_second.include(duration.count() as f64 / seconds);
            sum.traces += 1;
        }
    }
    // A trace without the activity has a rate of 0.
    for sum in all.values_mut().filter(|sum| sum.traces < reports.len()) {
        sum.per_second.include(0.0);
    }
    all
}

fn activities(
    report: &Report,
) -> impl Iterator<Item = (ActivityKind, &str, &Distribution, StateVector)> {
    let tasks = report.tasks.iter();
    let tasks = tasks.map(|t| (ActivityKind::Task, t.name.as_str(), &t.duration, t.time));
    let regions = report.regions.iter();
    let regions = regions.map(|r| (ActivityKind::Region, r.name.as_str(), &r.duration, r.time));
    let requests = report.requests.iter();
    let requests = requests.map(|r| {
        let name = r.handler.as_str();
        (ActivityKind::Request, name, &r.duration, r.time)
    });
    tasks.chain(regions).chain(requests)
}

fn seconds(report: &Report) -> f64 {
    report.trace.duration_ns.max(1) as f64 / 1e9
}

fn differ(base: &Gathered, new: &Gathered) -> bool {
    let least = base.duration.count().min(new.duration.count());
    if least < FOR_P50 {
        return false;
    }
    base.p50.is_apart(new.p50, LEAST)
        || base.per_second.is_apart(new.per_second, 0.0)
        || least >= FOR_P99 && base.p99.is_apart(new.p99, LEAST)
}

/// Returns the types of activities whose duration or rate differs, the greatest increase of the median first. A type
/// that only one side has differs.
pub fn activity_changes(base: &[Report], new: &[Report]) -> Vec<ActivityChange> {
    let [base_seconds, new_seconds] = [base, new].map(|side| side.iter().map(seconds).sum::<f64>());
    let side = |gathered: &Gathered, seconds: f64| Activities {
        count: gathered.duration.count(),
        per_second: gathered.duration.count() as f64 / seconds,
        p50: gathered.duration.quantile(0.5),
        p99: gathered.duration.quantile(0.99),
        time: gathered.time,
    };
    let mut before = gather(base);
    let mut changes = Vec::new();
    for ((kind, name), now) in gather(new) {
        let then = before.remove(&(kind, name.clone()));
        if then.as_ref().is_none_or(|then| differ(then, &now)) {
            changes.push(ActivityChange {
                kind,
                name,
                base: then.map(|then| side(&then, base_seconds)),
                new: Some(side(&now, new_seconds)),
            });
        }
    }
    let gone = before
        .into_iter()
        .map(|((kind, name), then)| ActivityChange {
            kind,
            name,
            base: Some(side(&then, base_seconds)),
            new: None,
        });
    changes.extend(gone);
    changes.sort_by(|a, b| b.growth().abs().total_cmp(&a.growth().abs()));
    changes.truncate(MOST);
    changes.sort_by(|a, b| b.growth().total_cmp(&a.growth()));
    changes
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;
    use crate::report::sample::report;
    use crate::report::{Region, Request, Task};

    fn durations(ms: u64, count: u64) -> Distribution {
        let mut all = Distribution::default();
        (0..count).for_each(|_| all.record(ms * 1_000_000));
        all
    }

    /// A trace of one second with tasks, and as many regions and requests.
    fn trace(name: &str, ms: u64, count: u64) -> Report {
        let mut report = report("a.trace");
        report.trace.duration_ns = 1_000_000_000;
        let mut states = [0; State::ALL.len()];
        states[State::Lock.index()] = ms * count * 1_000_000;
        let time = StateVector::from_values(states, 0, [0; 3]);
        let (name, duration) = (name.to_owned(), durations(ms, count));
        report.tasks = vec![Task {
            name: name.clone(),
            duration: duration.clone(),
            time,
            ..Task::default()
        }];
        report.regions = vec![Region {
            name: name.clone(),
            duration: duration.clone(),
            time,
            ..Region::default()
        }];
        report.requests = vec![Request {
            handler: name,
            duration,
            time,
            ..Request::default()
        }];
        report
    }

    #[test]
    fn slower_tasks_differ_by_their_largest_state() {
        let (base, new) = (trace("GET /a", 10, 20), trace("GET /a", 40, 20));
        let changes = activity_changes(from_ref(&base), from_ref(&new));
        let kinds: Vec<_> = changes.iter().map(|change| change.kind).collect();
        assert_eq!(
            kinds,
            [
                ActivityKind::Task,
                ActivityKind::Region,
                ActivityKind::Request
            ]
        );
        let (base, new) = (changes[0].base.unwrap(), changes[0].new.unwrap());
        assert_eq!((base.count, base.per_second), (20, 20.0));
        assert!(new.p50 > 3 * base.p50 && new.p99 >= new.p50);
        assert_eq!(changes[0].state(), Some((State::Lock, 10e6, 40e6)));
    }

    #[test]
    fn small_or_overlapping_differences_and_few_tasks_are_left_out() {
        let of = |ms, count| trace("a", ms, count);
        let same = |base: &[Report], new: &[Report]| activity_changes(base, new).is_empty();
        assert!(same(&[of(10, 20)], &[of(10, 20)]));
        assert!(same(&[of(10, 20)], &[of(13, 20)]));
        assert!(same(&[of(10, 3)], &[of(90, 3)]));
        assert!(same(&[of(10, 20), of(50, 20)], &[of(40, 20)]));
        assert!(!same(&[of(10, 20), of(15, 20)], &[of(40, 20)]));
        // The rate alone.
        assert!(!same(&[of(10, 20)], &[of(10, 40)]));
        assert!(same(&[], &[]));
    }

    #[test]
    fn types_of_one_side_are_new_or_gone() {
        let changes = activity_changes(&[trace("old", 10, 20)], &[trace("new", 10, 20)]);
        let sides = |name: &str| {
            let change = changes.iter().find(|change| change.name == name).unwrap();
            (change.base.is_some(), change.new.is_some(), change.state())
        };
        assert_eq!(changes.len(), 6);
        assert_eq!(sides("old"), (true, false, None));
        assert_eq!(sides("new"), (false, true, None));
    }
}
