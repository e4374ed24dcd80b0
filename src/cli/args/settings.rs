//! Options for rules and thresholds.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use gotracer::config::{self, Config};
use gotracer::rules::suppression::Suppressions;
use gotracer::rules::{Preset, RULES, Rule, Settings, retired};

use crate::cli::messages::complain;

/// Options for rules and thresholds.
#[derive(Clone, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Rules and thresholds")]
pub(crate) struct Args {
    /// Apply only this rule (may be repeated, or a comma list)
    #[arg(long, value_name = "NAME", value_delimiter = ',', ignore_case = true,
        hide_possible_values = true, value_parser = RuleName)]
    rule: Vec<String>,

    /// Skip this rule (may be repeated, or a comma list)
    #[arg(long, value_name = "NAME", value_delimiter = ',', ignore_case = true,
        hide_possible_values = true, value_parser = RuleName)]
    skip_rule: Vec<String>,

    /// Thresholds for a kind of program; override those of the configuration
    #[arg(long, value_name = "PRESET", value_parser = preset_names())]
    preset: Option<Preset>,

    /// Set one threshold, such as GCPauseSpike.warn=2ms (may be repeated);
    /// `gotracer rules NAME` lists the keys
    #[arg(long, value_name = "RULE.KEY=VALUE")]
    set: Vec<String>,

    /// Read thresholds, and for `serve` its targets, from a YAML file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Include findings that are suppressed by `ignore` in the configuration or
    /// by the file .gotracerignore
    #[arg(long)]
    no_ignore: bool,

    /// Use the configuration's settings for this service
    #[arg(long, value_name = "NAME", requires = "config")]
    service: Option<String>,
}

/// Rule settings by service.
pub(crate) struct ByService {
    usual: Settings,
    own: HashMap<String, Settings>,
}

impl ByService {
    /// Returns the settings of a service.
    pub(crate) fn of(&self, service: &str) -> &Settings {
        self.own.get(service).unwrap_or(&self.usual)
    }

    /// Makes reports include the program's course over time.
    pub(crate) fn want_course(&mut self) {
        let all = self.own.values_mut().chain([&mut self.usual]);
        all.for_each(|settings| settings.course = true);
    }
}

impl Args {
    /// Returns the path of `--config`.
    pub(crate) fn file(&self) -> Option<&PathBuf> {
        self.config.as_ref()
    }

