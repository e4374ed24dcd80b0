//! `gotracer rules`: prints the documentation of rules from their registry.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};
use gotracer::config::{self, Config};
use gotracer::report::{human, wrap};
use gotracer::rules::custom::alerts;
use gotracer::rules::{Document, Limit, Preset, RULES, Rule, Unit, keys};

use crate::cli::args::settings;
use crate::cli::exit_code::CLEAN;

/// List the rules, or show the documentation of one
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The rule to document
    #[arg(ignore_case = true, hide_possible_values = true, value_parser = settings::RuleName)]
    name: Option<String>,

    /// List the rules that `custom_rules` of this YAML file defines as well
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Output format
    #[arg(long, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    Text,
    Json,
    /// Alerts of the custom rules, for Prometheus
    Prometheus,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    let config = match &args.config {
        Some(path) => Config::load(path).with_context(|| path.display().to_string())?,
        None => Config::default(),
    };
    let custom = config.custom_rules();
    let name = args.name.as_ref();
    let rule = name.map(|name| config::rule(name, custom)).transpose()?;
    let rules: Vec<_> = match rule {
        Some(rule) => vec![rule],
        None => RULES.iter().chain(custom).copied().collect(),
    };
    let mut out = io::stdout().lock();
    match (args.format, rule) {
        (Format::Text, None) => list(&mut out, &rules)?,
        (Format::Text, Some(rule)) => document(&mut out, rule)?,
        (Format::Json, _) => json(&mut out, &rules)?,
        (Format::Prometheus, _) => {
            let custom: Vec<_> = rules.into_iter().filter(|rule| rule.is_custom()).collect();
            if custom.is_empty() {
                bail!(
                    "no custom rules: name a configuration with custom_rules by --config; \
                     config/prometheus has the alerts of the built-in rules"
                );
            }
            write!(out, "{}", alerts(&custom))?;
        }
    }
    Ok(CLEAN)
}

fn list(out: &mut impl Write, rules: &[&Rule]) -> io::Result<()> {
    for rule in rules {
        writeln!(out, "{}", rule.name)?;
        paragraph(out, rule.summary)?;
    }
    writeln!(out, "\n`gotracer rules NAME` shows one in full.")
}

fn document(out: &mut impl Write, rule: &Rule) -> io::Result<()> {
    writeln!(out, "{}\n", rule.name)?;
    for (title, text) in [
        ("What it sees", rule.summary),
        ("Why it is bad", rule.why),
        ("What to do", rule.advice),
        ("What it needs", rule.needs),
    ] {
        writeln!(out, "{title}")?;
        paragraph(out, text)?;
        writeln!(out)?;
    }
    writeln!(out, "Thresholds")?;
    for preset in Preset::ALL {
        let limits = rule.thresholds[preset as usize];
        let default = if preset == Preset::default() {
            " (default)"
        } else {
            ""
        };
        writeln!(
            out,
            "    {}{default}: warn {}, error {}",
            preset.name(),
            limit(rule.unit, &limits.warn),
            limit(rule.unit, &limits.error),
        )?;
    }
    writeln!(out, "\nSettings\n    {}", keys(rule).join(", "))?;
    let example = format!("{}.warn={}", rule.name, setting(rule));
    writeln!(out, "    such as --set {example}")
}

fn paragraph(out: &mut impl Write, text: &str) -> io::Result<()> {
    const WIDTH: usize = 76;
    for line in wrap(text, Some(WIDTH)) {
        writeln!(out, "    {line}")?;
    }
    Ok(())
}

fn limit(unit: Unit, limit: &Limit) -> String {
    if limit.is_never() {
        return limit.text(unit);
    }
    let mut text = human::value(unit, limit.value);
    if let Some(percent) = limit.percent {
        text += &format!(" or {percent}%");
    }
    if let Some(per_second) = limit.per_second {
        text += &format!(" or {}/s", human::value(unit, per_second));
    }
    text
}

/// Returns the default preset's warn threshold in the syntax of `--set`.
fn setting(rule: &Rule) -> String {
    let value = rule.thresholds[Preset::default() as usize].warn.value;
    match rule.unit {
        Unit::Goroutines => value.to_string(),
        Unit::Share | Unit::Rate => rule.unit.exactly(value),
        unit => human::value(unit, value),
    }
}

fn json(out: &mut impl Write, rules: &[&'static Rule]) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(&Document::new(rules))?;
    writeln!(out, "{text}")?;
    Ok(())
}
