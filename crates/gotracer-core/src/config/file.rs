//! Deserialization of the file.
//!
//! Rules and their keys are read as pairs with positions instead of one struct per rule. Names, keys and units are thus
//! defined only by the rules, and an error has its line.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_saphyr::Spanned;

use super::custom::{self, CustomYaml};
use super::error::ConfigError;
use super::ignore::{self, IgnoreYaml};
use super::yaml::{position, read};
use super::{Change, Config, Section, names};
use crate::rules::{IdCategories, Rule};

/// All keys of the file. The daemon reads its own keys itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileYaml {
    preset: Option<Spanned<String>>,
    rules: Option<RulesYaml>,
    services: Option<Pairs<String, Option<SectionYaml>>>,
    custom_rules: Option<Vec<Spanned<CustomYaml>>>,
    ignore: Option<Vec<Spanned<IgnoreYaml>>>,
    tasks: Option<IdCategories>,
    #[serde(rename = "watch_configs")]
    _watch_configs: Option<IgnoredAny>,
    #[serde(rename = "scrape_configs")]
    _scrape_configs: Option<IgnoredAny>,
    #[serde(rename = "prometheus")]
    _prometheus: Option<IgnoredAny>,
    #[serde(rename = "otlp")]
    _otlp: Option<IgnoredAny>,
    #[serde(rename = "evidence")]
    _evidence: Option<IgnoredAny>,
    #[serde(rename = "releases")]
    _releases: Option<IgnoredAny>,
    #[serde(rename = "profiles")]
    _profiles: Option<IgnoredAny>,
    #[serde(rename = "sharding")]
    _sharding: Option<IgnoredAny>,
    #[serde(rename = "uploads")]
    _uploads: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionYaml {
    preset: Option<Spanned<String>>,
    rules: Option<RulesYaml>,
}

type RulesYaml = Pairs<Spanned<String>, Option<Pairs<Spanned<String>, Spanned<String>>>>;

/// Mapping in the order of the file.
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

/// Parses the file without checking its values.
pub(super) fn parse(text: &str) -> Result<Config, ConfigError> {
    let Some(file) = read::<FileYaml>(text)? else {
        return Ok(Config::default());
    };
    let services = file.services.map_or(Vec::new(), |s| s.0).into_iter();
    let custom = custom::rules(file.custom_rules.unwrap_or_default())?;
    Ok(Config {
        all: section(file.preset, file.rules, &custom)?,
        services: services
            .map(|(name, own)| match own {
                Some(own) => Ok((name, section(own.preset, own.rules, &custom)?)),
                None => Ok((name, Section::default())),
            })
            .collect::<Result<_, ConfigError>>()?,
        id_categories: file.tasks.unwrap_or_default(),
        ignore: file
            .ignore
            .unwrap_or_default()
            .into_iter()
            .map(|yaml| ignore::entry(yaml, &custom))
            .collect::<Result<_, ConfigError>>()?,
        custom,
    })
}

fn section(
    preset: Option<Spanned<String>>,
    rules: Option<RulesYaml>,
    custom: &[&'static Rule],
) -> Result<Section, ConfigError> {
    let preset = preset.map(|p| names::preset(&p.value).map_err(|e| name(&p, e)));
    let mut changes = Vec::new();
    for (rule, settings) in rules.map_or(Vec::new(), |r| r.0) {
        let known = names::rule(&rule.value, custom).map_err(|e| name(&rule, e))?;
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
