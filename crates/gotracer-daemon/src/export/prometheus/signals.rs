//! Units and HELP texts of the rules' histograms.

use prometheus_client::registry::Unit;

use super::histogram::Scale;
use crate::rules::{Rule, Unit as RuleUnit};

/// Returns the HELP text of a rule's histogram.
pub fn help(rule: &Rule) -> String {
    let reading = rule.metric.reading;
    format!("{} (rule {}) {reading}", rule.summary, rule.name)
}

/// A rule's unit as the metric has it: the one its name ends in, and how to get
/// there.
pub fn unit(unit: RuleUnit) -> (Option<Unit>, &'static Scale) {
    match unit {
        RuleUnit::Nanoseconds => (Some(Unit::Seconds), &Scale::TIME),
        RuleUnit::Bytes => (Some(Unit::Bytes), &Scale::BYTES),
        RuleUnit::Goroutines => (None, &Scale::GOROUTINES),
    }
}

/// The upper bounds of a unit's classic buckets, in that unit.
pub fn bounds(of: RuleUnit) -> impl Iterator<Item = u64> {
    unit(of).1.bounds()
}
