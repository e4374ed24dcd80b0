//! Rates of occurrences over the observed time: their share of the time, or their number per second.

use super::{Definition, Subject, Value};
use crate::rules::SECOND;
use crate::timeline::Timeline;

/// Shortest time over which a rate is measured, ns. Rates over less are chance.
const LEAST: u64 = SECOND;

/// Sums of a rule's occurrences since the last verdict.
#[derive(Clone, Debug)]
pub(super) struct Rates {
    definition: &'static Definition,
    /// Sum of the durations, ns.
    sum: u64,
    count: u64,
    /// Time before the last report that no verdict covers, because it was too short for a rate, ns.
    before: u64,
}

impl Rates {
    /// Returns sums without an occurrence.
    pub(super) fn new(definition: &'static Definition) -> Self {
        Self {
            definition,
            sum: 0,
            count: 0,
            before: 0,
        }
    }

    /// Adds an occurrence of `ns`.
    pub(super) fn add(&mut self, ns: u64) {
        self.sum = self.sum.saturating_add(ns);
        self.count += 1;
    }

    /// Observed time, ns.
    pub(super) fn window(&self, t: &Timeline) -> u64 {
        self.before.saturating_add(t.duration())
    }

    /// Whether the observed time is too short for a rate.
    pub(super) fn too_short(&self, t: &Timeline) -> bool {
        self.window(t) < LEAST
    }

    /// Adds the time until now to that of the next verdict.
    pub(super) fn postpone(&mut self, t: &Timeline) {
        self.before = self.window(t);
    }

    /// Rate of all occurrences, in the value's unit.
    pub(super) fn all(&self, t: &Timeline) -> u64 {
        self.of(self.sum, self.count, t)
    }

    /// Rate of a sum and a count over the observed time, in the value's unit.
    pub(super) fn of(&self, sum: u64, count: u64, t: &Timeline) -> u64 {
        let window = u128::from(self.window(t).max(1));
        let (part, whole) = match self.definition.value {
            Value::Share => {
                let ps = match self.definition.subject {
                    Subject::Running => u128::from(t.gomaxprocs().unwrap_or(1).max(1)),
                    _ => 1,
                };
                (u128::from(sum) * 1_000_000, window * ps)
            }
            _ => (u128::from(count) * 1_000 * u128::from(SECOND), window),
        };
        u64::try_from((part + whole / 2) / whole).unwrap_or(u64::MAX)
    }
}
