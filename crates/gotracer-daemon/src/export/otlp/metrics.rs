//! The catalogue as OTLP metrics.
//!
//! The SDK aggregates values that a program records, and has no way in for distributions that are
//! there already. So these messages are made from the protocol's own definitions, and have what a
//! scrape of `/metrics` has: Prometheus translates the names back to those of `/metrics`.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets as Sparse;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge,
    Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum, exemplar,
};
use opentelemetry_proto::transform::common::tonic::Attributes;

use super::deltas::{Previous, Sent};
use super::logs::whole;
use super::style::{Histograms, Style, Temporality};
use crate::export::catalog::buckets::Buckets;
use crate::export::catalog::{Desc, Kind, Unit, Value};
use crate::export::metrics::Sample;
use crate::export::totals::{self, SPAN_ID, TRACE_ID};
use crate::labels::Labels;
use crate::rules::{Distribution, SCALE};

/// Makes the metrics of one collection.
pub(super) struct Writer<'w> {
    /// Form of the metrics.
    pub style: Style,
    /// Time of this collection.
    pub now: SystemTime,
    /// Time of the last collection.
    pub before: SystemTime,
    /// Values at the last collection.
    pub previous: &'w Previous,
    /// Values at this collection, for the next one.
    pub sent: Previous,
}

/// Owner of the metrics that are written.
pub(super) struct Owner<'o> {
    /// Identifies the owner among all others.
    pub key: String,
    /// Attributes of all points.
    pub labels: &'o Labels,
}

