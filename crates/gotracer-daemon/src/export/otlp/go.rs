//! Metrics of OpenTelemetry's conventions for the Go runtime, where a trace has the same values.
//!
//! The conventions are in development, and a program may send these metrics itself. So they are off
//! by default and have a scope of their own.

use std::time::SystemTime;

use opentelemetry::InstrumentationScope;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Metric, NumberDataPoint, Sum,
};

use super::logs::whole;
use super::metrics::nanos;
use crate::export::totals::Totals;

/// A metric: name, unit, description, value.
type Convention = (
    &'static str,
    &'static str,
    &'static str,
    fn(&Totals) -> Option<u64>,
);

const METRICS: [Convention; 3] = [
    (
        "go.goroutine.count",
        "{goroutine}",
        "Count of live goroutines.",
        |t| Some(t.program()?.goroutines.end),
    ),
    (
        "go.memory.gc.goal",
        "By",
        "Heap size target for the end of the GC cycle.",
        |t| t.program()?.heap_goal_bytes,
    ),
    (
        "go.processor.limit",
        "{thread}",
        "The number of OS threads that can execute user-level Go code simultaneously.",
        |t| t.last()?.gomaxprocs,
    ),
];

/// The scope of these metrics.
pub(super) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("gotracer/go")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build()
}

/// The metrics of a target at this time, as far as its traces have them.
pub(super) fn metrics(totals: &Totals, now: SystemTime) -> Vec<Metric> {
    let start = totals.birth.at.min(now);
    let all = METRICS.iter().filter_map(|(name, unit, about, value)| {
        let point = NumberDataPoint {
            start_time_unix_nano: nanos(start),
            time_unix_nano: nanos(now),
            value: Some(Value::AsInt(whole(value(totals)?))),
            ..NumberDataPoint::default()
        };
        // The conventions have them as UpDownCounters, whose sums are always cumulative.
        let data = Data::Sum(Sum {
            data_points: vec![point],
            aggregation_temporality: AggregationTemporality::Cumulative.into(),
            is_monotonic: false,
        });
        Some(Metric {
            name: (*name).into(),
            description: (*about).into(),
            unit: (*unit).into(),
            data: Some(data),
            ..Metric::default()
        })
    });
    all.collect()
}
