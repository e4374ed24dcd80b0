//! Table of findings, one row each.

use super::column::{Column, frame, frames, maybe_number, number, numbers, structs, text, time};
use super::trace::{self, Of};
use crate::report::Finding;
use crate::timeline::Leaf;

/// A finding, and whose it is.
pub(super) type Row<'a> = (Of<'a>, &'a Finding);

/// All columns of these rows.
pub(super) fn columns(rows: &[Row<'_>]) -> Vec<Column> {
    let mut all = trace::which(rows, |(of, _)| *of);
    let rows: Vec<_> = rows.iter().map(|(_, finding)| *finding).collect();
    all.extend([
        text("id", &rows, |f| &f.id),
        text("rule", &rows, |f| f.rule.name),
        text("severity", &rows, |f| f.severity.name()),
        text("unit", &rows, |f| f.unit().name()),
        number("count", &rows, |f| f.count),
        number("open", &rows, |f| f.open),
        number("worst", &rows, |f| f.worst),
        number("worst_at_ns", &rows, |f| f.worst_at_ns),
        number("worst_for_ns", &rows, |f| f.worst_for_ns),
        number("total", &rows, |f| f.total),
        number("threshold", &rows, |f| f.threshold),
        number("first_ns", &rows, |f| f.first_ns),
        number("last_ns", &rows, |f| f.last_ns),
        time("first_time", &rows, |f| f.first_time),
        text("message", &rows, |f| &f.message),
        text("suggestion", &rows, |f| &f.suggestion),
        numbers("goroutines", &rows, |f| &f.goroutines),
        frame("place", &rows, |f| Some(&f.place)),
        frames("stack", &rows, |f| &f.stack),
        cause(&rows),
        time_in_the_end(&rows),
    ]);
    all
}

fn cause(rows: &[&Finding]) -> Column {
    let causes: Vec<_> = rows.iter().map(|f| f.cause.as_ref()).collect();
    let known = causes.iter().map(Option::is_some).collect();
    let columns = vec![
        text("kind", &causes, |c| c.map_or("", |c| &c.kind)),
        text("text", &causes, |c| c.map_or("", |c| &c.text)),
        maybe_number("goroutine", &causes, |c| c.and_then(|c| c.goroutine)),
        frame("place", &causes, |c| c.and_then(|c| c.place.as_ref())),
        frames("stack", &causes, |c| c.map_or(&[], |c| &c.stack)),
    ];
    structs("cause", columns, Some(known))
}

fn time_in_the_end(rows: &[&Finding]) -> Column {
    let ends: Vec<_> = rows.iter().map(|f| f.time_in_the_end).collect();
    let known = ends.iter().map(Option::is_some).collect();
    let columns = Leaf::all()
        .map(|leaf| number(leaf.name(), &ends, |end| end.map_or(0, |end| end.of(leaf))))
        .collect();
    structs("time_in_the_end", columns, Some(known))
}
