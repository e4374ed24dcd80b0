//! Settings of rules, by key.

use super::custom::{self, Definition};
use super::setting_error::SettingError;
use super::suppression::Suppressions;
use super::{Limit, MAX_SETTINGS, Preset, RULES, Rule, Thresholds};

/// One rule's settings.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RuleSettings {
    /// Whether the rule runs.
    pub enabled: bool,
    /// Whether the preset turned the rule off, and no setting turned it on.
    off_by_preset: bool,
    /// The rule's limits.
    pub thresholds: Thresholds,
    /// Values of the rule's own settings, in the order of [`Rule::settings`].
    pub own: [bool; MAX_SETTINGS],
    /// Definition of a custom rule.
    pub custom: Option<&'static Definition>,
    /// Whether a custom rule explains what it matched.
    pub explain: bool,
}

/// Number of built-in rules.
const BUILT_IN: usize = RULES.len();

impl RuleSettings {
    /// Settings of a rule that is not applied.
    const OFF: Self = Self {
        enabled: false,
        off_by_preset: false,
        thresholds: Thresholds {
            warn: Limit::NEVER,
            error: Limit::NEVER,
        },
        own: [false; MAX_SETTINGS],
        custom: None,
        explain: false,
    };

    /// A rule's settings in a preset.
    fn of(rule: &Rule, preset: Preset) -> Self {
        Self {
            enabled: !rule.off_in.contains(&preset),
            off_by_preset: rule.off_in.contains(&preset),
            thresholds: rule.thresholds[preset as usize],
            custom: custom::definition(rule),
            ..Self::OFF
        }
    }
}

/// Categories of logs in tasks that hold ids.
#[derive(Clone, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdCategories {
    /// Categories of trace ids.
    pub trace_id: Vec<String>,
    /// Categories of span ids.
    pub span_id: Vec<String>,
}

impl Default for IdCategories {
    fn default() -> Self {
        Self {
            trace_id: vec!["trace_id".into()],
            span_id: vec!["span_id".into()],
        }
    }
}

/// Settings of all rules.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// Settings of the built-in rules, in the order of [`RULES`].
    rules: Vec<RuleSettings>,
    /// Custom rules.
    custom: Vec<(&'static Rule, RuleSettings)>,
    /// Whether reports hold time series, which takes additional time.
    pub course: bool,
    /// Suppressions of known findings.
    pub ignore: Suppressions,
    /// Categories of logs that hold the ids of distributed traces and spans.
    pub id_categories: IdCategories,
    /// Whether reports list the runtime's own goroutines beside those of the program.
    pub system: bool,
    /// Whether analyses gather profiles, which takes additional time.
    pub profiles: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self::preset(Preset::default())
    }
}

impl Settings {
    /// Returns a preset's thresholds, with every rule enabled that is not off in the preset.
    pub fn preset(preset: Preset) -> Self {
        Self {
            rules: RULES.iter().map(|r| RuleSettings::of(r, preset)).collect(),
            custom: Vec::new(),
            course: false,
            ignore: Suppressions::default(),
            id_categories: IdCategories::default(),
            system: false,
            profiles: false,
        }
    }

    /// Replaces all thresholds by a preset's. Enabled rules stay enabled, except for those that the preset turns off.
    pub fn use_preset(&mut self, preset: Preset) {
        for rule in self.rules() {
            let s = self.of_mut(rule);
            s.thresholds = rule.thresholds[preset as usize];
            let off = rule.off_in.contains(&preset);
            let turned_off = off && (s.enabled || s.off_by_preset);
            s.enabled = !off && (s.enabled || s.off_by_preset);
            s.off_by_preset = turned_off;
        }
    }

    /// Adds a custom rule with the thresholds of its definition. A rule with the same name is replaced.
    pub fn add(&mut self, rule: &'static Rule) {
        self.custom.retain(|(known, _)| *known != rule);
        let settings = RuleSettings::of(rule, Preset::default());
        self.custom.push((rule, settings));
    }

