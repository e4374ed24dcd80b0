//! Table of names with their numbers and their time by state: goroutines, tasks, regions and requests.

use maud::{Markup, html};

use super::clip;

/// Number of columns with numbers.
const NUMBERS: usize = 5;

/// One name.
pub(super) struct Row {
    /// A function or a type.
    pub name: String,
    /// The numbers, in the order of their titles.
    pub numbers: [String; NUMBERS],
    /// The largest states with their shares.
    pub states: String,
}

/// Renders the table. On a phone, each row is a card on which the numbers carry their titles.
pub(super) fn write(
    name: &str,
    numbers: [&str; NUMBERS],
    rows: impl Iterator<Item = Row>,
) -> Markup {
    html! {
        table class="cards listing" {
            thead {
                tr {
                    th scope="col" { (name) }
                    @for title in numbers { th scope="col" class="number" { (title) } }
                    th scope="col" { "States" }
                }
            }
            tbody {
                @for row in rows {
                    tr {
                        td { code { (clip(&row.name)) } }
                        @for (title, number) in numbers.iter().zip(&row.numbers) {
                            td class="number" data-is=(title) { (number) }
                        }
                        td { (row.states) }
                    }
                }
            }
        }
    }
}
