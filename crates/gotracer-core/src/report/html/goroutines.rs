//! Time of goroutines by state: the whole program as a bar, and each start function as a row.

use maud::{Markup, html};

use super::{clip, listing, shell};
use crate::report::{GoroutineGroup, Report, human};
use crate::timeline::{State, StateVector};
use crate::units::duration;

/// Number of functions that are not folded.
const OPEN: usize = 50;
/// Number of states named per function.
const STATES: usize = 4;

/// Renders the goroutines of one trace.
pub(super) fn write(report: &Report) -> Markup {
    let time = &report.program.time;
    let Some(line) = human::program_time(time) else {
        return html! {};
    };
    let (open, folded) = report
        .goroutines
        .split_at(report.goroutines.len().min(OPEN));
    html! {
        h3 { "Goroutines" }
        p { (clip(&line)) }
        (bar(time))
        @if let Some(line) = human::sched_pressure(report) {
            p { (clip(&line)) }
        }
        (shell::wide("Goroutines by function", &table(open)))
        @if !folded.is_empty() {
            details {
                summary { (human::plural(folded.len() as u64, "more row")) }
                (shell::wide("More goroutines by function", &table(folded)))
            }
        }
    }
}

/// Renders the shares of the states as one bar. The text before it names the largest.
fn bar(time: &StateVector) -> Markup {
    let share = |state| time.of(state) as f64 / time.total() as f64 * 100.0;
    html! {
        div class="states" aria-hidden="true" {
            @for state in State::ALL {
                @let share = share(state);
                @if share >= 0.05 {
                    span class=(state.name()) style=(format!("width:{share:.2}%"))
                        title=(format!("{} {share:.1}%", state.words())) {}
                }
            }
        }
    }
}

fn table(groups: &[GoroutineGroup]) -> Markup {
    let numbers = ["goroutines", "alive", "life p50", "p99", "total time"];
    let rows = groups.iter().map(|group| {
        let [p50, p99, total] = [group.life.p50, group.life.p99, group.time.total()].map(duration);
        let [count, alive] = [group.count, group.alive].map(human::count);
        listing::Row {
            name: human::short(&group.function).into(),
            numbers: [count, alive, p50, p99, total],
            states: human::states(&group.time, STATES),
        }
    });
    listing::write("started with", numbers, rows)
}
