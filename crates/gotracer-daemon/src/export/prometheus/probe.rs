//! The answer of `/probe`: one capture as gauges with names of their own.
//!
//! A capture has no past, so its metrics are no counters: `rate()` of them would be wrong.

use std::io;
use std::time::Duration;

use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::{
    MetricFamily, MetricType,
};

use super::encoder::Encoder;
use super::exposition::{pairs, rows};
use super::format::Encoding;
use super::sample;
use crate::export::catalog::{Desc, Kind, Unit, Value, probed};
use crate::export::metrics::Metrics;
use crate::rules::Distribution;

/// A gauge that is made of a metric.
struct Gauge {
    suffix: &'static str,
    unit: Unit,
    about: &'static str,
    value: fn(&Desc, Value<'_>) -> f64,
}

/// Returns the gauges of the targets in `metrics`, which were captured once; with `probe_success`
/// and `probe_duration_seconds`.
///
/// # Errors
/// If they can't be encoded.
pub fn probe(
    metrics: &Metrics,
    success: bool,
    took: Duration,
    encoding: Encoding,
) -> io::Result<Vec<u8>> {
    let settings = metrics.settings();
    let view = metrics.births().everything();
    let rows = rows(metrics.targets(), encoding.escaping);
    let mut encoder = Encoder::new(Vec::new(), encoding, false);
    for metric in probed().filter(|m| settings.wants(&m.desc.exposed())) {
        for gauge in gauges(&metric.desc) {
            encoder.family(family(&metric.desc, &gauge))?;
            let mut read = Vec::new();
            for (labels, target) in &rows {
                Metrics::read_target(metric, target, view, &mut |sample| {
                    let value = (gauge.value)(&metric.desc, sample.point.value);
                    let pairs = pairs(encoding.escaping, labels, &sample);
                    read.push(sample::gauge(pairs, value));
                });
            }
            read.into_iter().try_for_each(|m| encoder.metric(m))?;
        }
    }
    for (name, unit, help, value) in [
        (
            "probe_success",
            "",
            "Whether a whole trace was captured.",
            f64::from(u8::from(success)),
        ),
        (
            "probe_duration_seconds",
            "seconds",
            "Duration of the capture and its analysis.",
            took.as_secs_f64(),
        ),
    ] {
        encoder.family(MetricFamily {
            name: name.into(),
            help: help.into(),
            r#type: MetricType::Gauge as i32,
            unit: unit.into(),
            ..MetricFamily::default()
        })?;
        encoder.metric(sample::gauge(Vec::new(), value))?;
    }
    encoder.finish()
}

/// The gauges of a metric: the value itself, or quantiles, sum and count of a distribution.
fn gauges(desc: &Desc) -> Vec<Gauge> {
    let unit = desc.unit;
    let gauge = |suffix, about, value| Gauge {
        suffix,
        unit,
        about,
        value,
    };
    match desc.kind {
        Kind::Histogram(_) => vec![
            gauge("_p50", "Median: ", |d, v| scaled(d, v, |v| v.quantile(0.5))),
            gauge("_p99", "99th percentile: ", |d, v| {
                scaled(d, v, |v| v.quantile(0.99))
            }),
            gauge("_max", "Maximum: ", |d, v| scaled(d, v, Distribution::max)),
            gauge("_sum", "Sum: ", |d, v| scaled(d, v, Distribution::sum)),
            Gauge {
                unit: Unit::None,
                ..gauge("_count", "Number: ", |_, v| v.number())
            },
        ],
        Kind::Counter | Kind::Gauge | Kind::Info => vec![gauge("", "", |_, v| v.number())],
    }
}

/// A number of a distribution in the metric's unit.
fn scaled(desc: &Desc, value: Value<'_>, of: fn(&Distribution) -> u64) -> f64 {
    match (desc.kind, value) {
        (Kind::Histogram(buckets), Value::Distribution(values)) => {
            of(values) as f64 / buckets.per_unit
        }
        (_, value) => value.number(),
    }
}

fn family(desc: &Desc, gauge: &Gauge) -> MetricFamily {
    let (owner, rest) = desc.name.split_once('_').unwrap_or((desc.name, ""));
    let mut name = format!("{owner}_probe_{rest}{}", gauge.suffix);
    let unit = gauge.unit.suffix();
    if !unit.is_empty() {
        name = format!("{name}_{unit}");
    }
    MetricFamily {
        name,
        help: format!("In this capture alone. {}{}", gauge.about, desc.help),
        r#type: MetricType::Gauge as i32,
        unit: unit.into(),
        ..MetricFamily::default()
    }
}
