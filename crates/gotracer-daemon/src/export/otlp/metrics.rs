//! Measurements as metrics.
//!
//! The SDK aggregates values that a program records, and has no way in for
//! distributions that are there already: so these messages are made from the
//! protocol's own definitions.
//!
//! A distribution's buckets are those of an exponential histogram of the same
//! scale, so the counts go over as they are. That is true in nanoseconds only:
//! seconds are 2^29.897 of them, which is no whole number of buckets at any
//! scale, and a shift would put values into wrong buckets. The unit travels
//! with the metric, so times are sent in `ns`, and nothing is lost.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource as ProtoResource;
use opentelemetry_proto::transform::common::tonic::{Attributes, ResourceAttributesWithSchema};
use opentelemetry_sdk::Resource;
use prost::Message as _;

use super::logs::{scope, unit, whole};
use super::queue::Message;
use super::totals::{Temporality, Totals, Window};
use crate::export::prometheus::{bounds, help};
use crate::report::Report;
use crate::rules::{Distribution, RULES, SCALE, Unit};

/// How metrics are to be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Style {
    /// How points relate to each other.
    pub temporality: Temporality,
    /// What histograms are like.
    pub histograms: Histograms,
}

/// What histograms are like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Histograms {
    /// Exponential, with the buckets that were measured.
    #[default]
    Exponential,
    /// With the bounds of the classic Prometheus histograms.
    Explicit,
}

/// A target's totals after a trace, and what its program was like then.
pub fn message(resource: &Resource, totals: &Totals, report: &Report, style: Style) -> Message {
    let writer = Writer {
        window: totals.window,
        style,
    };
    let mut metrics = writer.sums(totals);
    metrics.extend(writer.gauges(report));
    for (rule, values) in RULES.iter().zip(&totals.signals) {
        let Some(values) = values else { continue };
        let all = [(None, values)];
        metrics.push(writer.histogram(rule.metric.name, rule.unit, all.into_iter()));
        if let Some(by_reason) = &rule.metric.by_reason {
            let all = totals.by_reason[rule.index()].iter();
            let all = all.map(|(reason, values)| (Some(reason.as_str()), values));
            metrics.push(writer.histogram(by_reason.name, rule.unit, all));
        }
    }
    metrics.retain(|metric| points(metric) > 0);
    let items = metrics.iter().map(points).sum::<usize>() as u64;
    let ResourceAttributesWithSchema { attributes, .. } = resource.into();
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(ProtoResource {
                attributes: attributes.0,
                ..ProtoResource::default()
            }),
            scope_metrics: vec![ScopeMetrics {
                scope: Some((scope(), None).into()),
                metrics,
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    };
    Message {
        bytes: request.encode_to_vec().into(),
        items,
        receipt: None,
    }
}

struct Writer {
    window: Window,
    style: Style,
}

impl Writer {
    fn sums(&self, totals: &Totals) -> Vec<Metric> {
        let findings = totals.findings.iter().map(|(&(rule, severity), &count)| {
            let rule = KeyValue::new("gotracer.rule", rule);
            let severity = KeyValue::new("gotracer.severity", severity);
            self.number(Value::AsInt(whole(count)), vec![rule, severity])
        });
        let observed = Value::AsDouble(totals.observed.as_secs_f64());
        let count = |n| vec![self.number(Value::AsInt(whole(n)), Vec::new())];
        vec![
            self.sum(
                "gotrace_observed",
                "s",
                vec![self.number(observed, Vec::new())],
            ),
            self.sum("gotrace_findings", "{finding}", findings.collect()),
            self.sum(
                "gotrace_goroutine_creations",
                "{goroutine}",
                count(totals.created),
            ),
            self.sum(
                "gotrace_goroutine_exits",
                "{goroutine}",
                count(totals.exited),
            ),
        ]
    }

    fn gauges(&self, report: &Report) -> Vec<Metric> {
        let program = &report.program;
        let goroutines = &program.goroutines;
        let gauges = [
            ("gotrace_goroutines", "{goroutine}", Some(goroutines.end)),
            (
                "gotrace_goroutines_peak",
                "{goroutine}",
                Some(goroutines.peak),
            ),
            ("gotrace_heap_live", "By", program.heap_live_bytes),
            ("gotrace_heap_peak", "By", program.heap_peak_bytes),
            ("gotrace_heap_goal", "By", program.heap_goal_bytes),
            ("gotrace_gomaxprocs", "{thread}", report.trace.gomaxprocs),
        ];
        let known = gauges.into_iter().filter_map(|(name, unit, value)| {
            let value = Value::AsInt(whole(value?));
            let data_points = vec![self.number(value, Vec::new())];
            Some(metric(name, unit, Data::Gauge(Gauge { data_points })))
        });
        known.collect()
    }

    fn temporality(&self) -> i32 {
        match self.style.temporality {
            Temporality::Delta => AggregationTemporality::Delta.into(),
            Temporality::Cumulative => AggregationTemporality::Cumulative.into(),
        }
    }

    fn sum(&self, name: &str, unit: &str, data_points: Vec<NumberDataPoint>) -> Metric {
        let data = Data::Sum(Sum {
            data_points,
            aggregation_temporality: self.temporality(),
            is_monotonic: true,
        });
        metric(name, unit, data)
    }

    fn number(&self, value: Value, attributes: Vec<KeyValue>) -> NumberDataPoint {
        NumberDataPoint {
            attributes: Attributes::from(attributes).0,
            start_time_unix_nano: nanos(self.window.start),
            time_unix_nano: nanos(self.window.end),
            value: Some(value),
            ..NumberDataPoint::default()
        }
    }

    fn histogram<'a>(
        &self,
        name: &str,
        of: Unit,
        all: impl Iterator<Item = (Option<&'a str>, &'a Distribution)>,
    ) -> Metric {
        let attributes = |reason: Option<&str>| {
            let reason = reason.map(|r| KeyValue::new("gotracer.reason", r.to_owned()));
            Attributes::from(reason).0
        };
        let aggregation_temporality = self.temporality();
        let data = match self.style.histograms {
            Histograms::Exponential => Data::ExponentialHistogram(ExponentialHistogram {
                data_points: all
                    .map(|(reason, values)| ExponentialHistogramDataPoint {
                        attributes: attributes(reason),
                        ..self.exponential(values)
                    })
                    .collect(),
                aggregation_temporality,
            }),
            Histograms::Explicit => Data::Histogram(Histogram {
                data_points: all
                    .map(|(reason, values)| HistogramDataPoint {
                        attributes: attributes(reason),
                        ..self.explicit(values, of)
                    })
                    .collect(),
                aggregation_temporality,
            }),
        };
        metric(name, unit(of), data)
    }

    fn exponential(&self, values: &Distribution) -> ExponentialHistogramDataPoint {
        let any = values.count() > 0;
        ExponentialHistogramDataPoint {
            start_time_unix_nano: nanos(self.window.start),
            time_unix_nano: nanos(self.window.end),
            count: values.count(),
            sum: Some(values.sum() as f64),
            min: any.then_some(values.min() as f64),
            max: any.then_some(values.max() as f64),
            scale: SCALE as i32,
            zero_count: values.zeros(),
            positive: Some(buckets(values)),
            ..ExponentialHistogramDataPoint::default()
        }
    }

    fn explicit(&self, values: &Distribution, of: Unit) -> HistogramDataPoint {
        let any = values.count() > 0;
        let bounds: Vec<u64> = bounds(of).collect();
        let up_to = bounds.iter().map(|&bound| values.at_most(bound));
        let mut below = 0;
        let counts = up_to.chain([values.count()]).map(|up_to| {
            let within = up_to - below;
            below = up_to;
            within
        });
        HistogramDataPoint {
            start_time_unix_nano: nanos(self.window.start),
            time_unix_nano: nanos(self.window.end),
            count: values.count(),
            sum: Some(values.sum() as f64),
            min: any.then_some(values.min() as f64),
            max: any.then_some(values.max() as f64),
            bucket_counts: counts.collect(),
            explicit_bounds: bounds.iter().map(|&bound| bound as f64).collect(),
            ..HistogramDataPoint::default()
        }
    }
}

