//! Tasks, regions and requests: durations, and time by state.

use std::io::{self, Write};
use std::ops::Range;

use super::INDENT;
use super::grid::Grid;
use super::text::{safe, wrapped};
use crate::report::style::Style;
use crate::report::{Options, Region, Report, Request, Slow, Task, human};
use crate::rules::Distribution;
use crate::timeline::{Leaves, StateVector};
use crate::units;

/// Number of types shown without `--verbose`.
const SHOWN: usize = 5;
/// Number of states named per type.
const STATES: usize = 3;
/// Maximum length of a type's name, characters.
const NAME: usize = 40;
/// Length to which a narrow terminal shortens a name at most, characters.
const SHORTEST_NAME: usize = 12;
/// Right-aligned columns.
const NUMBERS: Range<usize> = 1..5;
/// Space between columns.
const GAP: &str = "  ";
/// Title of the states.
const TITLE: &str = "WHERE THE TIME WENT";

/// One type of tasks, regions or requests.
struct Row<'a> {
    name: String,
    open: u64,
    duration: &'a Distribution,
    time: StateVector,
    in_the_end: Leaves,
    slowest: &'a [Slow],
}

impl<'a> Row<'a> {
    fn of_task(task: &'a Task) -> Self {
        Self {
            name: name(&task.name),
            open: task.open,
            duration: &task.duration,
            time: task.time,
            in_the_end: task.time_in_the_end,
            slowest: &task.slowest,
        }
    }

    fn of_region(region: &'a Region) -> Self {
        Self {
            name: name(&region.name),
            open: region.open,
            duration: &region.duration,
            time: region.time,
            in_the_end: region.time_in_the_end,
            slowest: &region.slowest,
        }
    }

    fn of_request(request: &'a Request) -> Self {
        Self {
            name: name(human::short(&request.handler)),
            open: request.open,
            duration: &request.duration,
            time: request.time,
            in_the_end: request.time_in_the_end,
            slowest: &request.slowest,
        }
    }

    fn cells(&self) -> [String; 5] {
        let open = if self.open > 0 { " (≥)" } else { "" };
        [
            self.name.clone(),
            format!("×{}{open}", human::count(self.duration.count())),
            units::duration(self.duration.quantile(0.5)),
            units::duration(self.duration.quantile(0.99)),
            units::duration(self.duration.max()),
        ]
    }
}

fn name(text: &str) -> String {
    shortened(&safe(text), NAME)
}

/// Tasks, regions and requests of a listing.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    /// Tasks by type.
    pub tasks: &'a [Task],
    /// Regions by type.
    pub regions: &'a [Region],
    /// Requests by handler.
    pub requests: &'a [Request],
    /// Number of the slowest ones of each type to show.
    pub slowest: usize,
}

/// Writes the largest types of tasks and requests of a report. Returns whether there are any.
///
/// # Errors
/// If `out` fails.
pub fn write(out: &mut dyn Write, report: &Report, options: &Options) -> io::Result<bool> {
    let tasks: Vec<_> = report.tasks.iter().map(Row::of_task).collect();
    let requests: Vec<_> = report.requests.iter().map(Row::of_request).collect();
    for (kind, rows) in [("TASK", &tasks), ("REQUEST", &requests)] {
        let shown = rows.len().min(SHOWN);
        if kind == "REQUEST" && !tasks.is_empty() && !requests.is_empty() {
            writeln!(out)?;
        }
        rows_of(out, kind, &rows[..shown], 0, options)?;
        if rows.len() > shown {
            let more = human::plural((rows.len() - shown) as u64, "more type");
            writeln!(out, "{INDENT}{more}; gotracer tasks shows all")?;
        }
    }
    Ok(!tasks.is_empty() || !requests.is_empty())
}

