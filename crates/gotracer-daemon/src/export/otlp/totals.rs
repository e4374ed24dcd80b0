//! What is sent as metrics: of one trace, or of all traces of a target since it
//! became known, as the receiver prefers.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::labels::Labels;
use crate::report::{Distribution, Report, Status};
use crate::rules::RULES;

/// Reasons come out of the trace: more of them than this are one.
const MAX_REASONS: usize = 32;
/// The reason of those.
const OTHER: &str = "other";

/// How points of one target relate to each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Temporality {
    /// Each tells of one trace.
    #[default]
    Delta,
    /// Each tells of all traces up to then.
    Cumulative,
}

/// A stretch of time.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// When it began.
    pub start: SystemTime,
    /// When it ended.
    pub end: SystemTime,
}

/// What traces told, added up.
#[derive(Clone, Debug)]
pub struct Totals {
    /// From the first trace's start to the last one's end.
    pub window: Window,
    /// Trace time.
    pub observed: Duration,
    /// By rule and severity.
    pub findings: BTreeMap<(&'static str, &'static str), u64>,
    /// By rule, as far as there was evidence.
    pub signals: Vec<Option<Distribution>>,
    /// By rule, then by reason.
    pub by_reason: Vec<BTreeMap<String, Distribution>>,
    /// Goroutines created.
    pub created: u64,
    /// Goroutines that ended.
    pub exited: u64,
}

impl Totals {
    /// Those of one trace that was analysed at that time.
    pub fn of(report: &Report, at: SystemTime) -> Self {
        let (start, end) = report.trace.window(at);
        let goroutines = &report.program.goroutines;
        let mut totals = Self {
            window: Window { start, end },
            observed: Duration::from_nanos(report.trace.duration_ns),
            findings: BTreeMap::new(),
            signals: vec![None; RULES.len()],
            by_reason: vec![BTreeMap::new(); RULES.len()],
            created: goroutines.created,
            exited: goroutines.exited,
        };
        for finding in &report.findings {
            let key = (finding.rule.name, finding.severity.name());
            *totals.findings.entry(key).or_default() += 1;
        }
        for rule in &report.rules {
            let index = rule.rule.index();
            if rule.status != Status::NotApplicable {
                totals.signals[index] = Some(rule.measurement.clone());
                for (reason, values) in &rule.by_reason {
                    add(&mut totals.by_reason[index], reason, values);
                }
            }
        }
        totals
    }

    /// Adds those of a later trace.
    fn add(&mut self, more: &Self) {
        // Another start would tell receivers that counting began anew.
        self.window.end = self.window.end.max(more.window.end);
        self.observed += more.observed;
        self.created += more.created;
        self.exited += more.exited;
        for (key, count) in &more.findings {
            *self.findings.entry(*key).or_default() += count;
        }
        for (signal, more) in self.signals.iter_mut().zip(&more.signals) {
            if let Some(more) = more {
                signal.get_or_insert_default().merge(more);
            }
        }
        for (reasons, more) in self.by_reason.iter_mut().zip(&more.by_reason) {
            for (reason, values) in more {
                add(reasons, reason, values);
            }
        }
    }
}

fn add(reasons: &mut BTreeMap<String, Distribution>, reason: &str, values: &Distribution) {
    let room = reasons.len() < MAX_REASONS || reasons.contains_key(reason);
    let reason = if room { reason } else { OTHER };
    reasons.entry(reason.into()).or_default().merge(values);
}

/// The targets' totals, where they are wanted.
#[derive(Debug, Default)]
pub struct Ledger {
    temporality: Temporality,
    targets: Mutex<BTreeMap<Labels, Totals>>,
}

impl Ledger {
    /// One that adds up, or does not.
    pub fn new(temporality: Temporality) -> Self {
        Self {
            temporality,
            targets: Mutex::default(),
        }
    }

    /// Takes in what a trace told, and gives what is to be sent, to `send`. One
    /// point comes after the other: nobody else's is sent in between.
    pub fn record(&self, target: &Labels, new: Totals, send: impl FnOnce(&Totals)) {
        if self.temporality == Temporality::Delta {
            return send(&new);
        }
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(totals) = targets.get_mut(target) {
            totals.add(&new);
            send(totals);
        } else {
            send(targets.entry(target.clone()).or_insert(new));
        }
    }

    /// A target is gone.
    pub fn forget(&self, target: &Labels) {
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        targets.remove(target);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn totals_add_up_where_that_is_wanted() {
        let (target, at) = (Labels::new(), SystemTime::UNIX_EPOCH);
        for (temporality, wanted) in [
            (Temporality::Delta, [1, 1]),
            (Temporality::Cumulative, [1, 2]),
        ] {
            let ledger = Ledger::new(temporality);
            for wanted in wanted {
                let totals = Totals::of(&sample::eventful("a"), at);
                ledger.record(&target, totals, |totals| {
                    assert_eq!(totals.findings[&("MutexContention", "error")], wanted);
                    let waits = totals.signals[2].as_ref().unwrap();
                    assert_eq!(waits.count(), wanted);
                    assert_eq!(totals.created, 1_003 * wanted);
                    // A rule without evidence measured nothing.
                    assert!(totals.signals[7].is_none());
                });
            }
            ledger.forget(&target);
            let totals = Totals::of(&sample::eventful("a"), at);
            ledger.record(&target, totals, |totals| assert_eq!(totals.created, 1_003));
        }
    }

    #[test]
    fn a_clock_that_is_ahead_ends_no_window_later_than_now() {
        let at = crate::units::system_time("2026-11-23T10:00:00Z".parse().unwrap());
        let ledger = Ledger::new(Temporality::Cumulative);
        for made in ["2036-11-23T09:00:00Z", "2026-11-23T09:00:00Z"] {
            let mut report = sample::report("a");
            report.trace.start_time = Some(made.parse().unwrap());
            let totals = Totals::of(&report, at);
            ledger.record(&Labels::new(), totals, |totals| {
                assert_eq!(totals.window.end, at);
                assert!(totals.window.start < at);
            });
        }
    }
}
