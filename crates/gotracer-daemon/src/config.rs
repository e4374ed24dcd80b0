//! The configuration file of the daemon: the settings of rules, which every command reads, and what only the daemon does.

use std::fmt;
use std::ops::Deref;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Spanned;

pub use gotracer_core::config::{ConfigError, read_yaml};

use crate::evidence;
use crate::export::{self, otlp};
use crate::releases;
use crate::source::directory::WatchConfig;
use crate::source::push;
use crate::source::{Shard, discovery::Job};
use gotracer_core::config::{self as core, position};

/// A configuration whose every value was checked. It dereferences to the settings of rules.
#[derive(Clone, Debug, Default)]
pub struct Config {
    rules: core::Config,
    watches: Vec<WatchConfig>,
    jobs: Vec<Job>,
    prometheus: export::Settings,
    otlp: otlp::Settings,
    evidence: evidence::Settings,
    releases: releases::Settings,
    sharding: Option<Shard>,
    uploads: push::Settings,
}

/// The keys of the whole file. The first five are read by [`core::Config::parse`].
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileYaml {
    #[serde(rename = "preset")]
    _preset: Option<IgnoredAny>,
    #[serde(rename = "rules")]
    _rules: Option<IgnoredAny>,
    #[serde(rename = "services")]
    _services: Option<IgnoredAny>,
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
    /// If it can't be read, or has an unknown key or a value that does not fit.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(ConfigError::Io)?;
        let mut config = Self::parse(&text)?;
        config.rules = config.rules.at(path);
        Ok(config)
    }

    /// Reads a configuration.
    ///
    /// # Errors
    /// If it has an unknown key or a value that does not fit; the error has the position.
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
            sharding: file.sharding,
            uploads: checked(file.uploads, push::Settings::check)?,
        })
    }

    /// The directories to watch.
    pub fn watches(&self) -> &[WatchConfig] {
        &self.watches
    }

    /// The targets to scrape, by job.
    pub fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    /// What `/metrics` has.
    pub fn prometheus(&self) -> &export::Settings {
        &self.prometheus
    }

    /// What is sent by OTLP.
    pub fn otlp(&self) -> &otlp::Settings {
        &self.otlp
    }

    /// Which traces are kept.
    pub fn evidence(&self) -> &evidence::Settings {
        &self.evidence
    }

    /// How releases are judged.
    pub fn releases(&self) -> &releases::Settings {
        &self.releases
    }

    /// Limits of pushed traces.
    pub fn uploads(&self) -> &push::Settings {
        &self.uploads
    }

    /// Which of several daemons that share all targets this one is, if it says.
    pub fn sharding(&self) -> Option<Shard> {
        self.sharding
    }
}

/// The jobs, if the targets of each can be made and each has a name of its
/// own.
fn jobs(jobs: Vec<Spanned<Job>>) -> Result<Vec<Job>, ConfigError> {
    let mut names = std::collections::HashSet::new();
    for job in &jobs {
        let mistake = match job.value.check() {
            Err(error) => Some(error.to_string()),
            // Those of the command line have none, and /config shows them so.
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

/// Settings that make sense, or the usual ones.
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