/// Writes a listing.
///
/// # Errors
/// If writing fails.
pub fn write_all(out: &mut dyn Write, all: &Listing<'_>, options: &Options) -> io::Result<()> {
    let tasks = all.tasks.iter().map(Row::of_task).collect();
    let regions = all.regions.iter().map(Row::of_region).collect();
    let requests = all.requests.iter().map(Row::of_request).collect();
    let parts: [(_, Vec<_>); 3] = [("TASK", tasks), ("REGION", regions), ("REQUEST", requests)];
    let parts = parts.iter().filter(|(_, rows)| !rows.is_empty());
    for (i, (kind, rows)) in parts.enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        rows_of(out, kind, rows, all.slowest, options)?;
    }
    Ok(())
}

fn rows_of(
    out: &mut dyn Write,
    kind: &str,
    rows: &[Row<'_>],
    slowest: usize,
    options: &Options,
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let style = Style::new(options.color);
    let heading = [kind, "COUNT", "P50", "P99", "MAX"].map(String::from);
    let mut cells: Vec<_> = rows.iter().map(Row::cells).collect();
    shorten_names(&mut cells, &heading, options.width);
    let grid = Grid::of(cells.iter().chain([&heading]), NUMBERS).fit(options.width, None);
    let states: Vec<_> = rows
        .iter()
        .map(|r| human::states(&r.time, STATES))
        .collect();
    let longest = states.iter().map(|states| states.chars().count()).max();
    let behind = grid.width() + GAP.len() + longest.unwrap_or(0).max(TITLE.len());
    // On a narrow terminal the states have their own line.
    let apart = options.width.is_some_and(|width| behind > width);
    let title = if apart {
        String::new()
    } else {
        format!("{GAP}{TITLE}")
    };
    writeln!(out, "{}", style.dim(grid.line(&heading) + &title))?;
    for ((row, cells), states) in rows.iter().zip(&cells).zip(&states) {
        let line = grid.line(cells);
        if apart {
            writeln!(out, "{line}")?;
            wrapped(out, INDENT, states, options.width)?;
        } else {
            writeln!(out, "{line}{GAP}{states}")?;
        }
        if let Some(end) = human::in_the_end(&row.time, &row.in_the_end, STATES) {
            wrapped(out, INDENT, &format!("in the end: {end}"), options.width)?;
        }
        for slow in row.slowest.iter().take(slowest) {
            wrapped(out, INDENT, &slow_line(slow), options.width)?;
        }
    }
    Ok(())
}

/// Shortens names so that the numbers beside them fit the width.
fn shorten_names(rows: &mut [[String; 5]], heading: &[String; 5], width: Option<usize>) {
    let Some(width) = width else {
        return;
    };
    let all = rows.iter().chain([heading]);
    let numbers: Vec<[String; 4]> = all.map(|[_, numbers @ ..]| numbers.clone()).collect();
    let beside = Grid::of(&numbers, 0..4).width() + GAP.len();
    let most = width.saturating_sub(beside).clamp(SHORTEST_NAME, NAME);
    for [name, ..] in rows {
        *name = shortened(name, most);
    }
}

/// Returns a name of at most `most` characters.
fn shortened(name: &str, most: usize) -> String {
    match name.char_indices().nth(most) {
        None => name.into(),
        Some(_) => name.chars().take(most - 1).chain(['…']).collect(),
    }
}

fn slow_line(slow: &Slow) -> String {
    let bound = if slow.lower_bound { "≥ " } else { "" };
    let mut line = format!(
        "{bound}{} at {}",
        units::duration(slow.duration_ns),
        units::duration(slow.start_ns)
    );
    if let Some(goroutine) = slow.goroutine {
        line += &format!(", goroutine {goroutine}");
    }
    if let Some(task) = slow.task {
        line += &format!(", task {task}");
    }
    for (name, id) in [("trace", &slow.trace_id), ("span", &slow.span_id)] {
        if let Some(id) = id {
            line += &format!(", {name} {}", safe(id));
        }
    }
    format!("{line}: {}", human::states(&slow.time, STATES))
}
