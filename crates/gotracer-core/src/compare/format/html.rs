//! The HTML format of comparisons, with both distributions of each rule in one chart.

use std::io::{self, Write};

use maud::{Markup, html};

use super::words::{self, Row};
use crate::compare::{Comparison, Difference, Signal, Verdict};
use crate::report::html::shell::{self, Network};
use crate::report::html::{picture, text};
use crate::report::svg::{Series, histogram};
use crate::report::{Format, Options, Severity, human};

/// The entry in the registry.
pub(crate) const FORMAT: Format<Comparison> = Format {
    name: "html",
    summary: "a page in one file, with both distributions of each signal",
    endings: &["html", "htm"],
    course: false,
    write,
};

fn write(out: &mut dyn Write, c: &Comparison, _: &Options) -> io::Result<()> {
    let class = words::concern(c).map_or("good", Severity::name);
    let verdict = html! {
        p class={ "verdict " (class) } role="status" { (words::conclusion(c)) }
    };
    let body = html! {
        (shell::header(None, "Comparison", &verdict))
        main id="main" {
            ul {
                @for (name, side) in [("base", &c.base), ("new", &c.new)] {
                    li { (name) ": " (text(&words::side(side))) }
                }
            }
            (signals(c))
            (findings(c))
            @if !c.sites.is_empty() {
                h2 { "Goroutines" }
                ul {
                    @for site in &c.sites {
                        li { code { (text(&human::place(&site.place))) } " " (words::site(site)) }
                    }
                }
            }
            @if !c.functions.is_empty() {
                h2 { "Time by start function" }
                ul {
                    @for f in &c.functions {
                        li { code { (text(&f.function)) } " " (words::function(f)) }
                    }
                }
            }
            @if !c.activities.is_empty() {
                h2 { "Tasks, regions and requests" }
                ul {
                    @for activity in &c.activities {
                        li {
                            (activity.kind.name()) " " code { (text(&activity.name)) } " "
                            (text(&words::activities(activity)))
                        }
                    }
                }
            }
            (distributions(c))
        }
    };
    out.write_all(shell::page("Comparison", &body, Network::None).as_bytes())
}

/// Renders the quantities that changed, and folds the others below them.
fn signals(c: &Comparison) -> Markup {
    let rows = words::rows(&c.signals, c.effect);
    let shown = |row: &Row| matches!(row.verdict, Verdict::Regression | Verdict::Improvement);
    let (changed, same): (Vec<_>, Vec<_>) = rows.into_iter().partition(shown);
    let table = |rows: &[Row]| shell::wide("Signals", &changes(rows, Row::HEADING));
    html! {
        h2 { "Signals" }
        @if !changed.is_empty() { (table(&changed)) }
        @if !same.is_empty() {
            details class="more" open[changed.is_empty()] {
                summary { (unchanged(same.len())) }
                (table(&same))
            }
        }
        @for line in words::left_out(c).into_iter().chain(words::limits(c)) {
            p class="weak" { (text(&line)) }
        }
    }
}

/// Renders both distributions of each rule.
fn distributions(c: &Comparison) -> Markup {
    let drawn: Vec<_> = c
        .signals
        .iter()
        .filter(|s| s.base.count() + s.new.count() > 0)
        .collect();
    if drawn.is_empty() {
        return html! {};
    }
    html! {
        h2 { "Distributions" }
        ul class="legend" {
            li class="base-run" { "base" }
            li class="seen" { "new" }
        }
        div class="rules" {
            @for signal in drawn { (distribution(signal)) }
        }
    }
}

/// Renders the table of changes with these column titles.
pub fn changes(rows: &[Row], heading: [&str; 6]) -> Markup {
    html! {
        table class="changes cards" {
            thead {
                tr { @for title in heading { th scope="col" { (text(&capital(title))) } } }
            }
            tbody {
                @for row in rows {
                    @let [first @ .., verdict] = row.cells();
                    tr {
                        @for (cell, title) in first.iter().zip(heading) {
                            td data-is=(title.to_lowercase()) { (text(cell)) }
                        }
                        td class=(verdict_class(row.verdict)) { (text(&verdict)) }
                    }
                }
            }
        }
    }
}

fn verdict_class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regression => "error",
        Verdict::Improvement => "good",
        Verdict::NoChange | Verdict::TooLittle => "weak",
    }
}

/// Counts the quantities without a change.
fn unchanged(count: usize) -> String {
    match count {
        1 => "1 quantity without a shown change".into(),
        _ => format!("{count} quantities without a shown change"),
    }
}

fn distribution(s: &Signal) -> Markup {
    // The distribution in front is translucent.
    let sides = [("new", "seen", &s.new), ("base", "base-run", &s.base)];
    let series = sides.map(|(name, class, seen)| Series { name, class, seen });
    html! {
        article class="rule" {
            h3 { (s.rule.name) }
            (picture(|out| histogram(out, s.rule.unit, &series, &[])))
        }
    }
}

fn findings(c: &Comparison) -> Markup {
    if c.findings.is_empty() {
        return html! {};
    }
    html! {
        h2 { "Findings" }
        ul {
            @for f in &c.findings {
                @let class = match f.difference {
                    Difference::New | Difference::Worse => "warn",
                    Difference::Better | Difference::Gone => "good",
                };
                @let seen = f.new.as_ref().or(f.base.as_ref());
                @let at = seen.map(|s| human::place(&s.place)).unwrap_or_default();
                li {
                    strong class=(class) { (words::difference(f.difference)) }
                    " " (f.rule.name) " " code { (text(&at)) } ": " (text(&words::finding(c, f)))
                }
            }
        }
    }
}

/// Returns a column title with its first letter in upper case.
fn capital(title: &str) -> String {
    let mut letters = title.chars();
    let first = letters.next().map(String::from).unwrap_or_default();
    first + &letters.as_str().to_lowercase()
}