    /// All rules: the built-in ones, then the custom ones.
    pub fn rules(&self) -> Vec<&'static Rule> {
        let custom = self.custom.iter().map(|(rule, _)| *rule);
        RULES.into_iter().chain(custom).collect()
    }

    /// Custom rules.
    pub fn custom_rules(&self) -> impl Iterator<Item = &'static Rule> {
        self.custom.iter().map(|(rule, _)| *rule)
    }

    /// Makes custom rules explain what they matched.
    pub fn explain(&mut self) {
        for (_, settings) in &mut self.custom {
            settings.explain = true;
        }
    }

    /// A rule's settings. A custom rule that was not added is disabled.
    pub fn of(&self, rule: &Rule) -> &RuleSettings {
        let custom = || self.custom.iter().find(|(known, _)| *known == rule);
        match self.rules.get(rule.index()) {
            Some(settings) => settings,
            None => custom().map_or(&RuleSettings::OFF, |(_, settings)| settings),
        }
    }

    /// A rule's settings, mutable. A custom rule is added if it is missing.
    pub fn of_mut(&mut self, rule: &'static Rule) -> &mut RuleSettings {
        if let index @ 0..BUILT_IN = rule.index() {
            return &mut self.rules[index];
        }
        let known = self.custom.iter().position(|(known, _)| *known == rule);
        let at = known.unwrap_or_else(|| {
            self.add(rule);
            self.custom.len() - 1
        });
        &mut self.custom[at].1
    }

    /// Sets one key of a rule from text, as in `--set GCPauseSpike.warn=2ms`.
    /// [`keys`] lists the keys. Call [`check`](Self::check) after the last one.
    ///
    /// # Errors
    /// If the rule has no such key or the value does not fit it.
    pub fn set(&mut self, rule: &'static Rule, key: &str, value: &str) -> Result<(), SettingError> {
        if !keys(rule).contains(&key) {
            return Err(SettingError::UnknownKey {
                rule: rule.name,
                key: key.into(),
                known: keys(rule).join(", "),
            });
        }
        let s = self.of_mut(rule);
        if let Some(setting) = own(rule, key) {
            s.own[setting] = boolean(value)?;
            return Ok(());
        }
        let t = &mut s.thresholds;
        match key {
            "enabled" => (s.enabled, s.off_by_preset) = (boolean(value)?, false),
            "warn" => t.warn.value = Limit::parse(rule.unit, value)?,
            "error" => t.error.value = Limit::parse(rule.unit, value)?,
            "warn_percent" => t.warn.percent = Some(percent(value)?),
            "error_percent" => t.error.percent = Some(percent(value)?),
            "warn_per_second" => t.warn.per_second = Some(rule.unit.parse(value)?),
            "error_per_second" => t.error.per_second = Some(rule.unit.parse(value)?),
            // `keys` lists no other.
            _ => {}
        }
        Ok(())
    }

    /// Returns the value of a key in the format of [`set`](Self::set); `None` if the rule does not have it.
    pub fn get(&self, rule: &Rule, key: &str) -> Option<String> {
        let s = self.of(rule);
        let Thresholds { warn, error } = s.thresholds;
        let percent = |limit: Limit| limit.percent.map(|p| format!("{p}%"));
        let per_second = |limit: Limit| limit.per_second.map(|n| rule.unit.exactly(n));
        match key {
            "enabled" => Some(s.enabled.to_string()),
            "warn" => Some(warn.text(rule.unit)),
            "error" => Some(error.text(rule.unit)),
            "warn_percent" => percent(warn),
            "error_percent" => percent(error),
            "warn_per_second" => per_second(warn),
            "error_per_second" => per_second(error),
            _ => own(rule, key).map(|setting| s.own[setting].to_string()),
        }
    }

    /// Checks that each warn threshold is at most the error threshold.
    ///
    /// # Errors
    /// Names the first rule for which that does not hold.
    pub fn check(&self) -> Result<(), SettingError> {
        for rule in self.rules() {
            let Thresholds { warn, error } = self.of(rule).thresholds;
            let above = warn.value > error.value
                || warn.percent > error.percent
                || warn.per_second > error.per_second;
            if above {
                return Err(SettingError::WarnAboveError { rule: rule.name });
            }
        }
        Ok(())
    }
}

/// Returns why a key is accepted without effect, if it is retired.
pub fn retired(rule: &Rule, key: &str) -> Option<&'static str> {
    let mut settings = rule.settings.iter();
    settings.find(|setting| setting.key == key)?.retired
}

/// Returns the keys of a rule in the configuration and for `--set`.
pub fn keys(rule: &Rule) -> Vec<&'static str> {
    let mut keys = vec!["enabled", "warn", "error"];
    let limit = rule.thresholds[0].warn;
    if limit.percent.is_some() {
        keys.extend(["warn_percent", "error_percent"]);
    }
    if limit.per_second.is_some() {
        keys.extend(["warn_per_second", "error_per_second"]);
    }
    keys.extend(rule.settings.iter().map(|setting| setting.key));
    keys
}

/// Returns the index of the rule's own setting with a key.
fn own(rule: &Rule, key: &str) -> Option<usize> {
    let mut settings = rule.settings.iter().take(MAX_SETTINGS);
    settings.position(|setting| setting.key == key)
}

fn boolean(value: &str) -> Result<bool, SettingError> {
    value.parse().map_err(|_| SettingError::BadValue {
        value: value.into(),
        expected: "true or false",
    })
}

fn percent(value: &str) -> Result<f64, SettingError> {
    let number = value.strip_suffix('%').unwrap_or(value).trim();
    match number.parse::<f64>() {
        Ok(p) if p.is_finite() && p >= 0.0 => Ok(p),
        _ => Err(SettingError::BadValue {
            value: value.into(),
            expected: "a percentage, such as 25%",
        }),
    }
}

#[cfg(test)]
mod tests;
