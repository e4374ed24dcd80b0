//! The table format of comparisons.

use std::io::{self, Write};

use super::words::{self, Row};
use crate::compare::{Comparison, Difference, Verdict};
use crate::report::human;
use crate::report::table::safe;
use crate::report::{Format, Options, Severity, Style};

/// Columns with numbers, which are aligned to the right.
const NUMBERS: std::ops::Range<usize> = 2..5;

/// The entry in the registry.
pub const FORMAT: Format<Comparison> = Format {
    name: "table",
    summary: "for people at a terminal",
    endings: &[],
    course: false,
    write,
};

fn write(out: &mut dyn Write, c: &Comparison, options: &Options) -> io::Result<()> {
    let style = Style::new(options.color);
    for (name, side) in [("base", &c.base), ("new", &c.new)] {
        writeln!(out, "{name:>4}: {}", safe(&words::side(side)))?;
    }
    writeln!(out)?;
    signals(out, &words::rows(&c.signals, c.effect), style)?;
    for line in words::left_out(c).into_iter().chain(words::limits(c)) {
        writeln!(out, "{}", style.dim(safe(&line)))?;
    }
    if !c.findings.is_empty() {
        writeln!(out, "\n{}", style.dim("FINDINGS"))?;
    }
    for f in &c.findings {
        let word = format!("{:<6}", words::difference(f.difference));
        let word = match f.difference {
            Difference::New | Difference::Worse => style.severity(Severity::Warn, word),
            Difference::Better | Difference::Gone => style.green(word),
        };
        let seen = f.new.as_ref().or(f.base.as_ref());
        let at = seen
            .map(|s| safe(&human::place(&s.place)))
            .unwrap_or_default();
        let what = words::finding(c, f);
        writeln!(out, "{word}  {}  {}  {what}", f.rule.name, style.bold(at))?;
    }
    if !c.sites.is_empty() {
        writeln!(out, "\n{}", style.dim("GOROUTINES"))?;
    }
    for s in &c.sites {
        writeln!(
            out,
            "{}  {}",
            style.bold(safe(&human::place(&s.place))),
            words::site(s)
        )?;
    }
    let conclusion = words::conclusion(c);
    let conclusion = match (words::concern(c), c.count(Verdict::Improvement)) {
        (Some(severity), _) => style.severity(severity, conclusion).to_string(),
        (None, 0) => conclusion,
        (None, _) => style.green(conclusion).to_string(),
    };
    writeln!(out, "\n{conclusion}")
}

fn signals(out: &mut dyn Write, rows: &[Row], style: Style) -> io::Result<()> {
    let heading = Row::HEADING.map(String::from);
    let mut cells: Vec<_> = rows.iter().map(Row::cells).collect();
    let all = || cells.iter().chain([&heading]);
    let widths: [usize; 6] = std::array::from_fn(|i| {
        let lengths = all().map(|row| row[i].chars().count());
        lengths.max().unwrap_or(0)
    });
    // A rule's name is printed only in its first row.
    for i in (1..cells.len()).rev() {
        if rows[i].rule == rows[i - 1].rule {
            cells[i][0].clear();
        }
    }
    if !rows.is_empty() {
        writeln!(out, "{}", style.dim(line(&heading, &widths)))?;
    }
    for (row, cells) in rows.iter().zip(&cells) {
        let line = line(cells, &widths);
        match row.verdict {
            Verdict::Regression => {
                writeln!(out, "{}", style.severity(Severity::Error, line))?;
            }
            Verdict::Improvement => writeln!(out, "{}", style.green(line))?,
            Verdict::NoChange | Verdict::TooLittle => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}

fn line(cells: &[String; 6], widths: &[usize; 6]) -> String {
    let mut line = String::new();
    for (i, (cell, &width)) in cells.iter().zip(widths).enumerate() {
        line += &match NUMBERS.contains(&i) {
            true => format!("{cell:>width$}  "),
            false => format!("{cell:<width$}  "),
        };
    }
    line.trim_end().into()
}
