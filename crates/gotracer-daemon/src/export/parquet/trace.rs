//! Columns about the trace, which both tables have.

use super::column::{Column, labels, maybe_number, maybe_text, number, signed, text, time};
use crate::labels::Labels;
use crate::report::TraceInfo;

/// Trace of a row.
#[derive(Clone, Copy)]
pub(super) struct Of<'a> {
    pub trace: &'a TraceInfo,
    pub labels: &'a Labels,
}

/// Identity of the trace.
pub(super) fn which<'a, R>(rows: &'a [R], of: impl Fn(&'a R) -> Of<'a>) -> Vec<Column> {
    let of: Vec<_> = rows.iter().map(of).collect();
    vec![
        text("source", &of, |o| &o.trace.source),
        labels("labels", &of, |o| o.labels),
        maybe_text("go_version", &of, |o| o.trace.go_version.as_deref()),
        time("start_time", &of, |o| o.trace.start_time),
        number("duration_ns", &of, |o| o.trace.duration_ns),
    ]
}

/// Size and state of the trace.
pub(super) fn what<'a, R>(rows: &'a [R], of: impl Fn(&'a R) -> Of<'a>) -> Vec<Column> {
    let of: Vec<_> = rows.iter().map(of).collect();
    vec![
        number("generations", &of, |o| o.trace.generations),
        number("events", &of, |o| o.trace.events),
        number("bytes", &of, |o| o.trace.bytes),
        number("lost_bytes", &of, |o| o.trace.lost_bytes),
        maybe_number("gomaxprocs", &of, |o| o.trace.gomaxprocs.map(signed)),
        maybe_text("error", &of, |o| o.trace.error.as_deref()),
    ]
}
