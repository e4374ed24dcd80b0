//! The table format of comparisons.

use std::io::{self, Write};

use super::words::{self, Row};
use crate::compare::{ActivityKind, Comparison, Difference, Verdict};
use crate::report::human;
use crate::report::table::{Grid, hung, safe, wrapped};
use crate::report::{Format, Options, Severity, Style};

/// Columns with numbers, which are aligned to the right.
const NUMBERS: std::ops::Range<usize> = 2..5;
/// Indentation below a rule's name.
const INDENT: &str = "  ";

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
        let lead = format!("{name:>4}: ");
        hung(out, &lead, &safe(&words::side(side)), options.width)?;
    }
    writeln!(out)?;
    signals(out, &words::rows(&c.signals, c.effect), options)?;
    for line in words::left_out(c).into_iter().chain(words::limits(c)) {
        let line = style.dim(safe(&line)).to_string();
        wrapped(out, "", &line, options.width)?;
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
        let text = format!("{}  {}  {what}", f.rule.name, style.bold(at));
        hung(out, &format!("{word}  "), &text, options.width)?;
    }
    if !c.sites.is_empty() {
        writeln!(out, "\n{}", style.dim("GOROUTINES"))?;
    }
    for s in &c.sites {
        let place = style.bold(safe(&human::place(&s.place)));
        wrapped(
            out,
            "",
            &format!("{place}  {}", words::site(s)),
            options.width,
        )?;
    }
    if !c.functions.is_empty() {
        writeln!(out, "\n{}", style.dim("TIME BY START FUNCTION"))?;
    }
    for f in &c.functions {
        let function = style.bold(safe(human::short(&f.function)));
        let line = format!("{function}  {}", words::function(f));
        wrapped(out, "", &line, options.width)?;
    }
    if !c.activities.is_empty() {
        writeln!(out, "\n{}", style.dim("TASKS, REGIONS AND REQUESTS"))?;
    }
    for a in &c.activities {
        let name = match a.kind {
            ActivityKind::Request => human::short(&a.name),
            ActivityKind::Task | ActivityKind::Region => &a.name,
        };
        let (kind, name) = (a.kind.name(), style.bold(safe(name)));
        writeln!(out, "{kind} {name}  {}", words::activities(a))?;
    }
    let conclusion = words::conclusion(c);
    let conclusion = match (words::concern(c), c.count(Verdict::Improvement)) {
        (Some(severity), _) => style.severity(severity, conclusion).to_string(),
        (None, 0) => conclusion,
        (None, _) => style.green(conclusion).to_string(),
    };
    writeln!(out)?;
    wrapped(out, "", &conclusion, options.width)
}

fn signals(out: &mut dyn Write, rows: &[Row], options: &Options) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let style = Style::new(options.color);
    let heading = Row::HEADING.map(String::from);
    let cells: Vec<_> = rows.iter().map(Row::cells).collect();
    let grid = Grid::of(cells.iter().chain([&heading]), NUMBERS);
    let layout = match grid.fits(options.width) {
        true => Layout::Columns(grid),
        false => Layout::below_rules(&cells, &heading, options.width),
    };
    writeln!(out, "{}", style.dim(layout.line(heading)))?;
    let mut rule = None;
    for (row, mut cells) in rows.iter().zip(cells) {
        // A rule's name is printed only once.
        let first = rule.replace(row.rule) != Some(row.rule);
        if first && matches!(layout, Layout::BelowRules(_)) {
            writeln!(out, "{}", row.rule.name)?;
        }
        if !first {
            cells[0].clear();
        }
        let line = layout.line(cells);
        match row.verdict {
            Verdict::Regression => writeln!(out, "{}", style.severity(Severity::Error, line))?,
            Verdict::Improvement => writeln!(out, "{}", style.green(line))?,
            Verdict::NoChange | Verdict::TooLittle => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}

/// Layout of the measurements.
enum Layout {
    /// The rule is the first column.
    Columns(Grid<6>),
    /// The rule has its own line, for narrow terminals.
    BelowRules(Grid<5>),
}

impl Layout {
    fn below_rules(rows: &[[String; 6]], heading: &[String; 6], width: Option<usize>) -> Self {
        let rows: Vec<_> = rows
            .iter()
            .chain([heading])
            .cloned()
            .map(quantities)
            .collect();
        let width = width.map(|width| width.saturating_sub(INDENT.len()));
        Self::BelowRules(Grid::of(&rows, 1..4).fit(width, None))
    }

    fn line(&self, cells: [String; 6]) -> String {
        match self {
            Self::Columns(grid) => grid.line(&cells),
            Self::BelowRules(grid) => format!("{INDENT}{}", grid.line(&quantities(cells))),
        }
    }
}

/// Returns the cells without the rule.
fn quantities([_, cells @ ..]: [String; 6]) -> [String; 5] {
    cells
}
