//! What every rule measured: count, quantiles, share of the time and verdict, one line per rule.

use std::io::{self, Write};

use super::text::safe;
use crate::report::style::Style;
use crate::report::{Options, Report, RuleReport, Severity, Status, human, share};

const COLUMNS: usize = 7;
const HEADING: [&str; COLUMNS] = ["SIGNAL", "COUNT", "P50", "P99", "MAX", "SHARE", "VERDICT"];
/// The column that a narrow terminal leaves out.
const P50: usize = 2;
/// The first column whose cells are aligned to the right.
const NUMBERS_FROM: usize = 1;
/// Columns of a terminal from which on the median is shown.
const WIDE: usize = 72;

/// Writes a line for each rule that observed something, and one each for the rules that observed nothing and for those
/// that could not be judged.
pub fn write(out: &mut dyn Write, report: &Report, options: &Options) -> io::Result<()> {
    let style = Style::new(options.color);
    let judged = report
        .rules
        .iter()
        .filter(|rule| rule.status != Status::NotApplicable);
    let (seen, silent): (Vec<_>, Vec<_>) =
        judged.partition(|rule| rule.measurement.count() > 0 || rule.status == Status::Found);
    if !seen.is_empty() {
        let rows: Vec<_> = seen
            .iter()
            .map(|rule| (verdict(report, rule), cells(report, rule)))
            .collect();
        let wide = options.width.is_none_or(|width| width >= WIDE);
        grid(out, &rows, wide, style)?;
    }
    let silent: Vec<_> = silent.iter().map(|rule| rule.rule.name).collect();
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
pub fn not_judged(out: &mut dyn Write, report: &Report, options: &Options) -> io::Result<()> {
    for rule in &report.rules {
        if rule.status == Status::NotApplicable {
            let why = rule.reason.as_deref().map(safe).unwrap_or_default();
            let line = format!("not judged: {}: {why}", rule.rule.name);
            dim_line(out, &line, options)?;
        }
    }
    Ok(())
}

fn dim_line(out: &mut dyn Write, line: &str, options: &Options) -> io::Result<()> {
    let style = Style::new(options.color);
    for line in crate::report::wrap(line, options.width) {
        writeln!(out, "{}", style.dim(line))?;
    }
    Ok(())
}

type Row = (Option<Severity>, [String; COLUMNS]);

fn grid(out: &mut dyn Write, rows: &[Row], wide: bool, style: Style) -> io::Result<()> {
    let heading = HEADING.map(String::from);
    let mut widths = HEADING.map(str::len);
    for (_, cells) in rows {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String; COLUMNS]| {
        let mut line = String::new();
        for (i, (cell, &width)) in cells.iter().zip(&widths).enumerate() {
            // The verdict is painted by the caller.
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
    for (severity, cells) in rows {
        let [.., verdict] = cells;
        let verdict = match severity {
            Some(severity) => style.severity(*severity, verdict),
            None => style.green(verdict),
        };
        writeln!(out, "{}  {verdict}", line(cells))?;
    }
    Ok(())
}

fn cells(report: &Report, rule: &RuleReport) -> [String; COLUMNS] {
    let (seen, unit) = (&rule.measurement, rule.rule.unit);
    let value = |value| match seen.count() {
        0 => "-".into(),
        _ => human::value(unit, value),
    };
    [
        rule.rule.name.into(),
        human::about(seen.count()),
        value(seen.quantile(0.5)),
        value(seen.quantile(0.99)),
        value(seen.max()),
        report.share(rule).map_or("-".into(), share::text),
        match (verdict(report, rule), rule.status) {
            (Some(severity), _) => severity.name().into(),
            // The baseline holds its findings.
            (None, Status::Found) => "known".into(),
            (None, _) => "ok".into(),
        },
    ]
}

/// The worst severity among the rule's findings.
fn verdict(report: &Report, rule: &RuleReport) -> Option<Severity> {
    let of_rule = report.findings.iter().filter(|f| f.rule == rule.rule);
    of_rule.map(|f| f.severity).max()
}
