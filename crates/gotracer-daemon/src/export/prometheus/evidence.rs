//! What became of the traces that were to be kept, as metrics of the exporter
//! itself.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use super::head::{Head, Valued};
use super::settings::InForce;
use crate::evidence::{Lost, Stats};

/// Traces that were kept.
pub static KEPT: Head = Head::new(
    "gotracer_evidence_kept",
    MetricType::Counter,
    "Traces that were kept as evidence.",
);

/// Traces that were not.
pub static LOST: Head = Head::new(
    "gotracer_evidence_lost",
    MetricType::Counter,
    "Traces that were to be kept as evidence and are not, by reason.",
);

/// Attempts that failed.
pub static FAILURES: Head = Head::new(
    "gotracer_evidence_upload_failures",
    MetricType::Counter,
    "Attempts to bring evidence to its bucket, or to delete some there, that failed. They are made again.",
);

/// What there is now.
pub static GAUGES: [Valued<Stats>; 3] = [
    (
        Head::new(
            "gotracer_evidence_traces",
            MetricType::Gauge,
            "Traces that are kept as evidence now.",
        ),
        |s| count(&s.traces),
    ),
    (
        Head::within(
            "gotracer_evidence",
            Unit::Bytes,
            MetricType::Gauge,
            "What the traces that are kept now have; see max_bytes.",
        ),
        |s| count(&s.bytes),
    ),
    (
        Head::within(
            "gotracer_evidence_waiting",
            Unit::Bytes,
            MetricType::Gauge,
            "What is on its way to the bucket; see max_waiting_bytes.",
        ),
        |s| count(&s.waiting_bytes),
    ),
];

fn count(of: &AtomicU64) -> f64 {
    of.load(Ordering::Relaxed) as f64
}

/// Reads the counters at each scrape, while anything is to be kept.
#[derive(Debug)]
pub struct Evidence(pub Arc<Stats>, pub InForce);

impl Collector for Evidence {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (stats, settings) = (&self.0, self.1.get());
        if !stats.on.load(Ordering::Relaxed) {
            return Ok(());
        }
        for (head, counter) in [(&KEPT, &stats.kept), (&FAILURES, &stats.upload_failures)] {
            if let Some(family) = head.begin(&mut encoder, &settings)? {
                ConstCounter::new(counter.load(Ordering::Relaxed)).encode(family)?;
            }
        }
        if let Some(mut family) = LOST.begin(&mut encoder, &settings)? {
            for why in Lost::ALL {
                let counter = ConstCounter::new(stats.lost(why));
                counter.encode(family.encode_family(&[("reason", why.name())])?)?;
            }
        }
        for (head, value) in &GAUGES {
            if let Some(family) = head.begin(&mut encoder, &settings)? {
                ConstGauge::new(value(stats)).encode(family)?;
            }
        }
        Ok(())
    }
}
