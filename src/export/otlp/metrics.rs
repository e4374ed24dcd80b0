//! Measurements as metrics, each point for one trace: delta temporality.
//!
//! A distribution's buckets are those of an exponential histogram of the same
//! scale, so the counts go over as they are. That is true in nanoseconds only:
//! seconds are 2^29.897 of them, which is no whole number of buckets at any
//! scale, and a shift would put values into wrong buckets. The unit travels
//! with the metric, so times are sent in `ns`, and nothing is lost.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Metric,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;

use super::logs::unit;
use super::queue::Message;
use super::value::{attribute, nanos, scope};
use crate::export::prometheus::SIGNALS;
use crate::report::{Report, Status};
use crate::rules::{Distribution, SCALE};

/// When a trace began and ended.
#[derive(Clone, Copy)]
struct Window {
    start: u64,
    end: u64,
}

/// A report's measurements.
pub fn message(resource: &Resource, report: &Report, at: SystemTime) -> Message {
    let lasted = Duration::from_nanos(report.trace.duration_ns);
    let start = match report.trace.start_time {
        Some(start) => SystemTime::from(start),
        None => at.checked_sub(lasted).unwrap_or(at),
    };
    let window = Window {
        start: nanos(start),
        end: nanos(start + lasted),
    };
    let mut metrics = vec![window.observed(lasted), window.findings(report)];
    let applicable = report
        .rules
        .iter()
        .filter(|r| r.status != Status::NotApplicable);
    for rule in applicable {
        let signal = &SIGNALS[rule.rule.index()];
        let unit = unit(rule.rule.unit);
        let points = vec![window.point(&rule.measurement, Vec::new())];
        let help = signal.help(rule.rule);
        metrics.push(histogram(&dotted(signal.name), &help, unit, points));
        let Some(by_reason) = &signal.by_reason else {
            continue;
        };
        let points = rule.by_reason.iter().map(|(reason, values)| {
            window.point(values, vec![attribute("gotracer.reason", &**reason)])
        });
        let name = dotted(by_reason.name);
        metrics.push(histogram(&name, by_reason.help, unit, points.collect()));
    }
    metrics.retain(|metric| points(metric) > 0);
    let items = metrics.iter().map(points).sum::<usize>() as u64;
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(resource.clone()),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(scope()),
                metrics,
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    };
    Message {
        bytes: request.encode_to_vec().into(),
        items,
    }
}

impl Window {
    fn observed(self, lasted: Duration) -> Metric {
        let seconds = Value::AsDouble(lasted.as_secs_f64());
        sum(
            "gotrace.observed",
            "Time that the traces cover: the denominator of all gotrace metrics.",
            "s",
            vec![self.number(seconds, Vec::new())],
        )
    }

    fn findings(self, report: &Report) -> Metric {
        let mut counts = BTreeMap::new();
        for finding in &report.findings {
            let key = (finding.rule.name, finding.severity.name());
            *counts.entry(key).or_insert(0i64) += 1;
        }
        let points = counts.into_iter().map(|((rule, severity), count)| {
            let rule = attribute("gotracer.rule", rule);
            let severity = attribute("gotracer.severity", severity);
            self.number(Value::AsInt(count), vec![rule, severity])
        });
        sum(
            "gotrace.findings",
            "Findings: one for each place in each trace at which a rule's threshold was crossed.",
            "{finding}",
            points.collect(),
        )
    }

    fn number(self, value: Value, attributes: Vec<KeyValue>) -> NumberDataPoint {
        NumberDataPoint {
            attributes,
            start_time_unix_nano: self.start,
            time_unix_nano: self.end,
            value: Some(value),
            ..NumberDataPoint::default()
        }
    }

    fn point(
        self,
        values: &Distribution,
        attributes: Vec<KeyValue>,
    ) -> ExponentialHistogramDataPoint {
        let any = values.count() > 0;
        ExponentialHistogramDataPoint {
            attributes,
            start_time_unix_nano: self.start,
            time_unix_nano: self.end,
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

/// A name of Prometheus' in OpenTelemetry's way.
fn dotted(name: &str) -> String {
    name.replacen('_', ".", 1)
}

fn histogram(
    name: &str,
    description: &str,
    unit: &str,
    data_points: Vec<ExponentialHistogramDataPoint>,
) -> Metric {
    let data = Data::ExponentialHistogram(ExponentialHistogram {
        data_points,
        aggregation_temporality: AggregationTemporality::Delta.into(),
    });
    metric(name, description, unit, data)
}

fn sum(name: &str, description: &str, unit: &str, data_points: Vec<NumberDataPoint>) -> Metric {
    let data = Data::Sum(Sum {
        data_points,
        aggregation_temporality: AggregationTemporality::Delta.into(),
        is_monotonic: true,
    });
    metric(name, description, unit, data)
}

fn metric(name: &str, description: &str, unit: &str, data: Data) -> Metric {
    Metric {
        name: name.into(),
        description: description.into(),
        unit: unit.into(),
        data: Some(data),
        ..Metric::default()
    }
}

fn points(metric: &Metric) -> usize {
    match &metric.data {
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_what_their_bounds_say() {
        let values = [1, 2, 3, 1000, 1_000_000_007];
        let mut distribution = Distribution::default();
        values.iter().for_each(|&v| distribution.record(v));
        let buckets = buckets(&distribution);
        // As the specification has it: above base^i, up to base^(i+1).
        let bound = |i: i32| (f64::from(i) / 8.0).exp2();
        for (at, count) in buckets.bucket_counts.iter().enumerate() {
            let i = buckets.offset + at as i32;
            let within = |v: &&u64| bound(i) < **v as f64 && **v as f64 <= bound(i + 1);
            assert_eq!(*count, values.iter().filter(within).count() as u64, "{i}");
        }
        assert_eq!(buckets.bucket_counts.iter().sum::<u64>(), 5);
    }
}
