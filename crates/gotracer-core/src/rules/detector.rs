//! Detectors of rules, their groups of occurrences, and their verdicts.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::cause::{Cause, Culprit};
use super::custom::{Activity, Explanation};
use super::{Distribution, Severity, Thresholds};
use crate::timeline::{Actor, FrameKey, Goroutine, HeapFloor, Interval, Leaves, Timeline, Way};
use crate::trace::internal::of_map;
use crate::trace::{GoId, Time};

/// Detector of one rule, at work on one trace.
pub trait Detector: Send {
    /// Observes an interval of a kind that the rule watches, once it has ended.
    fn interval(&mut self, _: &Interval, _: &Timeline) {}

    /// If the detector only counts the shorter ones of the program's waits for a P: the duration from which it needs
    /// their intervals, ns. It then gets the shorter ones by [`latency`](Self::latency).
    fn counts_latency_below(&self) -> Option<u64> {
        None
    }

    /// Counts a wait for a P of one of the program's goroutines.
    fn latency(&mut self, _: Way, _ns: u64) {}

    /// If the detector only counts the shorter ones of the program's system calls: the duration from which it needs
    /// their intervals, ns. It then gets the shorter ones by [`short_call`](Self::short_call).
    fn counts_calls_below(&self) -> Option<u64> {
        None
    }

    /// Counts a system call that began within the trace, from which one of the program's goroutines returns.
    fn short_call(&mut self, _: &Goroutine, _ns: u64, _: &Timeline) {}

    /// Observes the live heap at the end of a garbage collection's marking.
    fn heap_floor(&mut self, _: HeapFloor, _: &Timeline) {}

    /// Observes the end of a goroutine. Only custom rules on runs are called.
    fn ended(&mut self, _: &Goroutine, _: &Timeline) {}

    /// Observes a task, region, request or log. Only custom rules on these are called.
    fn activity(&mut self, _: &Activity<'_>, _: &Timeline) {}

    /// Observes the goroutines that run before a report. Only custom rules on runs are called. `under_way` says that
    /// more events follow.
    fn open(&mut self, _: &Timeline, _under_way: bool) {}

    /// The rule's measurement so far; `None` if later observations do more than add to it.
    fn measurement(&self) -> Option<Distribution> {
        None
    }

    /// Measurement and findings since the start of the trace or the last [`forget`](Self::forget).
    fn verdict(&self, timeline: &Timeline) -> Verdict;

    /// Resets measurement and findings after a report; intervals that have not ended continue.
    fn forget(&mut self, timeline: &Timeline);

    /// Bytes of memory of the detector and of the report that is built from it.
    fn held(&self) -> u64 {
        0
    }

    /// A copy, to observe intervals that have not ended without changing the original.
    fn boxed_clone(&self) -> Box<dyn Detector>;

    /// Explanation of what a custom rule matched, if the settings request it.
    fn explanation(&self) -> Option<&Explanation> {
        None
    }
}

/// Measurement and findings of a rule.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Reason why the trace holds no evidence for the rule, if it holds none.
    pub not_applicable: Option<String>,
    /// The rule's measurement.
    pub measurement: Distribution,
    /// The same measurement by the label `reason`, which takes few values.
    pub by_reason: Vec<(String, Distribution)>,
    /// Findings, in any order.
    pub found: Vec<Found>,
}

/// Finding of a rule before it is placed in a report.
#[derive(Debug)]
pub struct Found {
    /// Severity of the worst occurrence.
    pub severity: Severity,
    /// Threshold that the worst occurrence crossed.
    pub threshold: u64,
    /// The occurrences.
    pub group: Group,
    /// Distinguishes findings of the rule at the same place.
    pub variant: String,
    /// Description in one sentence.
    pub message: String,
    /// Cause of the worst occurrence, if the trace shows it.
    pub cause: Option<Cause>,
    /// Suggested fix, if the rule's general one does not fit.
    pub advice: Option<&'static str>,
}

