//! Thresholds of rules, presets, and settings by key.

use super::suppression::Suppressions;
use super::{MAX_SETTINGS, RULES, Rule, Unit};

/// Thresholds for a kind of program.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Preset {
    /// API that answers in milliseconds.
    LowLatency,
    /// Ordinary service.
    #[default]
    Service,
    /// Job of which only the end counts.
    Batch,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 3] = [Self::LowLatency, Self::Service, Self::Batch];

    /// Name on the command line and in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::LowLatency => "low-latency",
            Self::Service => "service",
            Self::Batch => "batch",
        }
    }

    /// Returns the preset with a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }
}

/// Value from which on an observation is a finding.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Limit {
    /// Value in the rule's unit.
    pub value: u64,
    /// Percentage of a whole, see [`Rule::percent_of`]; only some rules have it.
    pub percent: Option<f64>,
    /// Rate in the rule's unit per second; only rules on heap growth have it.
    pub per_second: Option<u64>,
}

impl Limit {
    /// Limit that no value reaches: `never` in the configuration.
    pub const NEVER: Self = Self::value(u64::MAX);

    /// Whether no value reaches the limit.
    pub fn is_never(&self) -> bool {
        self.value == u64::MAX
    }

    /// Returns the value as the configuration has it.
    pub fn text(&self, unit: Unit) -> String {
        match self.is_never() {
            true => NEVER.into(),
            false => unit.exactly(self.value),
        }
    }

    /// Parses the value of a limit.
    fn parse(unit: Unit, text: &str) -> Result<u64, SettingError> {
        match text.trim() {
            NEVER => Ok(Self::NEVER.value),
            text => unit.parse(text),
        }
    }

    /// Returns a limit on the value alone.
    pub const fn value(value: u64) -> Self {
        Self {
            value,
            percent: None,
            per_second: None,
        }
    }
}

/// Text of [`Limit::NEVER`].
const NEVER: &str = "never";

/// A rule's limits.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Thresholds {
    /// Limit of the severity warn.
    pub warn: Limit,
    /// Limit of the severity error.
    pub error: Limit,
}

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
    rules: Vec<RuleSettings>,
    /// Whether reports hold time series, which takes additional time.
    pub course: bool,
    /// Suppressions of known findings.
    pub ignore: Suppressions,
    /// Categories of logs that hold the ids of distributed traces and spans.
    pub id_categories: IdCategories,
    /// Whether reports list the runtime's own goroutines beside those of the program.
    pub system: bool,
}

/// Errors of settings.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// No rule has the name.
    #[error("there is no rule \"{0}\"; `gotracer rules` lists them")]
    UnknownRule(String),
    /// The rule does not have the key.
    #[error("{rule} has no setting \"{key}\"; it has {known}")]
    UnknownKey {
        /// The rule.
        rule: &'static str,
        /// The unknown key.
        key: String,
        /// The rule's keys.
        known: String,
    },
    /// The value does not fit the key.
    #[error("\"{value}\" is not {expected}")]
    BadValue {
        /// The rejected value.
        value: String,
        /// Description of a valid value, with an example.
        expected: &'static str,
    },
    /// The warn threshold is above the error threshold.
    #[error("{rule}: warn must not be above error")]
    WarnAboveError {
        /// The rule.
        rule: &'static str,
    },
}

impl Default for Settings {
    fn default() -> Self {
        Self::preset(Preset::default())
    }
}

impl Settings {
    /// Returns a preset's thresholds, with every rule enabled that is not off in the preset.
    pub fn preset(preset: Preset) -> Self {
        let settings = |rule: &Rule| RuleSettings {
            enabled: !rule.off_in.contains(&preset),
            off_by_preset: rule.off_in.contains(&preset),
            thresholds: rule.thresholds[preset as usize],
            own: [false; MAX_SETTINGS],
        };
        Self {
            rules: RULES.iter().map(|r| settings(r)).collect(),
            course: false,
            ignore: Suppressions::default(),
            id_categories: IdCategories::default(),
            system: false,
        }
    }

    /// Replaces all thresholds by a preset's. Enabled rules stay enabled, except for those that the preset turns off.
    pub fn use_preset(&mut self, preset: Preset) {
        for rule in RULES {
            let s = self.of_mut(rule);
            s.thresholds = rule.thresholds[preset as usize];
            let off = rule.off_in.contains(&preset);
            let turned_off = off && (s.enabled || s.off_by_preset);
            s.enabled = !off && (s.enabled || s.off_by_preset);
            s.off_by_preset = turned_off;
        }
    }

    /// A rule's settings.
    pub fn of(&self, rule: &Rule) -> &RuleSettings {
        &self.rules[rule.index()]
    }

