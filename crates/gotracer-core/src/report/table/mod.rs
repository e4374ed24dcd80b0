//! Reports as text for a terminal.
//!
//! The first screen answers "what is slow?". It shows the trace, all measurements, the worst findings with place,
//! cause and help, and the next command to type. Lines are laid out by hand, because sentences do not fit a grid of
//! cells.

mod finding;
mod grid;
mod next;
mod signals;
mod summary;
pub mod tasks;
mod text;
#[cfg(test)]
mod widths;

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use super::style::Style;
use super::top::{Top, ranked, top};
use super::{Detail, Finding, Format, Options, Report, Severity, human};
pub(crate) use grid::Grid;
pub(crate) use text::{hung, safe, wrapped};

/// Indentation below a finding's first line.
const INDENT: &str = "    ";

/// Findings shown by default.
const SHOWN: usize = 5;

/// Entry in the registry.
pub const FORMAT: Format<[Report]> = Format {
    name: "table",
    summary: "text for a terminal",
    endings: &["txt"],
    course: false,
    write,
};

/// Writes each report, and a summary if there are several.
///
/// # Errors
/// If writing fails.
pub fn write(out: &mut dyn Write, reports: &[Report], options: &Options) -> io::Result<()> {
    let quiet = options.detail == Detail::Findings;
    // The error of an unreadable trace is on standard error.
    let read = || reports.iter().filter(|r| !r.is_unreadable());
    let only = read().count() == 1;
    let shown = read().filter(|r| !quiet || !r.findings.is_empty());
    for (i, report) in shown.enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        one(out, report, options, only)?;
    }
    if read().count() > 1 && !quiet {
        writeln!(out)?;
        summary::write(out, reports, options)?;
    }
    Ok(())
}

fn one(out: &mut dyn Write, report: &Report, options: &Options, only: bool) -> io::Result<()> {
    let quiet = options.detail == Detail::Findings;
    header(out, report, options)?;
    let shown = shown(report, options);
    if quiet {
        // A blank line separates findings only.
    } else if only || options.detail == Detail::Full {
        writeln!(out)?;
        signals::write(out, report, options)?;
        writeln!(out)?;
    } else {
        signals::not_judged(out, report, options)?;
    }
    // Numbers of the first findings with each suggestion.
    let mut helped_by: HashMap<&str, usize> = HashMap::new();
    for (i, &finding) in shown.iter().enumerate() {
        if i > 0 && !quiet {
            writeln!(out)?;
        }
        let (number, f) = finding;
        let helped = *helped_by.entry(&f.suggestion).or_insert(number);
        let helped = Some(helped).filter(|above| *above != number);
        finding::write(out, report, finding, helped, options)?;
    }
    if quiet {
        return Ok(());
    }
    let style = Style::new(options.color);
    if !shown.is_empty() {
        writeln!(out)?;
    }
    if tasks::write(out, report, options)? {
        writeln!(out)?;
    }
    if options.detail == Detail::Full {
        suppressed(out, report, options)?;
    }
    let mut outcome = human::outcome(report, paint(style));
    let hidden = report.findings.len() - shown.len();
    if hidden > 0 {
        let hidden = human::count(hidden as u64);
        outcome += &format!("; and {hidden} more, --top 0 shows all");
    }
    wrapped(out, "", &outcome, options.width)?;
    match only {
        true => next::write(out, report, options),
        false => Ok(()),
    }
}

/// Returns the findings to show, with their numbers.
fn shown<'a>(report: &'a Report, options: &Options) -> Vec<(usize, &'a Finding)> {
    let kept: HashSet<_> = top(report, options.top)
        .into_iter()
        .map(std::ptr::from_ref)
        .collect();
    let numbered = (1..).zip(ranked(report));
    let mut shown: Vec<_> = numbered
        .filter(|(_, finding)| kept.contains(&std::ptr::from_ref(*finding)))
        .collect();
    if options.top == Top::Default && options.detail != Detail::Findings {
        shown.truncate(SHOWN);
    }
    shown
}

fn header(out: &mut dyn Write, report: &Report, options: &Options) -> io::Result<()> {
    let trace = &report.trace;
    let style = Style::new(options.color);
    let source = style.bold(safe(&trace.source)).to_string();
    if options.detail == Detail::Findings {
        return writeln!(out, "{source}");
    }
    let facts: Vec<_> = human::facts(trace).iter().map(|f| safe(f)).collect();
    let line = format!("{source}: {}", facts.join(", "));
    wrapped(out, "", &line, options.width)?;
    if let Some(error) = &trace.error {
        let word = style.severity(Severity::Error, "broke off:");
        wrapped(out, "", &format!("{word} {}", safe(error)), options.width)?;
    }
    let lines = [
        human::program_time(&report.program.time),
        human::sched_pressure(report),
        human::cpu_samples(report).map(|line| safe(&line)),
    ];
    for line in lines.iter().flatten() {
        wrapped(out, "", line, options.width)?;
    }
    Ok(())
}