/// Texts of the finding for a group.
#[derive(Debug)]
pub(super) struct Description<'a> {
    /// Distinguishes findings of the rule at the same place.
    pub variant: &'a str,
    /// Description in one sentence.
    pub message: String,
    /// Cause of the worst occurrence, if the trace shows it.
    pub cause: Option<Cause>,
    /// Upper limit of the severity.
    pub at_most: Severity,
    /// Suggested fix, if the rule's general one does not fit.
    pub advice: Option<&'static str>,
}

/// Occurrences of a phase at one place.
#[derive(Clone, Copy, Debug)]
pub struct AtPlace {
    /// The place.
    pub place: FrameKey,
    /// Number of occurrences there.
    pub count: u64,
    /// The worst of them, in the rule's unit.
    pub worst: u64,
}

/// Maximum number of places in the finding of a phase.
pub(super) const PLACES: usize = 10;

/// Maximum number of goroutines that a finding names.
pub(super) const EXAMPLES: usize = 5;

/// Occurrences at one place, or of one phase at any places.
#[derive(Clone, Debug)]
pub struct Group {
    /// Stack frame to change.
    pub place: FrameKey,
    /// For a phase: the places of its occurrences, the worst first, at most `PLACES`. Otherwise empty.
    pub places: Vec<AtPlace>,
    /// Number of places that are missing in `places`.
    pub more_places: u64,
    /// Number of occurrences.
    pub count: u64,
    /// Number of occurrences that are lower bounds.
    pub open: u64,
    /// Value of the worst occurrence, in the rule's unit.
    pub worst: u64,
    /// Start and end of the worst occurrence.
    pub worst_span: (Time, Time),
    /// Sum of all occurrences, in the rule's unit.
    pub total: u64,
    /// Start of the first occurrence.
    pub first: Time,
    /// End of the last occurrence.
    pub last: Time,
    /// Goroutine of the worst occurrence.
    pub victim: Actor,
    /// Cause of the worst occurrence.
    pub by: Culprit,
    /// The goroutines with the worst occurrences, the worst first.
    pub examples: Vec<(u64, GoId)>,
    /// Time of all occurrences by the leaves of their chains, if they are waits for other goroutines.
    pub in_the_end: Option<Leaves>,
}

/// One occurrence.
#[derive(Clone, Copy, Debug)]
pub struct Occurrence {
    /// Value in the rule's unit.
    pub value: u64,
    /// Start of the occurrence.
    pub start: Time,
    /// End of the occurrence.
    pub end: Time,
    /// Whether the value is a lower bound.
    pub open: bool,
    /// Goroutine that the occurrence delayed.
    pub victim: Actor,
}

impl Occurrence {
    /// Returns an interval as an occurrence whose value is its length.
    pub fn of(i: &Interval) -> Self {
        Self {
            value: i.duration(),
            start: i.start,
            end: i.end,
            open: i.is_cut(),
            victim: i.victim,
        }
    }
}

impl Group {
    fn at_place(&self) -> AtPlace {
        AtPlace {
            place: self.place,
            count: self.count,
            worst: self.worst,
        }
    }

    /// Returns a group without occurrences.
    pub fn new(place: FrameKey, o: &Occurrence) -> Self {
        Self {
            place,
            places: Vec::new(),
            more_places: 0,
            count: 0,
            open: 0,
            worst: 0,
            worst_span: (o.start, o.end),
            total: 0,
            first: o.start,
            last: o.end,
            victim: o.victim,
            by: Culprit::Unknown,
            examples: Vec::new(),
            in_the_end: None,
        }
    }

    /// Adds what an occurrence was in the end.
    pub fn ended_as(&mut self, leaves: Leaves) {
        *self.in_the_end.get_or_insert_default() += leaves;
    }

    /// Adds an occurrence. `by` is called only if it is the worst one.
    pub fn add(&mut self, o: &Occurrence, by: impl FnOnce() -> Culprit) {
        if self.count == 0 || o.value > self.worst {
            self.worst = o.value;
            self.worst_span = (o.start, o.end);
            self.victim = o.victim;
            self.by = by();
        }
        self.count += 1;
        self.open += u64::from(o.open);
        self.total = self.total.saturating_add(o.value);
        self.first = self.first.min(o.start);
        self.last = self.last.max(o.end);
        self.example(o.value, o.victim.g);
    }

