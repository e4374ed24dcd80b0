//! What became of what is sent by OTLP, as metrics of the exporter itself.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use super::head::Head;
use super::settings::InForce;
use crate::export::otlp::{Signal, Stats};

/// In the order of [`Stats::read`].
pub static COUNTERS: [Head; 3] = [
    Head::new(
        "gotracer_otlp_sent",
        MetricType::Counter,
        "Log records, metric points and spans that an OTLP receiver took.",
    ),
    Head::new(
        "gotracer_otlp_dropped",
        MetricType::Counter,
        "Log records, metric points and spans that are lost: the queue was full, the receiver \
            refused them, or the end came first.",
    ),
    Head::new(
        "gotracer_otlp_failures",
        MetricType::Counter,
        "Attempts to send by OTLP that failed. Most are made again.",
    ),
];

/// What waits.
pub static QUEUE: Head = Head::within(
    "gotracer_otlp_queue",
    Unit::Bytes,
    MetricType::Gauge,
    "What waits to be sent by OTLP; see --otlp.queue-size.",
);

/// Reads the counters at each scrape.
#[derive(Debug)]
pub struct Delivery(pub Arc<Stats>, pub InForce);

impl Collector for Delivery {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let settings = self.1.get();
        let signals = Signal::ALL
            .into_iter()
            .filter_map(|signal| Some((signal, self.0.waiting(signal)?)));
        for (index, head) in COUNTERS.iter().enumerate() {
            let Some(mut family) = head.begin(&mut encoder, &settings)? else {
                continue;
            };
            for (signal, _) in signals.clone() {
                let counter = ConstCounter::new(self.0.read(signal)[index]);
                counter.encode(family.encode_family(&[("signal", signal.name())])?)?;
            }
        }
        let Some(mut family) = QUEUE.begin(&mut encoder, &settings)? else {
            return Ok(());
        };
        for (signal, waiting) in signals {
            let gauge = ConstGauge::new(waiting);
            gauge.encode(family.encode_family(&[("signal", signal.name())])?)?;
        }
        Ok(())
    }
}
