//! Metrics of tasks, regions and requests of the traced programs.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::buckets::Buckets;
use super::{Emit, Kind, Metric, Point, Unit, Value};
use crate::export::settings::Settings;
use crate::export::totals::{STATES, Spans, Totals};

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

/// Exposed name of the family that only `regions: true` enables.
pub const REGION: &str = "gotrace_region_seconds";

/// Families of a kind of spans.
pub struct Families {
    names: &'static [&'static str],
}

/// Families of tasks.
pub const TASKS: Families = Families {
    names: &["gotrace_task_seconds", "gotrace_task_state_seconds_total"],
};
/// Families of regions.
pub const REGIONS: Families = Families { names: &[REGION] };
/// Families of requests.
pub const REQUESTS: Families = Families {
    names: &["gotrace_request_seconds"],
};

impl Families {
    /// Returns the classic series of a type, without those of disabled families.
    pub fn series(&self, settings: &Settings) -> usize {
        let wanted = self.names.iter().filter(|name| settings.wants(name));
        wanted
            .map(|name| SERIES.get(*name).copied().unwrap_or(0))
            .sum()
    }
}

/// Classic series of a type by family.
static SERIES: LazyLock<HashMap<String, usize>> = LazyLock::new(|| {
    let all = METRICS.iter().map(|metric| &metric.desc);
    all.map(|desc| {
        let labels = if desc.labels.contains(&"state") {
            STATES + 1
        } else {
            1
        };
        (desc.exposed(), labels * desc.series())
    })
    .collect()
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
            for (state, time) in span.states() {
                let labels = [(labels[0], kind), (labels[1], state)];
                emit(Point::new(&labels, time).since(birth));
            }
        }
    };
    Metric::new(Kind::Counter, name, help, read)
        .unit(Unit::Seconds)
        .labels(labels)
}
