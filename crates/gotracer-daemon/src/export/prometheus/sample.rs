//! Single metrics in the data model of Prometheus, which all formats are
//! written from.

use std::time::SystemTime;

use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::{
    Counter, Exemplar, Gauge, LabelPair, Metric,
};

use crate::labels::Labels;

/// The labels of a metric: those of its target and its own.
pub fn labels(target: &Labels, own: &[(&str, &str)]) -> Vec<LabelPair> {
    let all = target.iter().chain(own.iter().copied());
    all.map(|(name, value)| pair(name, value)).collect()
}

/// A label.
pub fn pair(name: impl Into<String>, value: &str) -> LabelPair {
    LabelPair {
        name: name.into(),
        value: value.into(),
    }
}

/// A counter that began at that time.
pub fn counter(
    label: Vec<LabelPair>,
    value: f64,
    exemplar: Option<Exemplar>,
    created: SystemTime,
) -> Metric {
    Metric {
        label,
        counter: Some(Counter {
            value,
            exemplar,
            start_timestamp: Some(created.into()),
        }),
        ..Metric::default()
    }
}

/// A gauge.
pub fn gauge(label: Vec<LabelPair>, value: f64) -> Metric {
    Metric {
        label,
        gauge: Some(Gauge { value }),
        ..Metric::default()
    }
}
