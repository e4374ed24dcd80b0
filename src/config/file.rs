//! The file as it stands, to what it says.
//!
//! Rules and their keys are read as plain pairs with their positions, not as a
//! struct a rule: names, keys and units then have one definition, the rules'
//! own, and an error can name its line.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_saphyr::{Spanned, UserMessageFormatter};

use super::error::{ConfigError, Position};
use super::{Change, Config, Section, names};
#[cfg(feature = "daemon")]
use crate::evidence;
#[cfg(feature = "daemon")]
use crate::export::{otlp, prometheus};
#[cfg(feature = "daemon")]
use crate::source::directory::WatchConfig;
#[cfg(feature = "daemon")]
use crate::source::{Shard, discovery::Job};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileYaml {
    preset: Option<Spanned<String>>,
    rules: Option<RulesYaml>,
    services: Option<Pairs<String, Option<SectionYaml>>>,
    #[cfg(feature = "daemon")]
    watch_configs: Option<Vec<WatchConfig>>,
    /// The same file serves a program without the daemon.
    #[cfg(not(feature = "daemon"))]
    #[serde(rename = "watch_configs")]
    _watch_configs: Option<serde::de::IgnoredAny>,
    #[cfg(feature = "daemon")]
    scrape_configs: Option<Vec<Spanned<Job>>>,
    #[cfg(feature = "daemon")]
    prometheus: Option<Spanned<prometheus::Settings>>,
    #[cfg(feature = "daemon")]
    otlp: Option<otlp::Settings>,
    #[cfg(feature = "daemon")]
    evidence: Option<evidence::Settings>,
    /// The same file serves a program without the daemon.
    #[cfg(not(feature = "daemon"))]
    #[serde(rename = "evidence")]
    _evidence: Option<serde::de::IgnoredAny>,
    #[cfg(feature = "daemon")]
    sharding: Option<Shard>,
    /// The same file serves a program without the daemon.
    #[cfg(not(feature = "daemon"))]
    #[serde(rename = "prometheus")]
    _prometheus: Option<serde::de::IgnoredAny>,
    /// The same file serves a program without the daemon.
    #[cfg(not(feature = "daemon"))]
    #[serde(rename = "otlp")]
    _otlp: Option<serde::de::IgnoredAny>,
    /// The same file serves a program without the daemon.
    #[cfg(not(feature = "daemon"))]
    #[serde(rename = "sharding")]
    _sharding: Option<serde::de::IgnoredAny>,
    /// The same file serves a program without the daemon.
    #[cfg(not(feature = "daemon"))]
    #[serde(rename = "scrape_configs")]
    _scrape_configs: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionYaml {
    preset: Option<Spanned<String>>,
    rules: Option<RulesYaml>,
}

type RulesYaml = Pairs<Spanned<String>, Option<Pairs<Spanned<String>, Spanned<String>>>>;

/// A mapping in the file's order.
struct Pairs<K, V>(Vec<(K, V)>);

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Pairs<K, V> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct InOrder<K, V>(PhantomData<(K, V)>);

        impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for InOrder<K, V> {
            type Value = Pairs<K, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        d.deserialize_map(InOrder(PhantomData))
    }
}

/// Reads YAML. A file in which everything is commented out says nothing, and
/// that is fine.
pub fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<Option<T>, ConfigError> {
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|e| yaml(&e))
}

/// Reads the file; whether its values fit is not checked yet.
pub fn parse(text: &str) -> Result<Config, ConfigError> {
    let Some(file) = read::<FileYaml>(text)? else {
        return Ok(Config::default());
    };
    let services = file.services.map_or(Vec::new(), |s| s.0).into_iter();
    Ok(Config {
        all: section(file.preset, file.rules)?,
        services: services
            .map(|(name, own)| match own {
                Some(own) => Ok((name, section(own.preset, own.rules)?)),
                None => Ok((name, Section::default())),
            })
            .collect::<Result<_, ConfigError>>()?,
        #[cfg(feature = "daemon")]
        watches: file.watch_configs.unwrap_or_default(),
        #[cfg(feature = "daemon")]
        jobs: jobs(file.scrape_configs.unwrap_or_default())?,
        #[cfg(feature = "daemon")]
        prometheus: file.prometheus.map_or(Ok(Default::default()), checked)?,
        #[cfg(feature = "daemon")]
        otlp: file.otlp.unwrap_or_default(),
        #[cfg(feature = "daemon")]
        evidence: file.evidence.unwrap_or_default(),
        #[cfg(feature = "daemon")]
        sharding: file.sharding,
    })
}

/// The jobs, if the targets of each can be made and each has a name of its
/// own.
#[cfg(feature = "daemon")]
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

/// Settings that make sense.
#[cfg(feature = "daemon")]
fn checked(settings: Spanned<prometheus::Settings>) -> Result<prometheus::Settings, ConfigError> {
    match settings.value.check() {
        Ok(()) => Ok(settings.value),
        Err(error) => Err(ConfigError::Yaml {
            at: position(&settings),
            message: error.to_string(),
        }),
    }
}

fn section(
    preset: Option<Spanned<String>>,
    rules: Option<RulesYaml>,
) -> Result<Section, ConfigError> {
    let preset = preset.map(|p| names::preset(&p.value).map_err(|e| name(&p, e)));
    let mut changes = Vec::new();
    for (rule, settings) in rules.map_or(Vec::new(), |r| r.0) {
        let known = names::rule(&rule.value).map_err(|e| name(&rule, e))?;
        for (key, value) in settings.map_or(Vec::new(), |s| s.0) {
            let is_key = crate::rules::keys(known).contains(&&*key.value);
            changes.push(Change {
                rule: known,
                at: position(if is_key { &value } else { &key }),
                key: key.value,
                value: value.value,
            });
        }
    }
    Ok(Section {
        preset: preset.transpose()?,
        changes,
    })
}

fn name(at: &Spanned<String>, error: names::UnknownName) -> ConfigError {
    ConfigError::Name {
        at: position(at),
        error,
    }
}

fn position<T>(value: &Spanned<T>) -> Position {
    Position {
        line: value.referenced.line(),
        column: value.referenced.column(),
    }
}

fn yaml(error: &serde_saphyr::Error) -> ConfigError {
    let error = error.without_snippet();
    let at = error.location().map_or(Position::default(), |l| Position {
        line: l.line(),
        column: l.column(),
    });
    let message = error.render_with_formatter(&UserMessageFormatter);
    // The position stands in front already.
    let suffix = format!(" at line {}, column {}", at.line, at.column);
    let message = message.strip_suffix(&suffix).unwrap_or(&message).into();
    ConfigError::Yaml { at, message }
}
