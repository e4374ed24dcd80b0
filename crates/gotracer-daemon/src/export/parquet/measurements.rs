//! Table of measurements: one row per trace and rule, whether or not a threshold was crossed.

use super::column::{Column, list, maybe_text, number, structs, text};
use super::trace::{self, Of};
use crate::report::{RuleReport, Status};

/// A rule's report on a trace.
pub(super) type Row<'a> = (Of<'a>, &'a RuleReport);

/// All columns of these rows.
pub(super) fn columns(rows: &[Row<'_>]) -> Vec<Column> {
    let mut all = trace::which(rows, |(of, _)| *of);
    all.extend(trace::what(rows, |(of, _)| *of));
    let rows: Vec<_> = rows.iter().map(|(_, rule)| *rule).collect();
    all.extend([
        text("rule", &rows, |r| r.rule.name),
        text("status", &rows, |r| status(r.status)),
        maybe_text("reason", &rows, |r| r.reason.as_deref()),
        text("unit", &rows, |r| r.rule.unit.name()),
        number("count", &rows, |r| r.measurement.count()),
        number("sum", &rows, |r| r.measurement.sum()),
        number("min", &rows, |r| r.measurement.min()),
        number("max", &rows, |r| r.measurement.max()),
        number("p50", &rows, |r| r.measurement.quantile(0.5)),
        number("p90", &rows, |r| r.measurement.quantile(0.9)),
        number("p99", &rows, |r| r.measurement.quantile(0.99)),
        number("zeros", &rows, |r| r.measurement.zeros()),
        buckets(&rows),
    ]);
    all
}

/// Its name in the JSON format.
fn status(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Found => "found",
        Status::NotApplicable => "not_applicable",
    }
}

/// Bucket i counts values above 2^((i-1)/8) and up to 2^(i/8), as in JSON.
fn buckets(rows: &[&RuleReport]) -> Column {
    let all: Vec<_> = rows.iter().flat_map(|r| r.measurement.buckets()).collect();
    let index = number("index", &all, |(index, _)| {
        u64::try_from(*index).unwrap_or(0)
    });
    let count = number("count", &all, |(_, count)| *count);
    let elements = structs("element", vec![index, count], None);
    let lengths = rows.iter().map(|r| r.measurement.buckets().count());
    list("buckets", lengths, elements)
}
