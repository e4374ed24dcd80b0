//! Sums of the custom rules.

use std::collections::BTreeMap;

use super::Findings;
use crate::export::births::Birth;
use crate::report::{Distribution, RuleReport, Status};
use crate::rules::Unit;

/// Maximum number of custom rules with series of their own. The configuration has fewer, unless reloads rename them.
const RULES: usize = 100;

/// Sums of one custom rule.
#[derive(Debug)]
pub struct CustomRule {
    /// Unit of the values.
    pub unit: Unit,
    /// Findings by severity, as in [`Severity::ALL`](crate::rules::Severity::ALL).
    pub findings: [Findings; 3],
    /// Findings whose worst is ten times the threshold of an error.
    pub extreme: u64,
    /// Measurements, of rules on single occurrences.
    pub durations: Distribution,
    /// Value in the last trace, of rules on rates.
    pub rate: Option<u64>,
    /// Start of the series.
    pub birth: Birth,
}

/// Sums of the custom rules, by name.
#[derive(Debug, Default)]
pub struct CustomRules(BTreeMap<&'static str, CustomRule>);

impl CustomRules {
    /// Returns the sums of a rule, which are added if `admit` allows its series.
    pub fn entry(
        &mut self,
        report: &RuleReport,
        birth: impl FnOnce() -> Birth,
        admit: impl FnOnce() -> bool,
    ) -> Option<&mut CustomRule> {
        let name = report.rule.name;
        if !self.0.contains_key(name) {
            if self.0.len() >= RULES || !admit() {
                return None;
            }
            let rule = CustomRule {
                unit: report.rule.unit,
                findings: Default::default(),
                extreme: 0,
                durations: Distribution::default(),
                rate: None,
                birth: birth(),
            };
            self.0.insert(name, rule);
        }
        self.0.get_mut(name)
    }

    /// Returns the sums of a rule.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut CustomRule> {
        self.0.get_mut(name)
    }

    /// Names and sums of the rules.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &CustomRule)> {
        self.0.iter().map(|(name, rule)| (*name, rule))
    }
}

impl CustomRule {
    /// Adds the measurement of a report.
    pub fn record(&mut self, report: &RuleReport) {
        if self.unit != report.rule.unit {
            // A reload changed the value of the rule.
            (self.durations, self.rate) = (Distribution::default(), None);
            self.unit = report.rule.unit;
        }
        match self.unit {
            Unit::Share | Unit::Rate => {
                let applied = report.status != Status::NotApplicable;
                self.rate = applied.then(|| report.measurement.max());
            }
            _ => self.durations.merge(&report.measurement),
        }
    }
}
