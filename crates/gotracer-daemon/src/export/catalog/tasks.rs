//! Metrics of tasks, regions and requests of the traced programs.

use std::sync::LazyLock;

use super::buckets::Buckets;
use super::{Emit, Kind, Metric, Point, Unit, Value};
use crate::export::totals::{Spans, Totals};

/// Metrics of tasks and requests, for each target.
pub static METRICS: LazyLock<Vec<Metric<Totals>>> = LazyLock::new(|| {
    vec![
        durations(
            "gotrace_task",
            "Duration of tasks (runtime/trace.NewTask) by type. The exemplars carry the trace and \
             span ids that the program logs. The first types keep their series; other is all \
             further ones. Classic scrapes have the sum and the count, native histograms and \
             OTLP all buckets.",
            &["task"],
            |t| &t.tasks,
        ),
        states(
            "gotrace_task_state",
            "Time of the goroutines that began tasks, by type and state: the six states with most \
             time in the last traces, and the rest as other.",
            &["task", "state"],
            |t| &t.tasks,
        ),
        durations(
            "gotrace_region",
            "Duration of regions (runtime/trace.WithRegion) by type. Only with regions.",
            &["region"],
            |t| &t.regions,
        ),
        durations(
            "gotrace_request",
            "Duration of requests to HTTP and gRPC servers by handler, recognized without \
             instrumentation, from arrival to the end of the response.",
            &["handler"],
            |t| &t.requests,
        ),
    ]
});

fn durations(
    name: &'static str,
    help: &'static str,
    labels: &'static [&'static str],
    of: fn(&Totals) -> &Spans,
) -> Metric<Totals> {
    let read = move |t: &Totals, emit: &mut Emit<'_>| {
        for (kind, span, birth) in of(t).iter() {
            let labels = [(labels[0], kind)];
            emit(Point {
                exemplar: span.exemplar.as_ref(),
                ..Point::new(&labels, Value::Distribution(&span.duration)).since(birth)
            });
        }
    };
    Metric::new(Kind::Histogram(&Buckets::SUMS), name, help, read)
        .unit(Unit::Seconds)
        .labels(labels)
}

fn states(
    name: &'static str,
    help: &'static str,
    labels: &'static [&'static str],
    of: fn(&Totals) -> &Spans,
) -> Metric<Totals> {
    let read = move |t: &Totals, emit: &mut Emit<'_>| {
        for (kind, span, birth) in of(t).iter() {
            for (state, time) in span.states.iter() {
                let labels = [(labels[0], kind), (labels[1], state)];
                emit(Point::new(&labels, time).since(birth));
            }
        }
    };
    Metric::new(Kind::Counter, name, help, read)
        .unit(Unit::Seconds)
        .labels(labels)
}
