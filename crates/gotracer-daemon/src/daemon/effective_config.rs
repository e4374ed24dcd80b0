//! Effective configuration as `/config` shows it: values of files and options with all defaults,
//! secrets masked.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::plan::Plan;
use crate::evidence;
use crate::export::{self, otlp};
use crate::live::Live;
use crate::profiles;
use crate::releases;
use crate::rules::custom::{self, Definition};
use crate::rules::{Settings, keys};
use crate::source::Shard;
use crate::source::directory::WatchConfig;
use crate::source::discovery::Job;
use crate::source::push;

/// Text of the effective configuration.
#[derive(Default)]
pub(super) struct EffectiveConfig(Live<String>);

impl EffectiveConfig {
    /// Returns the YAML text.
    pub(super) fn text(&self) -> Arc<String> {
        self.0.get()
    }

    /// Replaces the text by that of a new plan.
    pub(super) fn show(&self, plan: &Plan) {
        let text = serde_saphyr::to_string(&Document::of(plan));
        let text = text.unwrap_or_else(|error| format!("# cannot be rendered: {error}\n"));
        self.0.set(text);
    }
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    custom_rules: Vec<&'static Definition>,
    rules: Rules<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    services: BTreeMap<&'a str, Service<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    watch_configs: Vec<WatchConfig>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scrape_configs: Vec<Job>,
    prometheus: &'a export::Settings,
    otlp: &'a otlp::Settings,
    evidence: &'a evidence::Settings,
    releases: &'a releases::Settings,
    profiles: &'a profiles::Settings,
    sharding: Shard,
    uploads: &'a push::Settings,
}

#[derive(Serialize)]
struct Service<'a> {
    rules: Rules<'a>,
}

/// All rules with all keys.
struct Rules<'a>(&'a Settings);

/// Keys of one rule.
struct Keys<'a>(&'a Settings, &'static crate::rules::Rule);

impl<'a> Document<'a> {
    fn of(plan: &'a Plan) -> Self {
        let service = |(name, settings): (&'a String, &'a Settings)| {
            let rules = Rules(settings);
            (name.as_str(), Service { rules })
        };
        let jobs = plan.scrapes.iter().flat_map(|scrape| match &scrape.job {
            Some(job) => vec![job.clone()],
            None => {
                let targets = scrape.targets.iter();
                targets.map(|t| Job::of(t, &scrape.options)).collect()
            }
        });
        Self {
            custom_rules: plan
                .settings
                .custom_rules()
                .filter_map(custom::definition)
                .collect(),
            rules: Rules(&plan.settings),
            services: plan.services.iter().map(service).collect(),
            watch_configs: plan.directories.iter().map(WatchConfig::of).collect(),
            scrape_configs: jobs.map(Job::in_full).collect(),
            prometheus: &plan.prometheus,
            otlp: &plan.otlp,
            evidence: &plan.evidence,
            releases: &plan.releases,
            profiles: &plan.profiles,
            sharding: plan.shard,
            uploads: &plan.uploads,
        }
    }
}

impl Serialize for Rules<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(
            self.0
                .rules()
                .into_iter()
                .map(|rule| (rule.name, Keys(self.0, rule))),
        )
    }
}

impl Serialize for Keys<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        for key in keys(self.1) {
            let Some(value) = self.0.get(self.1, key) else {
                continue;
            };
            match value.parse::<bool>() {
                Ok(value) => map.serialize_entry(key, &value)?,
                Err(_) => map.serialize_entry(key, &value)?,
            }
        }
        map.end()
    }
}
