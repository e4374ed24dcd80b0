//! What a rule does while a trace is read, and what it has to say at the end.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::cause::{Cause, Culprit};
use super::{Distribution, RuleSettings, Severity, Thresholds};
use crate::timeline::{Actor, FrameKey, HeapFloor, Interval, Timeline};
use crate::trace::internal::of_map;
use crate::trace::{GoId, Time};

/// A rule at work on one trace.
pub trait Detector: Send {
    /// Something of a kind that the rule watches is over.
    fn interval(&mut self, _: &Interval, _: &Timeline) {}

    /// A garbage collection finished marking.
    fn heap_floor(&mut self, _: HeapFloor, _: &Timeline) {}

    /// The rule's signal so far; `None` where what was measured later does not
    /// only add to it.
    fn measurement(&self) -> Option<Distribution> {
        None
    }

    /// What the rule saw so far, or since it was last told to forget.
    fn verdict(&self, timeline: &Timeline) -> Verdict;

    /// What was seen so far was told: it is not to be told again, but what is
    /// under way goes on.
    fn forget(&mut self, timeline: &Timeline);

    /// Bytes of memory that this holds, and of what is made of it for a report.
    fn held(&self) -> u64 {
        0
    }

    /// A copy, to be told of what is not over yet.
    fn boxed_clone(&self) -> Box<dyn Detector>;
}

/// What a rule saw.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Why the trace holds no evidence, if it holds none.
    pub not_applicable: Option<String>,
    /// The rule's signal.
    pub measurement: Distribution,
    /// The same by a bounded label.
    pub by_reason: Vec<(String, Distribution)>,
    /// What crossed a threshold.
    pub found: Vec<Found>,
}

/// What crossed a threshold at one place.
#[derive(Debug)]
pub struct Found {
    /// How bad it is.
    pub severity: Severity,
    /// The threshold that was crossed.
    pub threshold: u64,
    /// The occurrences.
    pub group: Group,
    /// What tells it from another finding of the rule at the same place.
    pub variant: String,
    /// What happened, in one sentence.
    pub message: String,
    /// Why it lasted, where the trace tells.
    pub cause: Option<Cause>,
    /// What to do about it, where the rule's advice does not fit.
    pub advice: Option<&'static str>,
}

/// A rule's words for a group.
#[derive(Debug)]
pub struct Description<'a> {
    /// What tells it from another finding of the rule at the same place.
    pub variant: &'a str,
    /// What happened, in one sentence.
    pub message: String,
    /// Why it lasted, where the trace tells.
    pub cause: Option<Cause>,
    /// The severity is not above this.
    pub at_most: Severity,
    /// What to do about it, where the rule's advice does not fit.
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

/// How many places the finding of a phase lists.
pub const PLACES: usize = 10;

/// How many goroutines a finding names.
pub const EXAMPLES: usize = 5;

/// Occurrences at one place, or of one phase at any places.
#[derive(Clone, Debug)]
pub struct Group {
    /// The frame that a person would go and change.
    pub place: FrameKey,
    /// For a phase: the places of its occurrences, the worst first, at most ten. Otherwise empty.
    pub places: Vec<AtPlace>,
    /// How many places are missing in `places`.
    pub more_places: u64,
    /// Occurrences.
    pub count: u64,
    /// Of those, how many are lower bounds.
    pub open: u64,
    /// The worst one, in the rule's unit.
    pub worst: u64,
    /// When the worst one began and ended.
    pub worst_span: (Time, Time),
    /// All of them, in the rule's unit.
    pub total: u64,
    /// When the first began.
    pub first: Time,
    /// When the last ended.
    pub last: Time,
    /// Whom the worst one happened to.
    pub victim: Actor,
    /// What brought the worst one about.
    pub by: Culprit,
    /// The worst few goroutines, the worst first.
    pub examples: Vec<(u64, GoId)>,
}

/// One occurrence.
#[derive(Clone, Copy, Debug)]
pub struct Occurrence {
    /// In the rule's unit.
    pub value: u64,
    /// When it began.
    pub start: Time,
    /// When it ended.
    pub end: Time,
    /// Its value is a lower bound.
    pub open: bool,
    /// Whom it happened to.
    pub victim: Actor,
}

