//! The Markdown format of comparisons, for a CI job's summary or a comment.

use std::io::{self, Write};

use super::words::{self, Row};
use crate::compare::{Comparison, Verdict};
use crate::report::markdown::{Code, Text};
use crate::report::{Format, Options, human};

/// The entry in the registry.
pub(super) const FORMAT: Format<Comparison> = Format {
    name: "markdown",
    summary: "for a job's summary or a comment",
    endings: &["md", "markdown"],
    course: false,
    write,
};

fn write(out: &mut dyn Write, c: &Comparison, _: &Options) -> io::Result<()> {
    writeln!(out, "### gotracer: {}\n", words::conclusion(c))?;
    for (name, side) in [("base", &c.base), ("new", &c.new)] {
        writeln!(out, "- {name}: {}", Text(&words::side(side)))?;
    }
    let rows = words::rows(&c.signals, c.effect);
    if !rows.is_empty() {
        writeln!(out, "\n| {} |", Row::HEADING.join(" | "))?;
        writeln!(out, "|---|---|--:|--:|--:|---|")?;
    }
    for row in &rows {
        let cells = row.cells();
        let cells = cells.each_ref().map(|cell| Text(cell).to_string());
        let [rule, quantity, base, new, change, verdict] = cells;
        let verdict = match row.verdict {
            Verdict::Regression | Verdict::Improvement => format!("**{verdict}**"),
            Verdict::NoChange | Verdict::TooLittle => verdict,
        };
        writeln!(
            out,
            "| {rule} | {quantity} | {base} | {new} | {change} | {verdict} |"
        )?;
    }
    for line in words::left_out(c).into_iter().chain(words::limits(c)) {
        writeln!(out, "\n{}", Text(&line))?;
    }
    if !c.findings.is_empty() {
        writeln!(out, "\n#### Findings\n")?;
    }
    for f in &c.findings {
        let (word, what) = (words::difference(f.difference), words::finding(c, f));
        let seen = f.new.as_ref().or(f.base.as_ref());
        let at = seen.map(|s| human::place(&s.place)).unwrap_or_default();
        writeln!(
            out,
            "- **{word}** {} {}: {}",
            f.rule.name,
            Code(&at),
            Text(&what)
        )?;
    }
    if !c.sites.is_empty() {
        writeln!(out, "\n#### Goroutines\n")?;
    }
    for s in &c.sites {
        let place = human::place(&s.place);
        writeln!(out, "- {} {}", Code(&place), Text(&words::site(s)))?;
    }
    if !c.functions.is_empty() {
        writeln!(out, "\n#### Time by start function\n")?;
    }
    for f in &c.functions {
        writeln!(out, "- {} {}", Code(&f.function), Text(&words::function(f)))?;
    }
    if !c.activities.is_empty() {
        writeln!(out, "\n#### Tasks, regions and requests\n")?;
    }
    for a in &c.activities {
        let (kind, what) = (a.kind.name(), words::activities(a));
        writeln!(out, "- {kind} {} {}", Code(&a.name), Text(&what))?;
    }
    Ok(())
}
