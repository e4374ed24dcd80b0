//! Measurements of all rules, one line per rule.

use std::io::{self, Write};
use std::ops::Range;

use super::grid::Grid;
use super::text::safe;
use crate::report::signals::{COLUMNS, HEADING, Row, Signals};
use crate::report::style::Style;
use crate::report::{Detail, Options, Report, RuleReport, wrap};

/// Column that is left out on a narrow terminal.
const P50: usize = 2;
/// Right-aligned columns.
const NUMBERS: Range<usize> = 1..COLUMNS - 1;

/// Writes one line per rule that observed a value, one line for the rules that observed none, and one line per rule
/// that could not be judged.
pub(super) fn write(out: &mut dyn Write, report: &Report, options: &Options) -> io::Result<()> {
    let signals = Signals::of(report);
    if !signals.rows.is_empty() {
        grid(out, &signals.rows, options)?;
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

fn grid(out: &mut dyn Write, rows: &[Row], options: &Options) -> io::Result<()> {
    let style = Style::new(options.color);
    let heading = HEADING.map(String::from);
    let all = rows.iter().map(|row| &row.cells).chain([&heading]);
    let grid = Grid::of(all, NUMBERS).fit(options.width, Some(P50));
    writeln!(out, "{}", style.dim(grid.line(&heading)))?;
    for row in rows {
        let mut cells = row.cells.clone();
        if let Some(verdict) = cells.last_mut() {
            *verdict = match row.severity {
                Some(severity) => style.severity(severity, &verdict).to_string(),
                None => style.green(&verdict).to_string(),
            };
        }
        writeln!(out, "{}", grid.line(&cells))?;
    }
    Ok(())
}
