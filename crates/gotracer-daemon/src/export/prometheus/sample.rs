//! Series in the data model of Prometheus, from which all formats are written.

use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::{
    Counter, Exemplar, Gauge, LabelPair, Metric,
};

use super::histogram;
use crate::export::catalog::{Desc, Kind, Value};
use crate::export::metrics::Sample;
use crate::export::totals;

/// The series of a metric with these labels.
pub(super) fn of(desc: &Desc, label: Vec<LabelPair>, sample: &Sample<'_>) -> Metric {
    let created = sample.birth.at;
    match (desc.kind, sample.point.value) {
        (Kind::Histogram(buckets), Value::Distribution(values)) => {
            let exemplar = sample.point.exemplar.map(exemplar);
            histogram::metric(label, values, buckets, exemplar, created)
        }
        (Kind::Counter, value) => Metric {
            label,
            counter: Some(Counter {
                value: value.number(),
                exemplar: sample.point.exemplar.map(exemplar),
                start_timestamp: Some(created.into()),
            }),
            ..Metric::default()
        },
        (_, value) => gauge(label, value.number()),
    }
}

/// A gauge.
pub(super) fn gauge(label: Vec<LabelPair>, value: f64) -> Metric {
    Metric {
        label,
        gauge: Some(Gauge { value }),
        ..Metric::default()
    }
}

/// A label.
pub(super) fn pair(name: impl Into<String>, value: &str) -> LabelPair {
    LabelPair {
        name: name.into(),
        value: value.into(),
    }
}

fn exemplar(of: &totals::Exemplar) -> Exemplar {
    let labels = of.labels.iter();
    Exemplar {
        label: labels.map(|(name, value)| pair(*name, value)).collect(),
        value: of.value,
        timestamp: of.at.map(Into::into),
    }
}