    /// Adds the occurrences of a group whose worst one is not worse.
    fn absorb(&mut self, other: &Self) {
        self.count += other.count;
        self.open += other.open;
        self.total = self.total.saturating_add(other.total);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        for &(value, g) in &other.examples {
            self.example(value, g);
        }
        other
            .in_the_end
            .into_iter()
            .for_each(|leaves| self.ended_as(leaves));
    }

    /// Keeps the worst occurrence of each of the worst few goroutines.
    fn example(&mut self, value: u64, g: GoId) {
        if !g.is_some() {
            return;
        }
        if let Some(known) = self.examples.iter_mut().find(|(_, known)| *known == g) {
            known.0 = known.0.max(value);
        } else if self.examples.len() < EXAMPLES {
            self.examples.push((value, g));
        } else if let Some(least) = self.examples.last_mut()
            && least.0 < value
        {
            *least = (value, g);
        }
        self.examples.sort_by_key(|e| std::cmp::Reverse(e.0));
    }
}

/// Occurrences above a rule's warn threshold, grouped by place and by a tag of the rule.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    groups: HashMap<(FrameKey, u8), Group, foldhash::fast::RandomState>,
}

/// Approximate memory of a group and its finding, bytes.
const GROUP: usize = 1 << 10;

impl Groups {
    /// Bytes of memory of the groups and of the findings built from them.
    pub(super) fn held(&self) -> u64 {
        of_map(&self.groups, 1) + (self.groups.len() * GROUP) as u64
    }

    /// Adds an occurrence, and returns its group. `by` is called only if it is the worst one of the group.
    pub(super) fn add(
        &mut self,
        place: FrameKey,
        tag: u8,
        o: &Occurrence,
        by: impl FnOnce() -> Culprit,
    ) -> &mut Group {
        let group = self.groups.entry((place, tag));
        let group = group.or_insert_with(|| Group::new(place, o));
        group.add(o, by);
        group
    }

    /// Returns groups whose worst value and total are a rate of their former total and count.
    pub(super) fn rated(&self, rate: impl Fn(u64, u64) -> u64) -> Self {
        let mut rated = self.clone();
        for group in rated.groups.values_mut() {
            group.worst = rate(group.total, group.count);
            group.total = group.worst;
        }
        rated
    }

    /// Merges all groups whose tags `phase` maps to the same number. Groups of one phase have one cause, and their
    /// places are incidental. The number becomes the tag of the merged group, which is at its worst place.
    pub(super) fn merged(&self, phase: impl Fn(u8) -> Option<u8>) -> Self {
        let mut merged = Self::default();
        let mut phases: BTreeMap<u8, Vec<&Group>> = BTreeMap::new();
        for (&(place, tag), group) in &self.groups {
            match phase(tag) {
                Some(phase) => phases.entry(phase).or_default().push(group),
                None => {
                    merged.groups.insert((place, tag), group.clone());
                }
            }
        }
        for (phase, mut groups) in phases {
            groups.sort_by_key(|g| (Reverse(g.worst), g.first, g.place));
            let Some((worst, others)) = groups.split_first() else {
                continue;
            };
            let mut all = Group::clone(worst);
            others.iter().for_each(|group| all.absorb(group));
            all.places = groups.iter().take(PLACES).map(|g| g.at_place()).collect();
            all.more_places = (groups.len() - all.places.len()) as u64;
            merged.groups.insert((all.place, phase), all);
        }
        merged
    }

    /// Iterates over the groups in any order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// Returns a finding for each group; `describe` receives the group's tag.
    pub(super) fn found<'a>(
        &self,
        thresholds: &Thresholds,
        describe: impl Fn(u8, &Group) -> Description<'a>,
    ) -> Vec<Found> {
        let groups = self.groups.iter();
        groups
            .filter_map(|(&(_, tag), group)| {
                let (severity, limit) = thresholds.judge(group.worst)?;
                let d = describe(tag, group);
                Some(Found {
                    severity: severity.min(d.at_most),
                    threshold: limit.value,
                    group: group.clone(),
                    variant: d.variant.into(),
                    message: d.message,
                    cause: d.cause,
                    advice: d.advice,
                })
            })
            .collect()
    }
}