impl Occurrence {
    /// An interval whose value is its length.
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

    /// An empty group.
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
        }
    }

    /// Adds an occurrence. `by` is asked only for the worst one.
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

/// What crossed a rule's warn threshold so far, by place and a tag of the
/// rule's own that keeps unlike things apart.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    groups: HashMap<(FrameKey, u8), Group, foldhash::fast::RandomState>,
}

/// What a group takes, with what is made of it for a report, about, bytes.
const GROUP: usize = 1 << 10;

impl Groups {
    /// Bytes of memory that this holds, and of what is made of it for a report.
    pub fn held(&self) -> u64 {
        of_map(&self.groups, 1) + (self.groups.len() * GROUP) as u64
    }

    /// Adds an occurrence. `by` is asked only for the worst one.
    pub fn add(&mut self, place: FrameKey, tag: u8, o: &Occurrence, by: impl FnOnce() -> Culprit) {
        let group = self.groups.entry((place, tag));
        group.or_insert_with(|| Group::new(place, o)).add(o, by);
    }

    /// Merges the groups of each tag for which `phase` gives a number: groups of one phase have one cause, and their
    /// places are incidental. The number is the tag of the merged group, which is at its worst place.
    pub fn merged(&self, phase: impl Fn(u8) -> Option<u8>) -> Self {
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

    /// A finding for each group; `describe` is given the tag.
    pub fn found<'a>(
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

/// What most rules keep: all that was seen, and what crossed the warn
/// threshold.
#[derive(Clone, Debug)]
pub struct Signal {
    thresholds: Thresholds,
    seen: Distribution,
    groups: Groups,
}

impl Signal {
    /// Nothing was seen yet.
    pub fn new(settings: &RuleSettings) -> Self {
        Self {
            thresholds: settings.thresholds,
            seen: Distribution::default(),
            groups: Groups::default(),
        }
    }

    /// Takes in an interval. One that crosses the threshold is put where
    /// `place` says.
    pub fn see(&mut self, i: &Interval, t: &Timeline, place: impl FnOnce(&Occurrence) -> FrameKey) {
        self.see_part(i, i.duration(), t, place);
    }

    /// As [`see`](Self::see), where only `value` of the interval counts, ns.
    pub fn see_part(
        &mut self,
        i: &Interval,
        value: u64,
        t: &Timeline,
        place: impl FnOnce(&Occurrence) -> FrameKey,
    ) {
        self.measure(i, value);
        self.judge(i, value, t, place);
    }

    /// Measures an interval of which `value` counts, ns.
    pub fn measure(&mut self, i: &Interval, value: u64) {
        if !i.under_way {
            self.seen.record(value);
        }
    }

    /// Puts an interval that crosses the threshold where `place` says.
    pub fn judge(
        &mut self,
        i: &Interval,
        value: u64,
        t: &Timeline,
        place: impl FnOnce(&Occurrence) -> FrameKey,
    ) {
        if self.thresholds.crossed_by(i, value, t) {
            let occurrence = Occurrence {
                value,
                ..Occurrence::of(i)
            };
            let place = place(&occurrence);
            self.groups
                .add(place, 0, &occurrence, || match i.cut_at_end {
                    true => Culprit::GoesOn,
                    false => Culprit::Unknown,
                });
        }
    }

    /// Whether an interval crosses a threshold that it had not crossed at the
    /// last report.
    pub fn crosses(&self, i: &Interval, t: &Timeline) -> bool {
        self.thresholds.crossed_by(i, i.duration(), t)
    }

    /// Nothing was seen yet.
    pub fn forget(&mut self) {
        self.seen = Distribution::default();
        self.groups = Groups::default();
    }

    /// Bytes of memory that this holds, and of what is made of it for a report.
    pub fn held(&self) -> u64 {
        self.groups.held()
    }

    /// All that was seen.
    pub fn measurement(&self) -> Option<Distribution> {
        Some(self.seen.clone())
    }

    /// What was seen, in the rule's words.
    pub fn verdict<'a>(&self, describe: impl Fn(&Group) -> Description<'a>) -> Verdict {
        Verdict {
            measurement: self.seen.clone(),
            found: self
                .groups
                .found(&self.thresholds, |_, group| describe(group)),
            ..Verdict::default()
        }
    }
}