fn suppressed(out: &mut dyn Write, report: &Report, options: &Options) -> io::Result<()> {
    for suppressed in &report.suppressed {
        let finding = &suppressed.finding;
        let (rule, place) = (finding.rule.name, human::place(&finding.place));
        let until = suppressed.until.map(|day| format!(" until {day}"));
        let line = format!(
            "suppressed: {rule} at {} ({}: {}{})",
            safe(&place),
            safe(&suppressed.place),
            safe(&suppressed.reason),
            until.unwrap_or_default()
        );
        wrapped(out, "", &line, options.width)?;
    }
    Ok(())
}

/// Returns a function that colors the parts of a verdict.
fn paint(style: Style) -> impl Fn(Option<Severity>, String) -> String {
    move |severity, text| match severity {
        Some(severity) => style.severity(severity, text).to_string(),
        None => style.green(text).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn table(reports: &[Report], options: Options) -> String {
        sample::written(&FORMAT, reports, &options)
    }

    #[test]
    fn every_width_has_its_layout() {
        for width in [60, 80, 120] {
            let options = Options {
                width: Some(width),
                ..Options::default()
            };
            let text = table(&[sample::eventful("shop.trace")], options);
            insta::assert_snapshot!(format!("width_{width}"), text);
        }
    }

    #[test]
    fn a_trace_without_findings_has_its_signals() {
        let mut report = sample::report("calm.trace");
        for rule in &mut report.rules[..4] {
            rule.measurement.record(1_234_567);
        }
        let options = Options {
            width: Some(80),
            ..Options::default()
        };
        insta::assert_snapshot!(table(&[report], options));
    }

    #[test]
    fn only_the_worst_findings_are_shown_by_default() {
        let mut report = sample::report("busy.trace");
        report.findings = (0..9)
            .map(|n| {
                let mut finding = sample::finding("MutexContention", Severity::Warn);
                finding.total += n;
                finding
            })
            .collect();
        let blocks = |top| {
            let options = Options {
                top,
                ..Options::default()
            };
            let text = table(std::slice::from_ref(&report), options);
            (text.matches("warn[").count(), text.contains("; and 4 more"))
        };
        assert_eq!(blocks(Top::Default), (SHOWN, true));
        assert_eq!(blocks(Top::All), (9, false));
        assert_eq!(blocks(Top::PerRule(5)), (5, true));
    }

    #[test]
    fn verbose_without_a_terminal() {
        let options = Options {
            detail: Detail::Full,
            ..Options::default()
        };
        insta::assert_snapshot!(table(&[sample::eventful("shop.trace")], options));
    }

    #[test]
    fn several_with_one_that_breaks_off() {
        let reports = [
            sample::eventful("a.trace"),
            sample::report("b.trace"),
            sample::broken("c.trace"),
            sample::eventful("d.trace"),
        ];
        let options = Options {
            width: Some(100),
            top: Top::PerRule(1),
            ..Options::default()
        };
        insta::assert_snapshot!(table(&reports, options));
    }

    #[test]
    fn quiet_tells_only_findings() {
        let options = Options {
            detail: Detail::Findings,
            ..Options::default()
        };
        let reports = [sample::report("clean"), sample::eventful("a\tb.trace")];
        insta::assert_snapshot!(table(&reports, options));
    }

    #[test]
    fn only_colour_brings_escape_sequences() {
        let mut report = sample::eventful("\x1b]0;title\x07.trace");
        report.trace.error = Some("\x1b[2J".into());
        report.rules[7].reason = Some("\r\x08".into());
        for detail in [Detail::Findings, Detail::Normal, Detail::Full] {
            for width in [None, Some(1), Some(20), Some(80)] {
                let options = Options {
                    detail,
                    width,
                    ..Options::default()
                };
                let reports = [report.clone(), report.clone()];
                let plain = table(&reports, options.clone());
                assert!(
                    !plain.chars().any(|c| c.is_control() && c != '\n'),
                    "{plain:?}"
                );
                let colored = table(
                    &reports,
                    Options {
                        color: true,
                        ..options
                    },
                );
                assert_ne!(plain, colored);
                assert!(!colored.contains("\x1b]") && !colored.contains("\x1b[2J"));
            }
        }
    }

    #[test]
    fn an_error_stands_out_in_colour() {
        let options = Options {
            color: true,
            ..Options::default()
        };
        let text = table(&[sample::eventful("a.trace")], options);
        assert!(
            text.contains("\x1b[1;31m1 error\x1b[0m, \x1b[33m2 warnings\x1b[0m"),
            "{text:?}"
        );
    }
}