/// The buckets from the first to the last that holds something. A
/// distribution's bucket has the number of its upper bound, an exponential
/// histogram's that of its lower one.
fn buckets(values: &Distribution) -> Buckets {
    let mut found = Buckets::default();
    for (index, count) in values.buckets() {
        let index = index - 1;
        if found.bucket_counts.is_empty() {
            found.offset = index;
        }
        let at = usize::try_from(index - found.offset).unwrap_or_default();
        found.bucket_counts.resize(at + 1, 0);
        found.bucket_counts[at] = count;
    }
    found
}

/// A metric under Prometheus' name in OpenTelemetry's way.
fn metric(name: &str, unit: &str, data: Data) -> Metric {
    Metric {
        name: name.replacen('_', ".", 1),
        description: help(name).into(),
        unit: unit.into(),
        data: Some(data),
        ..Metric::default()
    }
}

/// Nanoseconds since 1970, as the protocol has times.
fn nanos(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn points(metric: &Metric) -> usize {
    match &metric.data {
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: [u64; 5] = [1, 2, 3, 1000, 1_000_000_007];

    fn distribution() -> Distribution {
        let mut distribution = Distribution::default();
        VALUES.iter().for_each(|&v| distribution.record(v));
        distribution
    }

    #[test]
    fn buckets_hold_what_their_bounds_say() {
        let buckets = buckets(&distribution());
        // As the specification has it: above base^i, up to base^(i+1).
        let bound = |i: i32| (f64::from(i) / 8.0).exp2();
        for (at, count) in buckets.bucket_counts.iter().enumerate() {
            let i = buckets.offset + at as i32;
            let within = |v: &&u64| bound(i) < **v as f64 && **v as f64 <= bound(i + 1);
            assert_eq!(*count, VALUES.iter().filter(within).count() as u64, "{i}");
        }
        assert_eq!(buckets.bucket_counts.iter().sum::<u64>(), 5);
    }

    #[test]
    fn explicit_buckets_hold_what_their_bounds_say() {
        let writer = Writer {
            window: Window {
                start: UNIX_EPOCH,
                end: UNIX_EPOCH,
            },
            style: Style::default(),
        };
        let point = writer.explicit(&distribution(), Unit::Nanoseconds);
        assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
        let mut lower = f64::NEG_INFINITY;
        let upper = point.explicit_bounds.iter().copied().chain([f64::INFINITY]);
        for (count, upper) in point.bucket_counts.iter().zip(upper) {
            let within = |v: &&u64| lower < **v as f64 && **v as f64 <= upper;
            assert_eq!(
                *count,
                VALUES.iter().filter(within).count() as u64,
                "{upper}"
            );
            lower = upper;
        }
    }
}