    /// Returns the service of `--service`.
    pub(crate) fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }

    /// Returns the settings of each configured service and the defaults.
    pub(crate) fn by_service(&self) -> anyhow::Result<ByService> {
        let config = self.config()?;
        let entries = self.ignore_file(&config)?;
        let named = entries.iter().filter_map(|entry| entry.service.as_deref());
        let names: BTreeSet<&str> = config.services().chain(named).collect();
        let own = names.into_iter().map(|name| {
            let settings = self.settings_of(&config, Some(name))?;
            Ok((name.to_owned(), with(settings, &entries, Some(name))))
        });
        Ok(ByService {
            own: own.collect::<anyhow::Result<_>>()?,
            usual: with(self.settings()?, &entries, self.service()),
        })
    }

    /// Returns the entries of .gotracerignore in the working directory.
    fn ignore_file(&self, config: &Config) -> anyhow::Result<Suppressions> {
        let path = Path::new(config::IGNORE_FILE);
        if self.no_ignore || !path.exists() {
            return Ok(Suppressions::default());
        }
        config::load_ignore(path, config.custom_rules()).context(config::IGNORE_FILE)
    }

    /// Returns the configuration, empty without `--config`.
    pub(crate) fn config(&self) -> anyhow::Result<Config> {
        self.config.as_ref().map_or(Ok(Config::default()), |path| {
            Config::load(path).with_context(|| path.display().to_string())
        })
    }

    /// Returns the settings of `--service`, or the defaults, with these options applied.
    pub(crate) fn settings(&self) -> anyhow::Result<Settings> {
        let config = self.config()?;
        if let (Some(path), Some(name)) = (&self.config, &self.service)
            && !config.services().any(|known| known == name)
        {
            let path = path.display();
            complain("warning", &format!("{path} has nothing for service {name}"));
        }
        self.warn_of_retired(&config);
        self.settings_of(&config, self.service.as_deref())
    }

    /// Warns of keys that have no effect.
    fn warn_of_retired(&self, config: &Config) {
        for (at, key, why) in config.retired() {
            let path = self.config.as_ref().map(|p| p.display().to_string());
            let path = path.unwrap_or_default();
            complain(
                "warning",
                &format!("{path}:{}: {key} has no effect: {why}", at.line),
            );
        }
        for text in &self.set {
            let name = text.split_once('=').map_or(text.as_str(), |(name, _)| name);
            let known = name.split_once('.');
            let known = known.and_then(|(rule, key)| retired(Rule::find(rule)?, key));
            if let Some(why) = known {
                complain("warning", &format!("--set {text} has no effect: {why}"));
            }
        }
    }

    /// Returns the settings of a service, or the defaults, with these options applied.
    pub(crate) fn settings_of(
        &self,
        config: &Config,
        service: Option<&str>,
    ) -> anyhow::Result<Settings> {
        let mut settings = config.settings(service);
        if let Some(preset) = self.preset {
            settings.use_preset(preset);
        }
        for text in &self.set {
            set(&mut settings, text).with_context(|| format!("--set {text}"))?;
        }
        settings.check().context("--set")?;
        if self.no_ignore {
            settings.ignore = Suppressions::default();
        }
        self.choose(&mut settings)?;
        Ok(settings)
    }

    fn choose(&self, settings: &mut Settings) -> anyhow::Result<()> {
        let custom: Vec<_> = settings.custom_rules().collect();
        let find = |names: &[String]| {
            let rules = names.iter().map(|name| config::rule(name, &custom));
            rules.collect::<Result<Vec<_>, _>>()
        };
        let (only, skipped) = (find(&self.rule)?, find(&self.skip_rule)?);
        for rule in settings.rules() {
            let enabled = &mut settings.of_mut(rule).enabled;
            if !only.is_empty() {
                *enabled = only.contains(&rule);
            }
            if skipped.contains(&rule) {
                *enabled = false;
            }
        }
        let rules = settings.rules();
        if rules.iter().all(|rule| !settings.of(rule).enabled) {
            bail!("no rule is left to apply");
        }
        Ok(())
    }
}

/// Adds the entries of a file that apply to a service.
fn with(mut settings: Settings, entries: &Suppressions, service: Option<&str>) -> Settings {
    let own = entries.iter().filter(|entry| match &entry.service {
        Some(own) => Some(&**own) == service,
        None => true,
    });
    settings.ignore = settings.ignore.and(own);
    settings
}

fn set(settings: &mut Settings, text: &str) -> anyhow::Result<()> {
    let parts = text.split_once('=');
    let Some(((rule, key), value)) = parts.and_then(|(k, v)| Some((k.split_once('.')?, v))) else {
        bail!("expected RULE.KEY=VALUE, such as GCPauseSpike.warn=2ms");
    };
    let custom: Vec<_> = settings.custom_rules().collect();
    settings.set(config::rule(rule, &custom)?, key, value)?;
    Ok(())
}

/// Parser of rule names. Completions are the built-in rules; a configuration may have more.
#[derive(Clone)]
pub(crate) struct RuleName;

impl TypedValueParser for RuleName {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        clap::builder::StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(
            RULES.iter().map(|rule| PossibleValue::new(rule.name)),
        ))
    }
}

fn preset_names() -> impl TypedValueParser<Value = Preset> {
    PossibleValuesParser::new(Preset::ALL.map(Preset::name))
        .try_map(|name| Preset::from_name(&name).ok_or("there is no such preset"))
}
