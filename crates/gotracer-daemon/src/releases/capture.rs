//! Part of a capture that is kept for comparisons.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::compare::{Measured, Quantity};
use crate::report::Report;
use crate::rules::{Rule, Unit};

/// One capture of a program.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Capture {
    /// Time at which the capture ended.
    pub at: Timestamp,
    /// Goroutines at the end of the capture.
    pub goroutines: u64,
    /// Values of the rules' quantities.
    pub said: Said,
}

/// Values of the rules' quantities. Values of unknown rules are skipped when read.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Stored>", into = "Vec<Stored>")]
pub struct Said(Vec<(&'static Rule, Quantity, Measured)>);

/// Stored form, with the rules' names.
type Stored = (String, Quantity, Measured);

impl From<Vec<Stored>> for Said {
    fn from(stored: Vec<Stored>) -> Self {
        let known = |(name, quantity, measured): Stored| {
            Rule::find(&name).map(|rule| (rule, quantity, measured))
        };
        Self(stored.into_iter().filter_map(known).collect())
    }
}

impl From<Said> for Vec<Stored> {
    fn from(said: Said) -> Self {
        let all = said.0.into_iter();
        all.map(|(rule, quantity, m)| (rule.name.into(), quantity, m))
            .collect()
    }
}

impl Capture {
    /// Extracts the values of a report whose capture ended at `at`.
    pub(super) fn new(report: &Report, at: Timestamp) -> Self {
        let rules = report.rules.iter().map(|asked| asked.rule);
        let said = rules.flat_map(|rule| {
            let quantities = Quantity::of(rule).iter().chain(Quantity::over_time(rule));
            quantities.filter_map(move |&q| Some((rule, q, q.measure(report, rule)?.rounded())))
        });
        Self {
            at,
            goroutines: report.program.goroutines.end,
            said: Said(said.collect()),
        }
    }

    /// Returns the value of a quantity.
    pub(super) fn measured(&self, rule: &Rule, quantity: Quantity) -> Option<Measured> {
        let mut all = self.said.0.iter();
        let found = all.find(|(r, q, _)| (r.name, *q) == (rule.name, quantity));
        found.map(|(.., measured)| *measured)
    }

    /// Returns the end of the capture in seconds, and the amount whose growth the rule watches.
    pub(super) fn point(&self, rule: &Rule) -> Option<(f64, f64)> {
        let value = match rule.unit {
            Unit::Goroutines => self.goroutines as f64,
            Unit::Bytes => self.measured(rule, Quantity::Floor)?.value,
            Unit::Nanoseconds | Unit::Share | Unit::Rate => return None,
        };
        Some((self.at.as_millisecond() as f64 / 1e3, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn what_is_stored_is_read_without_rules_that_are_gone() {
        let capture = Capture::new(&sample::eventful("a"), Timestamp::UNIX_EPOCH);
        let text = serde_json::to_string(&capture).unwrap();
        assert!(text.len() < 2_000, "{}: {text}", text.len());
        assert_eq!(serde_json::from_str::<Capture>(&text).unwrap(), capture);
        let older = text.replace("HeapGrowthSpike", "Forgotten");
        let read: Capture = serde_json::from_str(&older).unwrap();
        assert!(read.said.0.len() < capture.said.0.len());
        let heap = Rule::find("HeapGrowthSpike").unwrap();
        assert_eq!(capture.point(heap), Some((0.0, 62_914_600.0)));
        assert_eq!(read.point(heap), None);
    }
}
