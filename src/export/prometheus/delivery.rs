//! What became of what is sent by OTLP, as metrics of the exporter itself.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;

use crate::export::otlp::{Signal, Stats};

/// Names and HELP texts, in the order of [`Stats::read`].
const FAMILIES: [(&str, &str); 3] = [
    (
        "gotracer_otlp_sent",
        "Log records and metric points that an OTLP receiver took.",
    ),
    (
        "gotracer_otlp_dropped",
        "Log records and metric points that are lost: the queue was full, the receiver \
            refused them, or the end came first.",
    ),
    (
        "gotracer_otlp_failures",
        "Attempts to send by OTLP that failed. Most are made again.",
    ),
];

/// Reads the counters at each scrape.
#[derive(Debug)]
pub struct Delivery(pub Arc<Stats>);

impl Collector for Delivery {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (index, (name, help)) in FAMILIES.into_iter().enumerate() {
            let kind = MetricType::Counter;
            let mut family = encoder.encode_descriptor(name, help, None, kind)?;
            for signal in Signal::ALL {
                let label = [("signal", signal.name())];
                let counter = ConstCounter::new(self.0.read(signal)[index]);
                counter.encode(family.encode_family(&label)?)?;
            }
        }
        Ok(())
    }
}