impl Writer<'_> {
    /// Returns a metric with all series that `read` emits; nothing if there are none.
    pub(super) fn metric(
        &mut self,
        desc: &Desc,
        owner: &Owner<'_>,
        read: impl FnOnce(&mut dyn FnMut(Sample<'_>)),
    ) -> Option<Metric> {
        let mut numbers = Vec::new();
        let mut explicit = Vec::new();
        let mut exponential = Vec::new();
        read(&mut |sample| {
            let Some((value, start)) = self.since_last(desc, owner, &sample) else {
                return;
            };
            let attributes = attributes(owner.labels, &sample);
            let exemplars = sample.point.exemplar.map(exemplar).into_iter().collect();
            match (value, desc.kind) {
                (Sent::Distribution(values), Kind::Histogram(buckets)) => {
                    match self.style.histograms {
                        Histograms::Explicit => explicit.push(HistogramDataPoint {
                            attributes,
                            exemplars,
                            ..self.explicit(&values, buckets, start)
                        }),
                        Histograms::Exponential => {
                            exponential.push(ExponentialHistogramDataPoint {
                                attributes,
                                exemplars,
                                ..self.exponential(&values, buckets, start)
                            });
                        }
                    }
                }
                (value, _) => numbers.push(NumberDataPoint {
                    attributes,
                    exemplars,
                    start_time_unix_nano: start.map_or(0, nanos),
                    time_unix_nano: nanos(self.now),
                    value: Some(match value {
                        Sent::Whole(n) => Number::AsInt(whole(n)),
                        Sent::Number(n) => Number::AsDouble(n),
                        Sent::Distribution(values) => Number::AsInt(whole(values.count())),
                    }),
                    ..NumberDataPoint::default()
                }),
            }
        });
        if numbers.is_empty() && explicit.is_empty() && exponential.is_empty() {
            return None;
        }
        let aggregation_temporality = match self.style.temporality {
            Temporality::Delta => AggregationTemporality::Delta.into(),
            Temporality::Cumulative => AggregationTemporality::Cumulative.into(),
        };
        let data = match (desc.kind, self.style.histograms) {
            (Kind::Counter, _) => Data::Sum(Sum {
                data_points: numbers,
                aggregation_temporality,
                is_monotonic: true,
            }),
            (Kind::Gauge | Kind::Info, _) => Data::Gauge(Gauge {
                data_points: numbers,
            }),
            (Kind::Histogram(_), Histograms::Explicit) => Data::Histogram(Histogram {
                data_points: explicit,
                aggregation_temporality,
            }),
            (Kind::Histogram(_), Histograms::Exponential) => {
                Data::ExponentialHistogram(ExponentialHistogram {
                    data_points: exponential,
                    aggregation_temporality,
                })
            }
        };
        Some(Metric {
            name: name(desc),
            description: desc.help.to_string(),
            unit: desc.unit.ucum().into(),
            data: Some(data),
            ..Metric::default()
        })
    }

    /// Returns the value that is sent of a series and the start of it. Deltas of 0 are not sent.
    fn since_last(
        &mut self,
        desc: &Desc,
        owner: &Owner<'_>,
        sample: &Sample<'_>,
    ) -> Option<(Sent, Option<SystemTime>)> {
        let now = match sample.point.value {
            Value::Whole(n) => Sent::Whole(n),
            Value::Number(n) => Sent::Number(n),
            Value::Distribution(values) => Sent::Distribution(values.clone()),
        };
        let birth = sample.birth.at.min(self.now);
        match (desc.counts(), self.style.temporality) {
            (false, _) => Some((now, None)),
            (true, Temporality::Cumulative) => Some((now, Some(birth))),
            (true, Temporality::Delta) => {
                let key = key(desc, owner, sample);
                let before = self.previous.get(&key);
                let start = before.map_or(birth, |_| self.before.max(birth));
                let more = now.since(before);
                self.sent.insert(key, now);
                Some((more?, Some(start)))
            }
        }
    }

    fn explicit(
        &self,
        values: &Distribution,
        buckets: &Buckets,
        start: Option<SystemTime>,
    ) -> HistogramDataPoint {
        let mut below = 0;
        let up_to = buckets.bounds().map(|bound| values.at_most(bound));
        let counts = up_to.chain([values.count()]).map(|up_to| {
            let within = up_to - below;
            below = up_to;
            within
        });
        let bounds = buckets.bounds();
        HistogramDataPoint {
            start_time_unix_nano: start.map_or(0, nanos),
            time_unix_nano: nanos(self.now),
            count: values.count(),
            sum: Some(values.sum() as f64 / buckets.per_unit),
            bucket_counts: counts.collect(),
            explicit_bounds: bounds.map(|b| b as f64 / buckets.per_unit).collect(),
            ..HistogramDataPoint::default()
        }
    }

    fn exponential(
        &self,
        values: &Distribution,
        buckets: &Buckets,
        start: Option<SystemTime>,
    ) -> ExponentialHistogramDataPoint {
        ExponentialHistogramDataPoint {
            start_time_unix_nano: start.map_or(0, nanos),
            time_unix_nano: nanos(self.now),
            count: values.count(),
            sum: Some(values.sum() as f64 / buckets.per_unit),
            scale: SCALE as i32,
            zero_count: values.zeros(),
            positive: Some(sparse(values, buckets)),
            ..ExponentialHistogramDataPoint::default()
        }
    }
}

/// Name in OpenTelemetry's form: with a dot, and without what Prometheus' translation adds again. It
/// adds no suffix for an info metric, nor for a unit in braces.
pub(super) fn name(desc: &Desc) -> String {
    let name = match (desc.kind, desc.unit) {
        (Kind::Info, _) | (_, Unit::Threads) => desc.exposed(),
        _ => desc.name.into(),
    };
    name.replacen('_', ".", 1)
}

fn attributes(
    target: &Labels,
    sample: &Sample<'_>,
) -> Vec<opentelemetry_proto::tonic::common::v1::KeyValue> {
    let pair = |(name, value): (&str, &str)| KeyValue::new(name.to_owned(), value.to_owned());
    let own = sample.point.labels.iter().copied();
    let all = target.iter().chain(own).map(pair);
    Attributes::from(all.collect::<Vec<_>>()).0
}

fn key(desc: &Desc, owner: &Owner<'_>, sample: &Sample<'_>) -> String {
    let labels = sample.point.labels.iter();
    let labels = labels.flat_map(|(name, value)| ["\0", name, "\0", value]);
    let start = [owner.key.as_str(), "\0", desc.name];
    start.into_iter().chain(labels).collect()
}

fn exemplar(of: &totals::Exemplar) -> Exemplar {
    // The ids have fields of their own.
    let id = |name: &str| {
        let id = of.labels.iter().find(|(label, _)| *label == name);
        id.map(|(_, id)| id.as_str())
    };
    let trace = id(TRACE_ID).and_then(|id| u128::from_str_radix(id, 16).ok());
    let span = id(SPAN_ID).and_then(|id| u64::from_str_radix(id, 16).ok());
    let others = of
        .labels
        .iter()
        .filter(|(name, _)| ![TRACE_ID, SPAN_ID].contains(name));
    let labels = others.map(|(name, value)| KeyValue::new(*name, value.clone()));
    Exemplar {
        trace_id: trace.map_or_else(Vec::new, |id| id.to_be_bytes().into()),
        span_id: span.map_or_else(Vec::new, |id| id.to_be_bytes().into()),
        filtered_attributes: Attributes::from(labels.collect::<Vec<_>>()).0,
        time_unix_nano: of.at.map_or(0, nanos),
        value: Some(exemplar::Value::AsDouble(of.value)),
    }
}

/// The buckets from the first to the last with a count. A distribution's bucket has the
/// number of its upper bound, an exponential histogram's that of its lower one.
fn sparse(values: &Distribution, buckets: &Buckets) -> Sparse {
    let mut found = Sparse::default();
    for (index, count) in values.buckets() {
        let index = index + buckets.shift - 1;
        if found.bucket_counts.is_empty() {
            found.offset = index;
        }
        let at = usize::try_from(index - found.offset).unwrap_or_default();
        found.bucket_counts.resize(at + 1, 0);
        found.bucket_counts[at] = count;
    }
    found
}

/// Nanoseconds since 1970, as the protocol has times.
pub(super) fn nanos(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Number of points of a metric.
pub(super) fn points(metric: &Metric) -> usize {
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

    fn writer(previous: &Previous) -> Writer<'_> {
        Writer {
            style: Style::default(),
            now: UNIX_EPOCH,
            before: UNIX_EPOCH,
            previous,
            sent: Previous::new(),
        }
    }

    #[test]
    fn exponential_buckets_hold_what_their_bounds_say() {
        let found = sparse(&distribution(), &Buckets::BYTES);
        // As the specification has it: above base^i, up to base^(i+1).
        let bound = |i: i32| (f64::from(i) / 8.0).exp2();
        for (at, count) in found.bucket_counts.iter().enumerate() {
            let i = found.offset + at as i32;
            let within = |v: &&u64| bound(i) < **v as f64 && **v as f64 <= bound(i + 1);
            assert_eq!(*count, VALUES.iter().filter(within).count() as u64, "{i}");
        }
        assert_eq!(found.bucket_counts.iter().sum::<u64>(), 5);
        let seconds = sparse(&distribution(), &Buckets::FINE);
        assert_eq!(seconds.bucket_counts, found.bucket_counts);
        let highest = seconds.offset + seconds.bucket_counts.len() as i32;
        assert_eq!(highest, 1, "1.000000007 s lies just above 2^0");
    }

    #[test]
    fn explicit_buckets_hold_what_their_bounds_say() {
        let previous = Previous::new();
        let point = writer(&previous).explicit(&distribution(), &Buckets::FINE, None);
        assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
        let mut lower = f64::NEG_INFINITY;
        let upper = point.explicit_bounds.iter().copied().chain([f64::INFINITY]);
        for (count, upper) in point.bucket_counts.iter().zip(upper) {
            let seconds = |v: u64| v as f64 / 1e9;
            let within = |v: &&u64| lower < seconds(**v) && seconds(**v) <= upper;
            let wanted = VALUES.iter().filter(within).count() as u64;
            assert_eq!(*count, wanted, "{upper}");
            lower = upper;
        }
    }
}
