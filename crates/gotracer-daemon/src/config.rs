//! Configuration file of the daemon: the settings of rules, which every command reads, and the
//! daemon's own sections.

use std::fmt;
use std::ops::Deref;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Spanned;

pub use gotracer_core::config::{ConfigError, read_yaml};

use crate::evidence;
use crate::export::{self, otlp};
use crate::profiles;
use crate::releases;
use crate::source::directory::WatchConfig;
use crate::source::push;
use crate::source::{Shard, discovery::Job};
use gotracer_core::config::{self as core, position};

/// Validated configuration. It dereferences to the settings of rules.
#[derive(Clone, Debug, Default)]
pub struct Config {
    rules: core::Config,
    watches: Vec<WatchConfig>,
    jobs: Vec<Job>,
    prometheus: export::Settings,
    otlp: otlp::Settings,
    evidence: evidence::Settings,
    releases: releases::Settings,
    profiles: profiles::Settings,
    sharding: Option<Shard>,
    uploads: push::Settings,
}

/// Keys of the whole file. [`core::Config::parse`] reads the first six.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileYaml {
    #[serde(rename = "preset")]
    _preset: Option<IgnoredAny>,
    #[serde(rename = "rules")]
    _rules: Option<IgnoredAny>,
    #[serde(rename = "services")]
    _services: Option<IgnoredAny>,
    #[serde(rename = "custom_rules")]
    _custom_rules: Option<IgnoredAny>,
    #[serde(rename = "ignore")]
    _ignore: Option<IgnoredAny>,
    #[serde(rename = "tasks")]
    _tasks: Option<IgnoredAny>,
    watch_configs: Option<Vec<WatchConfig>>,
    scrape_configs: Option<Vec<Spanned<Job>>>,
    prometheus: Option<Spanned<export::Settings>>,
    otlp: Option<otlp::Settings>,
    evidence: Option<evidence::Settings>,
    releases: Option<Spanned<releases::Settings>>,
    profiles: Option<Spanned<profiles::Settings>>,
    sharding: Option<Shard>,
    uploads: Option<Spanned<push::Settings>>,
}

impl Deref for Config {
    type Target = core::Config;

    fn deref(&self) -> &core::Config {
        &self.rules
    }
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// If the file cannot be read, or has an unknown key or an invalid value.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(ConfigError::Io)?;
        let mut config = Self::parse(&text)?;
        config.rules = config.rules.at(path);
        Ok(config)
    }

    /// Parses a configuration.
    ///
    /// # Errors
    /// If it has an unknown key or an invalid value; the error has the position.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let file = read_yaml::<FileYaml>(text)?.unwrap_or_default();
        Ok(Self {
            rules: core::Config::parse(text)?,
            watches: file.watch_configs.unwrap_or_default(),
            jobs: jobs(file.scrape_configs.unwrap_or_default())?,
            prometheus: checked(file.prometheus, export::Settings::check)?,
            otlp: file.otlp.unwrap_or_default(),
            evidence: file.evidence.unwrap_or_default(),
            releases: checked(file.releases, releases::Settings::check)?,
            profiles: checked(file.profiles, profiles::Settings::check)?,
            sharding: file.sharding,
            uploads: checked(file.uploads, push::Settings::check)?,
        })
    }

    /// Returns the directories to watch.
    pub fn watches(&self) -> &[WatchConfig] {
        &self.watches
    }

    /// Returns the scrape jobs.
    pub fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    /// Returns the settings of the Prometheus metrics.
    pub fn prometheus(&self) -> &export::Settings {
        &self.prometheus
    }

    /// Returns the settings of the OTLP exporter.
    pub fn otlp(&self) -> &otlp::Settings {
        &self.otlp
    }

    /// Returns the settings of evidence.
    pub fn evidence(&self) -> &evidence::Settings {
        &self.evidence
    }

    /// Returns the settings of the comparison of releases.
    pub fn releases(&self) -> &releases::Settings {
        &self.releases
    }

    /// Returns the settings of profiles.
    pub fn profiles(&self) -> &profiles::Settings {
        &self.profiles
    }

    /// Returns the limits of pushed traces.
    pub fn uploads(&self) -> &push::Settings {
        &self.uploads
    }

    /// Returns the shard of this daemon, if the file sets one.
    pub fn sharding(&self) -> Option<Shard> {
        self.sharding
    }
}

/// Checks the jobs: their targets must be valid and their names unique.
fn jobs(jobs: Vec<Spanned<Job>>) -> Result<Vec<Job>, ConfigError> {
    let mut names = std::collections::HashSet::new();
    for job in &jobs {
        let mistake = match job.value.check() {
            Err(error) => Some(error.to_string()),
            // Jobs of the command line have no name, and `/config` shows them like that.
            Ok(()) if job.value.job_name.is_empty() => None,
            Ok(()) if !names.insert(&job.value.job_name) => {
                Some(format!("a second job \"{}\"", job.value.job_name))
            }
            Ok(()) => None,
        };
        if let Some(message) = mistake {
            let at = position(job);
            return Err(ConfigError::Yaml { at, message });
        }
    }
    Ok(jobs.into_iter().map(|job| job.value).collect())
}

/// Checks settings; missing ones are the defaults.
fn checked<T: Default, E: fmt::Display>(
    settings: Option<Spanned<T>>,
    check: fn(&T) -> Result<(), E>,
) -> Result<T, ConfigError> {
    let Some(settings) = settings else {
        return Ok(T::default());
    };
    match check(&settings.value) {
        Ok(()) => Ok(settings.value),
        Err(error) => Err(ConfigError::Yaml {
            at: position(&settings),
            message: error.to_string(),
        }),
    }
}
