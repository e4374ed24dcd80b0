//! `gotracer rules`: prints the documentation of rules from their registry.

use std::io::{self, Write};

use gotracer::report::{human, wrap};
use gotracer::rules::{Document, Limit, Preset, RULES, Rule, Unit, keys};

use crate::cli::args::settings;
use crate::cli::exit_code::CLEAN;

/// List the rules, or show the documentation of one
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The rule to document
    #[arg(ignore_case = true, hide_possible_values = true, value_parser = settings::rule_names())]
    name: Option<&'static Rule>,

    /// Output format
    #[arg(long, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    let mut out = io::stdout().lock();
    match (args.format, args.name) {
        (Format::Text, None) => list(&mut out)?,
        (Format::Text, Some(rule)) => document(&mut out, rule)?,
        (Format::Json, None) => json(&mut out, &RULES)?,
        (Format::Json, Some(rule)) => json(&mut out, &[rule])?,
    }
    Ok(CLEAN)
}

fn list(out: &mut impl Write) -> io::Result<()> {
    for rule in RULES {
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
        unit => human::value(unit, value),
    }
}

fn json(out: &mut impl Write, rules: &[&'static Rule]) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(&Document::new(rules))?;
    writeln!(out, "{text}")?;
    Ok(())
}
