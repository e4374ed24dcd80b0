//! Rules: thresholds on intervals and gauges, with their texts.
//!
//! A rule is one file; [`RULES`] is the one list of them. Names, documentation,
//! thresholds and units everywhere else (command line, configuration, metrics,
//! dashboards, alerts) come from it.

mod blocked_on_syscall;
mod buckets;
mod cause;
mod channel_backpressure;
mod cpu_starved;
pub mod custom;
mod detector;
mod distribution;
mod gc_assist;
mod gc_pause_spike;
mod gc_pressure;
mod goroutine_leak_growth;
mod heap_growth_spike;
mod high_scheduling_latency;
mod metadata;
mod mutex_contention;
pub mod pattern;
mod process_stalled;
mod processor_starvation;
mod registry;
mod setting_error;
mod settings;
mod severity;
mod signal;
mod stop_the_world;
mod stops;
pub mod suppression;
mod thresholds;
mod unit;

pub use cause::{Cause, CauseKind, Culprit};
pub use detector::{Detector, Found, Group, Verdict};
pub use distribution::{Distribution, SCALE};
pub use goroutine_leak_growth::MIN_GROWTH;
pub use metadata::{
    Alert, Beside, ByReason, Gauge, Line, Lost, MAX_SETTINGS, Metric, Panel, Setting,
};
pub use registry::Document;
pub use setting_error::SettingError;
pub use settings::{IdCategories, RuleSettings, Settings, keys, retired};
pub use severity::Severity;
pub use thresholds::{Limit, Preset, Thresholds};
pub use unit::Unit;

use crate::timeline::{Kinds, StackKey, Timeline};

/// A rule's entry in the registry.
#[derive(Debug)]
pub struct Rule {
    /// Name in every output.
    pub name: &'static str,
    /// Unit of the rule's values.
    pub unit: Unit,
    /// Row in the table of rules in README.md.
    pub brief: &'static str,
    /// Condition that the rule detects, in one sentence.
    pub summary: &'static str,
    /// Effect of the condition on the program.
    pub why: &'static str,
    /// Suggested fix.
    pub advice: &'static str,
    /// Required events, and the Go versions that emit them.
    pub needs: &'static str,
    /// Default thresholds by [`Preset`].
    pub thresholds: [Thresholds; 3],
    /// The whole that percentages in the thresholds refer to, for a sentence; empty if there are none.
    pub percent_of: &'static str,
    /// Cause that the measured time is lost to; `None` if it is no lost time.
    pub lost: Option<Lost>,
    /// Presets in which the rule is off unless it is enabled by name.
    pub off_in: &'static [Preset],
    /// Kinds of intervals that the detector observes, see [`Kinds`].
    pub watches: Kinds,
    /// Creates a detector.
    pub detector: fn(RuleSettings) -> Box<dyn Detector>,
    /// Settings beside enabled and the thresholds, at most [`MAX_SETTINGS`].
    pub settings: &'static [Setting],
    /// Histogram of its measurement.
    pub metric: Metric,
    /// Alert on its findings.
    pub alert: Alert,
    /// Panels on the dashboards.
    pub panel: Panel,
}

/// All rules.
pub static RULES: [&Rule; 13] = [
    &gc_pause_spike::RULE,
    &high_scheduling_latency::RULE,
    &mutex_contention::RULE,
    &blocked_on_syscall::RULE,
    &goroutine_leak_growth::RULE,
    &heap_growth_spike::RULE,
    &processor_starvation::RULE,
    &gc_assist::RULE,
    &stop_the_world::RULE,
    &process_stalled::RULE,
    &gc_pressure::RULE,
    &channel_backpressure::RULE,
    &cpu_starved::RULE,
];

impl Rule {
    /// Returns the rule with a name, regardless of case: a built-in rule, or a custom rule of this process.
    pub fn find(name: &str) -> Option<&'static Rule> {
        let built_in = RULES
            .into_iter()
            .find(|r| r.name.eq_ignore_ascii_case(name));
        built_in.or_else(|| custom::find(name))
    }

    /// Whether the rule needs CPU samples, which most traces do not contain.
    pub fn needs_cpu_samples(&self) -> bool {
        std::ptr::eq(self, &raw const cpu_starved::RULE)
    }

    /// Returns the rule's number: that in [`RULES`], or a greater one for a custom rule.
    pub fn index(&self) -> usize {
        let same = |r: &&Rule| std::ptr::eq(*r, self);
        let built_in = RULES.iter().position(same);
        built_in.unwrap_or_else(|| RULES.len() + custom::index(self).unwrap_or_default())
    }

    /// Returns the rule with a number.
    pub fn at(index: usize) -> Option<&'static Rule> {
        match index.checked_sub(RULES.len()) {
            None => Some(RULES[index]),
            Some(number) => custom::rule_at(number),
        }
    }

    /// Returns whether the configuration defines the rule.
    pub fn is_custom(&self) -> bool {
        self.index() >= RULES.len()
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Rule {}

/// The function a stack is placed at, for a sentence.
fn function(t: &Timeline, stack: StackKey) -> &str {
    match t.stacks().get(t.stacks().traits(stack).place).function {
        "" => "an unknown place",
        name => name,
    }
}

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;
const MIB: u64 = 1 << 20;

/// Thresholds of a rule on times: warn and error of each preset.
const fn times(presets: [(u64, u64); 3]) -> [Thresholds; 3] {
    let [low, service, batch] = presets;
    [time(low), time(service), time(batch)]
}

const fn time((warn, error): (u64, u64)) -> Thresholds {
    Thresholds {
        warn: Limit::value(warn),
        error: Limit::value(error),
    }
}
