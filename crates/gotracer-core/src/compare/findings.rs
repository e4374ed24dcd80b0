//! Findings of both sides, matched by place.
//!
//! Two findings are the same if rule and function are equal: line numbers change whenever a file is edited. Among
//! several findings in one function, those with equal lines match first, then the others in order.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::report::{Finding, Frame, Report, Severity};
use crate::rules::Rule;

/// Factor from which a finding is worse.
const WORSE: f64 = 2.0;

/// A finding on one side of a comparison, over all traces of the side.
#[derive(Clone, PartialEq, Debug)]
pub struct Seen {
    /// The frame to go and change.
    pub place: Frame,
    /// Message of the worst occurrence.
    pub message: String,
    /// The worst severity.
    pub severity: Severity,
    /// Number of traces with the finding.
    pub traces: u64,
    /// Number of occurrences in all traces.
    pub count: u64,
    /// The worst occurrence, in the rule's unit.
    pub worst: u64,
    /// Sum of the occurrences of a trace per second of the trace, in the rule's unit: the greatest of all traces.
    pub per_second: f64,
}

/// How a finding differs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Difference {
    /// The base does not have the finding.
    New,
    /// The finding is more severe, or at least twice as bad.
    Worse,
    /// The finding is less severe, or at most half as bad.
    Better,
    /// Only the base has the finding.
    Gone,
}

impl Difference {
    /// All differences, in order of importance.
    pub const ALL: [Self; 4] = [Self::New, Self::Worse, Self::Better, Self::Gone];
}

/// A finding that differs.
#[derive(Clone, Debug)]
pub struct FindingChange {
    /// The rule.
    pub rule: &'static Rule,
    /// How it differs.
    pub difference: Difference,
    /// The finding in the base.
    pub base: Option<Seen>,
    /// The finding in the new traces.
    pub new: Option<Seen>,
}

/// Identity of a finding except for its line: the rule's index, its location, and whether it is only for information.
pub(super) type Key = (usize, Where, bool);

/// Location of a finding, as far as it identifies the finding.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Where {
    /// In a function, or in a file if the function is unknown.
    Function(String),
    /// In a phase of the collector, at any place.
    Phase(String),
}

/// Findings of one side, by key and line.
pub(super) type Found = BTreeMap<Key, BTreeMap<u64, Seen>>;

/// Returns the key of a finding.
pub(super) fn key(f: &Finding) -> Key {
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

/// Returns the line that distinguishes findings of one key. It is 0 for a phase, whose place is incidental.
pub(super) fn line((_, place, _): &Key, at: &Frame) -> u64 {
    match place {
        Where::Function(_) => at.line,
        Where::Phase(_) => 0,
    }
}

/// Groups the findings of some reports by key and line.
pub(super) fn by_place(reports: &[Report]) -> Found {
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

    /// Returns how the finding differs from that of the base; `None` if it does not.
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

/// Compares the findings of two sets of traces. Returns those that differ, the worst first.
pub fn findings(base: &[Report], new: &[Report]) -> Vec<FindingChange> {
    let mut changes = Vec::new();
    pair(by_place(base), by_place(new), |(rule, ..), base, new| {
        let difference = match (&base, &new) {
            (Some(base), Some(new)) => new.compared_with(base),
            (None, _) => Some(Difference::New),
            (_, None) => Some(Difference::Gone),
        };
        let rule = Rule::at(*rule);
        if let (Some(difference), Some(rule)) = (difference, rule) {
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

/// Merges the findings of a phase that reports of gotracer 0.1 have. That version reported one per place; this one
/// reports one per phase. Returns the merged finding and the keys it replaces.
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

/// Calls `each` for every finding, with its values in the base and in the new traces.
pub(super) fn pair<'a>(
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
