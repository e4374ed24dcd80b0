//! Metrics of the traces themselves, for each target.

use std::sync::LazyLock;

use super::buckets::Buckets;
use super::{Emit, Kind, Metric, Point, Unit, counter, gauge, histogram};
use crate::export::totals::Totals;

/// How many reasons for failures each target has room for.
const FAILURES: usize = 22;

/// Names of the metrics of a single capture.
pub const PROBED: [&str; 4] = [
    "gotracer_trace",
    "gotracer_trace_events",
    "gotracer_trace_failures",
    "gotracer_trace_lost",
];

/// Metrics of a target's traces.
pub static METRICS: LazyLock<Vec<Metric<Totals>>> = LazyLock::new(|| {
    vec![
        counter(
            "gotracer_traces",
            "Traces analyzed, as far as they could be read.",
            |t: &Totals| t.traces,
        )
        .unit(Unit::Of("{trace}")),
        failures(),
        counter(
            "gotracer_trace",
            "Bytes of traces read, after decompression.",
            |t: &Totals| t.bytes,
        )
        .unit(Unit::Bytes),
        counter(
            "gotracer_trace_lost",
            "Bytes of traces that gave no events, because a trace broke off or was corrupt.",
            |t: &Totals| t.lost_bytes,
        )
        .unit(Unit::Bytes),
        counter(
            "gotracer_captures_missed",
            "Turns of a target in which no trace was captured, because the capture before took \
             longer than the interval, or because no memory or thread was free in time.",
            |t: &Totals| t.missed,
        ),
        counter(
            "gotracer_cpu_profiles_refused",
            "CPU profiles of cpu_samples that the program refused, mostly because another one was \
             active: one per capture, or per minute of a stream. A capture then has no CPU samples \
             of its own.",
            |t: &Totals| t.profiles_refused,
        ),
        counter(
            "gotracer_trace_events",
            "Events read from traces.",
            |t: &Totals| t.events,
        ),
        histogram(
            "gotracer_analysis",
            "Duration of the analysis of a trace; for a scraped one, with the capture.",
            &Buckets::WORK,
            |t: &Totals| &t.analysis,
        )
        .unit(Unit::Seconds),
        gauge(
            "gotracer_last_success_timestamp",
            "Unix time at which a trace was last analyzed.",
            |t: &Totals| t.last_success,
        )
        .unit(Unit::Seconds),
        counter(
            "gotracer_dropped_series",
            "How often something in a trace got no series, because its target has as many as \
             series_limit allows.",
            Totals::dropped_series,
        ),
    ]
});

fn failures() -> Metric<Totals> {
    let read = |t: &Totals, emit: &mut Emit<'_>| {
        for (reason, count) in &t.failures {
            emit(Point::new(&[("reason", reason)], *count));
        }
    };
    Metric::new(
        Kind::Counter,
        "gotracer_trace_failures",
        "Traces that could not be captured or read, or only in part, by reason. Those read in \
         part count among gotracer_traces_total as well.",
        read,
    )
    .labels(&["reason"])
    .fixed(FAILURES)
}
