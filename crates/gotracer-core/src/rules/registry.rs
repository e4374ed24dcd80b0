//! Registry of rules as JSON: output of `gotracer rules --format json`, and input of the
//! generator of dashboards, alerts and reference documentation.

use serde::Serialize;

use super::metadata::{Alert, Metric, Panel, Setting};
use super::settings::keys;
use super::thresholds::{Limit, Preset};
use super::{Rule, Unit};

/// JSON document of a list of rules.
#[derive(Serialize)]
pub struct Document {
    schema: &'static str,
    rules: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    rule: &'static str,
    unit: Unit,
    brief: &'static str,
    summary: &'static str,
    why: &'static str,
    advice: &'static str,
    needs: &'static str,
    keys: Vec<&'static str>,
    percent_of: &'static str,
    settings: &'static [Setting],
    thresholds: Vec<PresetThresholds>,
    metric: &'static Metric,
    alert: &'static Alert,
    panel: &'static Panel,
}

#[derive(Serialize)]
struct PresetThresholds {
    preset: &'static str,
    /// Whether the rule is enabled.
    enabled: bool,
    warn: Bound,
    error: Bound,
}

#[derive(Serialize)]
struct Bound {
    /// `None` if no value is a finding of this severity.
    value: Option<u64>,
    percent: Option<f64>,
    per_second: Option<u64>,
    /// Value in the configuration's format.
    text: String,
    /// Rate in the configuration's format.
    per_second_text: Option<String>,
}

impl Document {
    /// Returns the document of these rules.
    pub fn new(rules: &[&'static Rule]) -> Self {
        Self {
            schema: "gotracer.rules/v1",
            rules: rules.iter().map(|rule| Entry::new(rule)).collect(),
        }
    }
}

impl Entry {
    fn new(rule: &'static Rule) -> Self {
        let thresholds = Preset::ALL.into_iter().map(|preset| {
            let limits = &rule.thresholds[preset as usize];
            PresetThresholds {
                preset: preset.name(),
                enabled: !rule.off_in.contains(&preset),
                warn: Bound::new(rule.unit, &limits.warn),
                error: Bound::new(rule.unit, &limits.error),
            }
        });
        Self {
            rule: rule.name,
            unit: rule.unit,
            brief: rule.brief,
            summary: rule.summary,
            why: rule.why,
            advice: rule.advice,
            needs: rule.needs,
            keys: keys(rule),
            percent_of: rule.percent_of,
            settings: rule.settings,
            thresholds: thresholds.collect(),
            metric: &rule.metric,
            alert: &rule.alert,
            panel: &rule.panel,
        }
    }
}

impl Bound {
    fn new(unit: Unit, limit: &Limit) -> Self {
        Self {
            value: (!limit.is_never()).then_some(limit.value),
            percent: limit.percent,
            per_second: limit.per_second,
            text: limit.text(unit),
            per_second_text: limit.per_second.map(|n| unit.exactly(n)),
        }
    }
}
