//! Reports as a table for people.
//!
//! Laid out by hand: a finding is a row of short columns and then sentences,
//! which no grid of cells shows well at 80 columns.

mod rows;
mod summary;
mod text;

use std::io::{self, Write};

use super::style::Style;
use super::{Detail, Finding, Format, Options, Report, Severity, Status, human, top, wrap};
use rows::Rows;
pub(crate) use text::safe;
use text::wrapped;

/// What stands below a row is set in by this.
const INDENT: &str = "    ";

/// The entry in the registry.
pub const FORMAT: Format<[Report]> = Format {
    name: "table",
    summary: "for people at a terminal",
    endings: &[],
    course: false,
    write,
};

/// Writes each report, and a summary if there are several.
///
/// # Errors
/// If writing fails.
pub fn write(out: &mut dyn Write, reports: &[Report], options: &Options) -> io::Result<()> {
    let quiet = options.detail == Detail::Findings;
    let shown = reports.iter().filter(|r| !quiet || !r.findings.is_empty());
    for (i, report) in shown.enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        one(out, report, options)?;
    }
    if reports.len() > 1 && !quiet {
        writeln!(out)?;
        summary::write(out, reports, options)?;
    }
    Ok(())
}

fn one(out: &mut dyn Write, report: &Report, options: &Options) -> io::Result<()> {
    header(out, report, options)?;
    let shown = top(report, options.top);
    let style = Style::new(options.color);
    if !shown.is_empty() {
        let rows = Rows::of(&shown);
        rows.heading(out, style)?;
        for finding in &shown {
            rows.finding(out, finding, options)?;
            below(out, finding, options)?;
        }
    }
    if options.detail == Detail::Findings {
        return Ok(());
    }
    not_applicable(out, report, options)?;
    if options.detail == Detail::Full {
        suppressed(out, report, options)?;
    }
    let mut outcome = human::outcome(report, paint(style));
    if shown.len() < report.findings.len() {
        outcome += &format!("; {} shown", human::count(shown.len() as u64));
    }
    writeln!(out, "{outcome}")
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
    Ok(())
}

/// What stands below a finding's row.
fn below(out: &mut dyn Write, finding: &Finding, options: &Options) -> io::Result<()> {
    let width = options.width;
    wrapped(out, INDENT, &safe(&finding.message), width)?;
    if options.detail < Detail::Full {
        return Ok(());
    }
    wrapped(
        out,
        INDENT,
        &format!("fix: {}", safe(&finding.suggestion)),
        width,
    )?;
    if let Some(cause) = &finding.cause {
        wrapped(out, INDENT, &format!("cause: {}", safe(&cause.text)), width)?;
        text::stack(out, "cause's stack", &cause.stack)?;
    }
    if !finding.goroutines.is_empty() {
        let ids: Vec<_> = finding.goroutines.iter().map(ToString::to_string).collect();
        wrapped(
            out,
            INDENT,
            &format!("goroutines: {}", ids.join(", ")),
            width,
        )?;
    }
    text::stack(out, "stack", &finding.stack)
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

fn not_applicable(out: &mut dyn Write, report: &Report, options: &Options) -> io::Result<()> {
    let style = Style::new(options.color);
    let silent = |r: &&super::RuleReport| r.status == Status::NotApplicable;
    for rule in report.rules.iter().filter(silent) {
        let why = rule.reason.as_deref().map(safe).unwrap_or_default();
        let line = format!("{}: not applicable: {why}", rule.rule.name);
        for line in wrap(&line, options.width) {
            writeln!(out, "{}", style.dim(line))?;
        }
    }
    Ok(())
}

/// Colours the parts of a verdict.
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
        let mut out = Vec::new();
        write(&mut out, reports, &options).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn narrow() {
        let options = Options {
            width: Some(80),
            ..Options::default()
        };
        insta::assert_snapshot!(table(&[sample::eventful("shop.trace")], options));
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
            top: Some(1),
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
            text.contains("\x1b[1;31m1 error\x1b[0m, \x1b[33m2 warn\x1b[0m"),
            "{text:?}"
        );
    }
}
