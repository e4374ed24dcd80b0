//! Findings by place, on both sides.
//!
//! A finding is the same if its rule and its function are: lines move with
//! every change of a file. Of several in one function those with the same line
//! belong together, the others in their order.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::report::{Finding, Frame, Report, Severity};
use crate::rules::Rule;

/// So many times as bad is worse.
const WORSE: f64 = 2.0;

/// What some traces show of one finding.
#[derive(Clone, PartialEq, Debug)]
pub struct Seen {
    /// Where.
    pub place: Frame,
    /// What happened in the worst occurrence.
    pub message: String,
    /// The worst severity.
    pub severity: Severity,
    /// In how many traces.
    pub traces: u64,
    /// Occurrences in all of them.
    pub count: u64,
    /// The worst occurrence, in the rule's unit.
    pub worst: u64,
    /// All occurrences of a trace added up, for each second of it, in the
    /// rule's unit: the most of any trace.
    pub per_second: f64,
}

/// How a finding differs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Difference {
    /// It was not there before.
    New,
    /// It is more severe, or twice as bad.
    Worse,
    /// It is less severe, or half as bad.
    Better,
    /// It is not there any more.
    Gone,
}

impl Difference {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::New, Self::Worse, Self::Better, Self::Gone];
}

/// A finding that differs.
#[derive(Clone, Debug)]
pub struct FindingChange {
    /// The rule.
    pub rule: &'static Rule,
    /// How it differs.
    pub difference: Difference,
    /// What it was.
    pub base: Option<Seen>,
    /// What it is.
    pub new: Option<Seen>,
}

/// What makes two findings the same, but for the line: the rule's number, where it is, and whether it is only for
/// information.
pub type Key = (usize, Where, bool);

/// Where a finding is, as far as that makes it the same.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Where {
    /// In a function, or else in a file.
    Function(String),
    /// In a phase, at whatever places.
    Phase(String),
}

/// What some traces show, by what it is and by line.
pub type Found = BTreeMap<Key, BTreeMap<u64, Seen>>;

/// See [`Key`].
pub fn key(f: &Finding) -> Key {
    let function = match f.place.function.as_str() {
        "" => &f.place.file,
        function => function,
    };
    let place = match &f.phase {
        Some(phase) => Where::Phase(phase.clone()),
        None => Where::Function(function.to_owned()),
    };
    (f.rule.index(), place, f.severity == Severity::Info)
}

/// The line that tells findings of one key apart. A phase is at any line.
pub fn line((_, place, _): &Key, at: &Frame) -> u64 {
    match place {
        Where::Function(_) => at.line,
        Where::Phase(_) => 0,
    }
}

/// What some traces show.
pub fn by_place(reports: &[Report]) -> Found {
    let mut found = Found::new();
    for report in reports {
        let seconds = report.trace.duration_ns.max(1) as f64 / 1e9;
        for f in &report.findings {
            let seen = Seen {
                place: f.place.clone(),
                message: f.message.clone(),
                severity: f.severity,
                traces: 1,
                count: f.count,
                worst: f.worst,
                per_second: f.total as f64 / seconds,
            };
            let key = key(f);
            let line = line(&key, &f.place);
            let lines = found.entry(key).or_default();
            match lines.get_mut(&line) {
                Some(known) => known.add(seen),
                None => {
                    lines.insert(line, seen);
                }
            }
        }
    }
    found
}

impl Seen {
    fn add(&mut self, other: Self) {
        if other.worst > self.worst {
            (self.worst, self.message) = (other.worst, other.message);
        }
        self.severity = self.severity.max(other.severity);
        self.traces += other.traces;
        self.count += other.count;
        self.per_second = self.per_second.max(other.per_second);
    }

    /// How it differs, if it does.
    pub fn compared_with(&self, base: &Self) -> Option<Difference> {
        let (worst, base_worst) = (self.worst as f64, base.worst as f64);
        let times = |a: f64, b: f64| a >= b * WORSE;
        let worse = times(worst, base_worst) || times(self.per_second, base.per_second);
        let better = times(base_worst, worst) || times(base.per_second, self.per_second);
        match self.severity.cmp(&base.severity) {
            std::cmp::Ordering::Greater => Some(Difference::Worse),
            std::cmp::Ordering::Less => Some(Difference::Better),
            std::cmp::Ordering::Equal if worse == better => None,
            std::cmp::Ordering::Equal if worse => Some(Difference::Worse),
            std::cmp::Ordering::Equal => Some(Difference::Better),
        }
    }
}

/// The findings that differ between two sets of traces, the worst first.
pub fn findings(base: &[Report], new: &[Report]) -> Vec<FindingChange> {
    let mut changes = Vec::new();
    pair(by_place(base), by_place(new), |(rule, ..), base, new| {
        let difference = match (&base, &new) {
            (Some(base), Some(new)) => new.compared_with(base),
            (None, _) => Some(Difference::New),
            (_, None) => Some(Difference::Gone),
        };
        let rule = crate::rules::RULES.get(*rule);
        if let (Some(difference), Some(&rule)) = (difference, rule) {
            changes.push(FindingChange {
                rule,
                difference,
                base,
                new,
            });
        }
    });
    changes.sort_by_key(|c| {
        let seen = c.new.as_ref().or(c.base.as_ref());
        (c.difference, Reverse(seen.map(|s| (s.severity, s.worst))))
    });
    changes
}

/// What reports of gotracer 0.1 say of a phase: they had a finding for each place. Returns all of them as one, with their
/// keys.
fn by_version_0_1(base: &Found, (rule, _, info): &Key) -> (Option<Seen>, Vec<Key>) {
    let of_rule = base.iter().filter(|((other, place, other_info), _)| {
        other == rule && other_info == info && matches!(place, Where::Function(_))
    });
    let of_rule: Vec<_> = of_rule.collect();
    let all = of_rule
        .iter()
        .flat_map(|(_, lines)| lines.values().cloned());
    let one = all.reduce(|mut all, seen| {
        let traces = all.traces.max(seen.traces);
        all.add(seen);
        Seen { traces, ..all }
    });
    (
        one,
        of_rule.into_iter().map(|(key, _)| key.clone()).collect(),
    )
}

/// Calls `each` with everything that is on both sides, or on one.
pub fn pair<'a>(
    mut base: Found,
    new: Found,
    mut each: impl FnMut(&Key, Option<Seen>, Option<Seen>) + 'a,
) {
    let mut known_by_place = Vec::new();
    for (key, mut lines) in new {
        let mut before = base.remove(&key).unwrap_or_default();
        if let (Where::Phase(_), true) = (&key.1, before.is_empty()) {
            let (seen, keys) = by_version_0_1(&base, &key);
            before.extend(seen.map(|seen| (0, seen)));
            known_by_place.extend(keys);
        }
        let same: Vec<_> = lines
            .keys()
            .copied()
            .filter(|l| before.contains_key(l))
            .collect();
        for line in same {
            each(&key, before.remove(&line), lines.remove(&line));
        }
        let mut before = before.into_values();
        for seen in lines.into_values() {
            each(&key, before.next(), Some(seen));
        }
        before.for_each(|seen| each(&key, Some(seen), None));
    }
    known_by_place.iter().for_each(|key| {
        base.remove(key);
    });
    for (key, lines) in base {
        lines
            .into_values()
            .for_each(|seen| each(&key, Some(seen), None));
    }
}