    /// A rule's settings, mutable.
    pub fn of_mut(&mut self, rule: &Rule) -> &mut RuleSettings {
        &mut self.rules[rule.index()]
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
        for rule in RULES {
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

impl Unit {
    /// Parses a value such as `2ms`, `64MiB` or `100`.
    ///
    /// # Errors
    /// If it is not a number with one of the unit's suffixes.
    pub fn parse(self, text: &str) -> Result<u64, SettingError> {
        let bad = || SettingError::BadValue {
            value: text.into(),
            expected: match self {
                Unit::Nanoseconds => "a duration, such as 500us, 2ms or 1.5s",
                Unit::Bytes => "a size, such as 512KiB, 64MiB or 1GiB",
                Unit::Goroutines => "a whole number, such as 100",
            },
        };
        let text = text.trim();
        let end = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let scale = self.scale(suffix.trim()).ok_or_else(bad)?;
        let value = number.parse::<f64>().map_err(|_| bad())? * scale;
        let whole = self != Unit::Goroutines || value.fract() == 0.0;
        if value < u64::MAX as f64 && whole {
            Ok(value.round() as u64)
        } else {
            Err(bad())
        }
    }

    /// Formats a value for [`parse`](Self::parse), in the largest unit that gives a whole number.
    pub fn exactly(self, value: u64) -> String {
        const NS: [(u64, &str); 5] = [
            (60_000_000_000, "m"),
            (1_000_000_000, "s"),
            (1_000_000, "ms"),
            (1_000, "us"),
            (1, "ns"),
        ];
        const BYTES: [(u64, &str); 4] = [
            (1 << 30, "GiB"),
            (1 << 20, "MiB"),
            (1 << 10, "KiB"),
            (1, "B"),
        ];
        let units: &[(u64, &str)] = match self {
            Self::Nanoseconds if value == 0 => return "0s".into(),
            Self::Nanoseconds => &NS,
            Self::Bytes if value == 0 => return "0B".into(),
            Self::Bytes => &BYTES,
            Self::Goroutines => &[(1, "")],
        };
        let whole = units.iter().find(|(unit, _)| value.is_multiple_of(*unit));
        whole.map_or_else(String::new, |(unit, name)| {
            format!("{}{name}", value / unit)
        })
    }

    fn scale(self, suffix: &str) -> Option<f64> {
        const KIB: f64 = 1024.0;
        Some(match (self, suffix) {
            (Unit::Nanoseconds, "ns") => 1.0,
            (Unit::Nanoseconds, "us" | "µs" | "μs") => 1e3,
            (Unit::Nanoseconds, "ms") => 1e6,
            (Unit::Nanoseconds, "s") => 1e9,
            (Unit::Nanoseconds, "m") => 60e9,
            (Unit::Bytes, "B" | "") => 1.0,
            (Unit::Bytes, "kB") => 1e3,
            (Unit::Bytes, "MB") => 1e6,
            (Unit::Bytes, "GB") => 1e9,
            (Unit::Bytes, "KiB") => KIB,
            (Unit::Bytes, "MiB") => KIB * KIB,
            (Unit::Bytes, "GiB") => KIB * KIB * KIB,
            (Unit::Goroutines, "") => 1.0,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_people_write_them() {
        assert_eq!(Unit::Nanoseconds.parse("2ms"), Ok(2_000_000));
        assert_eq!(Unit::Nanoseconds.parse("1.5 s"), Ok(1_500_000_000));
        assert_eq!(Unit::Bytes.parse("64MiB"), Ok(64 << 20));
        assert_eq!(Unit::Goroutines.parse("100"), Ok(100));
        for (unit, bad) in [
            (Unit::Nanoseconds, "2"),
            (Unit::Nanoseconds, "fast"),
            (Unit::Bytes, "2ms"),
            (Unit::Bytes, "-1B"),
            (Unit::Goroutines, "1.5"),
            (Unit::Goroutines, "99999999999999999999999"),
        ] {
            assert!(unit.parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_threshold_may_be_never() {
        let mut settings = Settings::default();
        let rule = Rule::find("MutexContention").unwrap();
        settings.set(rule, "error", "never").unwrap();
        settings.check().unwrap();
        assert_eq!(settings.get(rule, "error").as_deref(), Some("never"));
        assert!(
            settings.of(rule).thresholds.judge(u64::MAX - 1).unwrap().0
                < crate::rules::Severity::Error
        );
        settings.set(rule, "warn", "never").unwrap();
        settings.set(rule, "error", "1s").unwrap();
        assert!(settings.check().is_err());
    }

    #[test]
    fn values_are_written_as_they_are_read() {
        for (unit, text) in [
            (Unit::Nanoseconds, "90s"),
            (Unit::Nanoseconds, "5m"),
            (Unit::Nanoseconds, "1500us"),
            (Unit::Nanoseconds, "0s"),
            (Unit::Bytes, "256MiB"),
            (Unit::Bytes, "1000B"),
            (Unit::Goroutines, "100"),
        ] {
            assert_eq!(unit.exactly(unit.parse(text).unwrap()), text);
        }
    }

    #[test]
    fn what_is_set_can_be_got() {
        let batch = Settings::preset(Preset::Batch);
        let mut copy = Settings::default();
        for rule in RULES {
            for key in keys(rule) {
                let value = batch.get(rule, key).unwrap();
                copy.set(rule, key, &value).unwrap();
            }
        }
        for rule in RULES {
            for key in keys(rule) {
                assert_eq!(
                    copy.get(rule, key),
                    batch.get(rule, key),
                    "{} {key}",
                    rule.name
                );
            }
        }
    }

    #[test]
    fn every_rule_s_own_settings_have_a_value() {
        for rule in RULES {
            assert!(rule.settings.len() <= MAX_SETTINGS, "{}", rule.name);
        }
    }

    #[test]
    fn a_preset_turns_a_rule_off_unless_it_is_turned_on_by_name() {
        let pressure = Rule::find("GCPressure").unwrap();
        let mut settings = Settings::preset(Preset::Batch);
        assert!(!settings.of(pressure).enabled);
        settings.use_preset(Preset::Service);
        assert!(settings.of(pressure).enabled);
        settings.use_preset(Preset::Batch);
        settings.set(pressure, "enabled", "true").unwrap();
        assert!(settings.of(pressure).enabled);
        settings.set(pressure, "enabled", "false").unwrap();
        settings.use_preset(Preset::LowLatency);
        assert!(!settings.of(pressure).enabled);
    }

    #[test]
    fn presets_are_consistent() {
        for preset in Preset::ALL {
            assert_eq!(Settings::preset(preset).check(), Ok(()));
            assert_eq!(Preset::from_name(preset.name()), Some(preset));
        }
    }
}
