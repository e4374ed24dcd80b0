//! Tasks, regions and requests by type.

use maud::{Markup, html};

use super::{listing, shell};
use crate::report::{Report, Slow, human};
use crate::rules::Distribution;
use crate::timeline::{Leaves, StateVector};
use crate::units::duration;

/// Maximum number of types on a page.
const MOST: usize = 50;
/// Number of states named per type.
const STATES: usize = 4;

/// Renders the tasks, regions and requests of one trace.
pub(super) fn write(report: &Report) -> Markup {
    let tasks = report.tasks.iter().map(|t| Row {
        name: &t.name,
        open: t.open,
        taken: &t.duration,
        time: &t.time,
        in_the_end: &t.time_in_the_end,
        slowest: t.slowest.first(),
    });
    let regions = report.regions.iter().map(|r| Row {
        name: &r.name,
        open: r.open,
        taken: &r.duration,
        time: &r.time,
        in_the_end: &r.time_in_the_end,
        slowest: r.slowest.first(),
    });
    let requests = report.requests.iter().map(|r| Row {
        name: human::short(&r.handler),
        open: r.open,
        taken: &r.duration,
        time: &r.time,
        in_the_end: &r.time_in_the_end,
        slowest: r.slowest.first(),
    });
    html! {
        (section("Tasks", tasks))
        (section("Regions", regions))
        (section("Requests", requests))
    }
}

struct Row<'a> {
    name: &'a str,
    open: u64,
    taken: &'a Distribution,
    time: &'a StateVector,
    in_the_end: &'a Leaves,
    slowest: Option<&'a Slow>,
}

fn section<'a>(title: &str, rows: impl ExactSizeIterator<Item = Row<'a>>) -> Markup {
    let all = rows.len();
    if all == 0 {
        return html! {};
    }
    html! {
        h3 { (title) }
        (shell::wide(&format!("{title} by type"), &table(rows.take(MOST))))
        @if all > MOST {
            p { (human::plural((all - MOST) as u64, "more type")) " not listed." }
        }
    }
}

fn table<'a>(rows: impl Iterator<Item = Row<'a>>) -> Markup {
    let numbers = ["count", "p50", "p99", "longest", "at"];
    let rows = rows.map(|row| {
        let bound = if row.open > 0 { " (≥)" } else { "" };
        let states = human::states(row.time, STATES);
        let [p50, p99] = [0.5, 0.99].map(|quantile| duration(row.taken.quantile(quantile)));
        listing::Row {
            name: row.name.into(),
            numbers: [
                format!("{}{bound}", human::count(row.taken.count())),
                p50,
                p99,
                duration(row.taken.max()),
                duration(row.slowest.map_or(0, |slow| slow.start_ns)),
            ],
            states: match human::in_the_end(row.time, row.in_the_end, STATES) {
                Some(end) => format!("{states}; in the end: {end}"),
                None => states,
            },
        }
    });
    listing::write("type", numbers, rows)
}
