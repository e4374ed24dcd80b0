//! Measurements of all rules, one line per rule.

use std::io::{self, Write};

use super::text::safe;
use crate::report::signals::{COLUMNS, HEADING, Row, Signals};
use crate::report::style::Style;
use crate::report::{Detail, Options, Report, RuleReport, wrap};

/// Column that is left out on a narrow terminal.
const P50: usize = 2;
/// First right-aligned column.
const NUMBERS_FROM: usize = 1;
/// Minimum width of a terminal that shows the median.
const WIDE: usize = 72;

/// Writes one line per rule that observed a value, one line for the rules that observed none, and one line per rule
/// that could not be judged.
pub(super) fn write(out: &mut dyn Write, report: &Report, options: &Options) -> io::Result<()> {
    let signals = Signals::of(report);
    let style = Style::new(options.color);
    if !signals.rows.is_empty() {
        let wide = options.width.is_none_or(|width| width >= WIDE);
        grid(out, &signals.rows, wide, style)?;
    }
    let silent: Vec<_> = signals.silent.iter().map(|rule| rule.rule.name).collect();
    if !silent.is_empty() {
        dim_line(
            out,
            &format!("nothing seen: {}", silent.join(", ")),
            options,
        )?;
    }
    not_judged(out, report, options)
}

/// Writes a line for each rule that lacked evidence.
pub(super) fn not_judged(
    out: &mut dyn Write,
    report: &Report,
    options: &Options,
) -> io::Result<()> {
    let full = options.detail == Detail::Full;
    let not_judged = Signals::of(report).not_judged.into_iter();
    // Few traces have CPU samples, so their absence is no news.
    let without_samples =
        |rule: &RuleReport| report.cpu_samples.is_none() && rule.rule.needs_cpu_samples();
    for rule in not_judged.filter(|rule| full || !without_samples(rule)) {
        let why = rule.reason.as_deref().map(safe).unwrap_or_default();
        let line = format!("not judged: {}: {why}", rule.rule.name);
        dim_line(out, &line, options)?;
    }
    Ok(())
}

fn dim_line(out: &mut dyn Write, line: &str, options: &Options) -> io::Result<()> {
    let style = Style::new(options.color);
    for line in wrap(line, options.width) {
        writeln!(out, "{}", style.dim(line))?;
    }
    Ok(())
}

fn grid(out: &mut dyn Write, rows: &[Row], wide: bool, style: Style) -> io::Result<()> {
    let heading = HEADING.map(String::from);
    let mut widths = HEADING.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(&row.cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String; COLUMNS]| {
        let mut line = String::new();
        for (i, (cell, &width)) in cells.iter().zip(&widths).enumerate() {
            // The caller colors the verdict.
            if i + 1 == COLUMNS || (i == P50 && !wide) {
                continue;
            }
            line += &match i < NUMBERS_FROM {
                true => format!("{cell:<width$}"),
                false => format!("  {cell:>width$}"),
            };
        }
        line
    };
    let [.., last] = &heading;
    writeln!(out, "{}", style.dim(format!("{}  {last}", line(&heading))))?;
    for row in rows {
        let [.., verdict] = &row.cells;
        let verdict = match row.severity {
            Some(severity) => style.severity(severity, verdict),
            None => style.green(verdict),
        };
        writeln!(out, "{}  {verdict}", line(&row.cells))?;
    }
    Ok(())
}
