//! The row of short columns with which a finding begins.

use std::io::{self, Write};

use super::INDENT;
use super::text::safe;
use crate::report::style::Style;
use crate::report::{Finding, Options, human};
use crate::units;

const COLUMNS: usize = 6;
const HEADING: [&str; COLUMNS] = ["SEVERITY", "RULE", "AT", "COUNT", "WORST", "TOTAL"];
/// Words stand to the left of their column, numbers to the right.
const NUMBERS_FROM: usize = 2;

/// The widths that a set of findings needs.
pub struct Rows {
    widths: [usize; COLUMNS],
}

impl Rows {
    pub fn of(findings: &[&Finding]) -> Self {
        let mut widths = HEADING.map(str::len);
        for finding in findings {
            for (width, cell) in widths.iter_mut().zip(cells(finding)) {
                *width = (*width).max(cell.chars().count());
            }
        }
        Self { widths }
    }

    pub fn heading(&self, out: &mut dyn Write, style: Style) -> io::Result<()> {
        let line = self.line(&HEADING.map(String::from));
        writeln!(out, "{}", style.dim(format!("{line}  PLACE")))
    }

    pub fn finding(
        &self,
        out: &mut dyn Write,
        finding: &Finding,
        options: &Options,
    ) -> io::Result<()> {
        let style = Style::new(options.color);
        let line = self.line(&cells(finding));
        let place = safe(&human::place(&finding.place));
        let fits = line.chars().count() + 2 + place.chars().count();
        let (severity, rest) = line.split_at(self.widths[0]);
        write!(out, "{}{rest}", style.severity(finding.severity, severity))?;
        match options.width {
            Some(width) if fits > width => writeln!(out, "\n{INDENT}{}", style.bold(place)),
            _ => writeln!(out, "  {}", style.bold(place)),
        }
    }

    fn line(&self, cells: &[String; COLUMNS]) -> String {
        let mut line = String::new();
        for (i, (cell, &width)) in cells.iter().zip(&self.widths).enumerate() {
            if i > 0 {
                line.push_str("  ");
            }
            line += &if i < NUMBERS_FROM {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            };
        }
        line
    }
}

fn cells(f: &Finding) -> [String; COLUMNS] {
    // A length that the trace's start or end cut off is a lower bound.
    let open = if f.open > 0 { " (≥)" } else { "" };
    [
        f.severity.name().into(),
        f.rule.name.into(),
        units::duration(f.worst_at_ns),
        format!("×{}{open}", human::count(f.count)),
        human::value(f.unit(), f.worst),
        human::value(f.unit(), f.total),
    ]
}
