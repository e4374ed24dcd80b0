//! `gotracer check-config --explain`: what the custom rules of a configuration match in a trace.

use std::io::{self, Write};
use std::path::Path;

use anyhow::{anyhow, bail};
use gotracer::analysis::explain_rules;
use gotracer::config;
use gotracer::report::human;
use gotracer::report::{Report, RuleReport, Status};
use gotracer::rules::Rule;
use gotracer::rules::custom::{self, Definition, Explanation};

use crate::cli::input::Source;
use crate::cli::messages::complain;

/// Maximum number of values per part of a rule.
const VALUES: usize = 5;

/// Writes what each custom rule matches in a trace, and what it does not and why.
///
/// # Errors
/// If the configuration has no custom rules, or if the trace cannot be read.
pub(crate) fn run(
    config: &config::Config,
    service: Option<&str>,
    trace: &Path,
) -> anyhow::Result<()> {
    if config.custom_rules().is_empty() {
        bail!("--explain: the configuration has no custom_rules");
    }
    let source = Source::named(trace);
    let name = source.name();
    let mut settings = config.settings(service);
    for rule in settings.rules() {
        settings.of_mut(rule).enabled = rule.is_custom();
    }
    let explained = explain_rules(source.open()?, &name, &settings);
    let (outcome, rules) = explained.map_err(|error| anyhow!("{name}: {error}"))?;
    if let Some(error) = &outcome.error {
        complain("warning", &format!("{name}: {error}"));
    }
    let mut out = io::stdout().lock();
    for (rule, explanation) in &rules {
        if let Some(definition) = custom::definition(rule) {
            writeln!(out)?;
            write(&mut out, rule, definition, explanation, &outcome.report)?;
        }
    }
    Ok(())
}

fn write(
    out: &mut impl Write,
    rule: &'static Rule,
    definition: &Definition,
    explanation: &Explanation,
    report: &Report,
) -> io::Result<()> {
    let subject = definition.subject.plural();
    let (seen, matched) = (explanation.seen, explanation.matched);
    writeln!(
        out,
        "{}: {} of {} {subject} match",
        rule.name,
        human::count(matched),
        human::count(seen)
    )?;
    for rejected in explanation.rejected(VALUES) {
        let (part, count) = (rejected.part.name(), human::count(rejected.count));
        writeln!(out, "    {part}: {count} do not match:")?;
        for (value, count) in &rejected.values {
            let value = match value.as_str() {
                "" => "(unknown)",
                value => value,
            };
            writeln!(out, "        {:>6}  {value}", human::count(*count))?;
        }
    }
    if explanation.more() > 0 {
        let more = human::count(explanation.more());
        writeln!(out, "    {more} more do not match")?;
    }
    let asked = report.rules.iter().find(|asked| asked.rule == rule);
    if let Some(asked) = asked {
        writeln!(out, "    {}", result(rule, definition, asked, report))?;
    }
    Ok(())
}

/// Returns the sentence about measurement and findings.
fn result(rule: &Rule, definition: &Definition, asked: &RuleReport, report: &Report) -> String {
    if asked.status == Status::NotApplicable {
        let reason = asked.reason.as_deref().unwrap_or_default();
        return format!("not applicable: {reason}");
    }
    let (value, measured) = (definition.value.name(), &asked.measurement);
    let limits = asked.thresholds.map(|limits| {
        let of = |value| human::value(rule.unit, value);
        let (warn, error) = (of(limits.warn.value), of(limits.error.value));
        format!(" (warn {warn}, error {error})")
    });
    let limits = limits.unwrap_or_default();
    let findings = report.findings.iter().filter(|f| f.rule == rule).count();
    let findings = human::plural(findings as u64, "finding");
    match (measured.count(), definition.value.is_rate()) {
        (0, _) => format!("nothing was measured{limits}: {findings}"),
        (_, true) => {
            let rate = human::value(rule.unit, measured.max());
            format!("{value} {rate}{limits}: {findings}")
        }
        (_, false) => {
            let of = |value| human::value(rule.unit, value);
            let (p50, p99) = (of(measured.quantile(0.5)), of(measured.quantile(0.99)));
            let max = of(measured.max());
            format!("{value} p50 {p50}, p99 {p99}, max {max}{limits}: {findings}")
        }
    }
}
