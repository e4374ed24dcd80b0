//! Measurements of all rules, as a table.

use maud::{Markup, html};

use super::{clip, shell};
use crate::report::signals::{HEADING, Row, Signals};
use crate::report::{Report, Severity};

/// Renders the table, and lists the rules without a row.
pub(super) fn write(report: &Report) -> Markup {
    let signals = Signals::of(report);
    let silent: Vec<_> = signals.silent.iter().map(|rule| rule.rule.name).collect();
    html! {
        h3 { "Signals" }
        @if !signals.rows.is_empty() {
            (shell::wide("Signals", &table(&signals.rows)))
        }
        @if !silent.is_empty() {
            p class="weak" { "nothing seen: " (silent.join(", ")) }
        }
        @for rule in &signals.not_judged {
            p class="weak" {
                "not judged: " (rule.rule.name) ": " (clip(rule.reason.as_deref().unwrap_or_default()))
            }
        }
    }
}

fn table(rows: &[Row]) -> Markup {
    html! {
        table class="signals" {
            thead {
                tr {
                    @for (i, heading) in HEADING.iter().enumerate() {
                        th scope="col" class=[numeric(i)] { (heading.to_lowercase()) }
                    }
                }
            }
            tbody {
                @for row in rows {
                    tr {
                        @for (i, cell) in row.cells.iter().enumerate() {
                            @let class = match i + 1 == HEADING.len() {
                                true => Some(row.severity.map_or("good", Severity::name)),
                                false => numeric(i),
                            };
                            td class=[class] data-is=(HEADING[i].to_lowercase()) {
                                @if i == 0 { (breakable(cell)) } @else { (cell) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Renders a rule's name so that it breaks between its words on a phone.
fn breakable(name: &str) -> Markup {
    let mut words: Vec<String> = Vec::new();
    let mut lower = false;
    for c in name.chars() {
        match words.last_mut() {
            Some(word) if !(lower && c.is_uppercase()) => word.push(c),
            _ => words.push(c.into()),
        }
        lower = c.is_lowercase();
    }
    html! {
        @for (i, word) in words.iter().enumerate() {
            @if i > 0 { wbr; }
            (word)
        }
    }
}

/// Returns the style class of a column of numbers.
fn numeric(column: usize) -> Option<&'static str> {
    (1..HEADING.len() - 1).contains(&column).then_some("number")
}
