//! Configuration file: rules and thresholds, for all services and for single ones.
//!
//! ```
//! use gotracer_core::config::Config;
//! use gotracer_core::rules::Rule;
//!
//! let config = Config::parse("
//! preset: low-latency
//! rules:
//!   GCPauseSpike: {warn: 2ms}
//! services:
//!   nightly-report:
//!     preset: batch
//! ")?;
//! let rule = Rule::find("GCPauseSpike").unwrap();
//! assert_eq!(config.settings(None).of(rule).thresholds.warn.value, 2_000_000);
//! let nightly = config.settings(Some("nightly-report"));
//! assert_eq!(nightly.of(rule).thresholds.warn.value, 50_000_000);
//! # Ok::<(), gotracer_core::config::ConfigError>(())
//! ```
//!
//! Settings are applied in this order, and later ones override earlier ones: the preset, the rules, the service's preset,
//! the service's rules. A preset replaces all thresholds.

mod custom;
mod error;
mod file;
mod ignore;
mod names;
mod yaml;

use std::path::Path;

pub use error::{ConfigError, Position};
pub use ignore::{IGNORE_FILE, load as load_ignore, within};
pub use names::{UnknownName, preset, rule};
pub use yaml::{position, read as read_yaml};

use crate::rules::suppression::Suppression;
use crate::rules::{IdCategories, Preset, Rule, SettingError, Settings, retired};

/// Validated configuration.
#[derive(Clone, Debug, Default)]
pub struct Config {
    all: Section,
    services: Vec<(String, Section)>,
    /// Entries of `ignore`, for all services and for single ones.
    ignore: Vec<Suppression>,
    /// Log categories whose messages are request ids.
    id_categories: IdCategories,
    /// Rules of `custom_rules`.
    custom: Vec<&'static Rule>,
}

/// Settings for all services, or for one.
#[derive(Clone, Debug, Default)]
struct Section {
    preset: Option<Preset>,
    changes: Vec<Change>,
}

/// Key and value of a rule.
#[derive(Clone, Debug)]
struct Change {
    rule: &'static Rule,
    key: String,
    value: String,
    at: Position,
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// If the file cannot be read or is invalid.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(ConfigError::Io)?;
        Ok(Self::parse(&text)?.at(path))
    }

    /// Adds the file's name to the places of its entries.
    #[must_use]
    pub fn at(mut self, path: &Path) -> Self {
        let entries = self.ignore.into_iter();
        self.ignore = entries.map(|entry| within(entry, path)).collect();
        self
    }

    /// Parses a configuration.
    ///
    /// # Errors
    /// If the text is invalid; the error has the line.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config = file::parse(text)?;
        let mut settings = config.base();
        config.all.apply_checked(&mut settings)?;
        for (_, section) in &config.services {
            section.apply_checked(&mut settings.clone())?;
        }
        Ok(config)
    }

    /// Returns the settings for a service. `None` and services without their own settings get those for all.
    pub fn settings(&self, service: Option<&str>) -> Settings {
        let mut settings = self.base();
        let own = self
            .services
            .iter()
            .find(|(name, _)| Some(&**name) == service);
        for section in [Some(&self.all), own.map(|(_, s)| s)].into_iter().flatten() {
            // Parsing has already applied every section once.
            let _ = section.apply(&mut settings);
        }
        let entries = self.ignore.iter().filter(|entry| match &entry.service {
            Some(own) => Some(&**own) == service,
            None => true,
        });
        settings.ignore = entries.cloned().collect();
        settings.id_categories = self.id_categories.clone();
        settings
    }

    /// The rules of `custom_rules`.
    pub fn custom_rules(&self) -> &[&'static Rule] {
        &self.custom
    }

    /// The default settings with the custom rules.
    fn base(&self) -> Settings {
        let mut settings = Settings::default();
        for rule in &self.custom {
            settings.add(rule);
        }
        settings
    }

    /// Returns the retired keys, which are accepted without effect, with the reason.
    pub fn retired(&self) -> impl Iterator<Item = (Position, String, &'static str)> {
        let services = self.services.iter().map(|(_, section)| section);
        let all = std::iter::once(&self.all).chain(services);
        let changes = all.flat_map(|section| &section.changes);
        changes.filter_map(|change| {
            let key = format!("{}.{}", change.rule.name, change.key);
            Some((change.at, key, retired(change.rule, &change.key)?))
        })
    }

    /// Returns the services with their own settings.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        let own = |name: &str| self.services.iter().any(|(known, _)| known == name);
        let ignoring = self
            .ignore
            .iter()
            .filter_map(|entry| entry.service.as_deref());
        let mut ignoring: Vec<_> = ignoring.filter(|name| !own(name)).collect();
        ignoring.dedup();
        self.services
            .iter()
            .map(|(name, _)| &**name)
            .chain(ignoring)
    }
}

impl Section {
    fn apply(&self, settings: &mut Settings) -> Result<(), ConfigError> {
        if let Some(preset) = self.preset {
            settings.use_preset(preset);
        }
        for change in &self.changes {
            settings
                .set(change.rule, &change.key, &change.value)
                .map_err(|error| change.failed(error))?;
        }
        Ok(())
    }

    fn apply_checked(&self, settings: &mut Settings) -> Result<(), ConfigError> {
        self.apply(settings)?;
        settings.check().map_err(|error| {
            let culprit = |change: &&Change| {
                matches!(error, SettingError::WarnAboveError { rule } if rule == change.rule.name)
            };
            match self.changes.iter().rfind(culprit) {
                Some(change) => change.failed(error),
                None => ConfigError::Setting {
                    at: Position::default(),
                    error,
                },
            }
        })
    }
}

impl Change {
    fn failed(&self, error: SettingError) -> ConfigError {
        ConfigError::Setting { at: self.at, error }
    }
}
