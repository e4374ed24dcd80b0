//! The HTTP server, as metrics of the exporter itself.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::head::Head;
use super::settings::InForce;

/// Counts of the HTTP server.
#[derive(Debug, Default)]
pub struct ServerStats {
    /// Open connections.
    pub connections: AtomicU64,
    /// Requests that are received, answered, or sent to the client.
    pub in_flight: AtomicU64,
    /// Connections that ended for the sake of others.
    pub evicted: AtomicU64,
    /// Connections that ended because the client was too slow.
    pub timed_out: AtomicU64,
}

/// A family and its count.
type Counted = (Head, fn(&ServerStats) -> &AtomicU64);

/// The families.
pub static FAMILIES: [Counted; 4] = [
    (
        Head::new(
            "gotracer_http_connections",
            MetricType::Gauge,
            "Open connections of the HTTP server.",
        ),
        |s| &s.connections,
    ),
    (
        Head::new(
            "gotracer_http_requests_in_flight",
            MetricType::Gauge,
            "Requests of the HTTP server that are received, answered, or sent to the client.",
        ),
        |s| &s.in_flight,
    ),
    (
        Head::new(
            "gotracer_http_connections_evicted",
            MetricType::Counter,
            "Connections of the HTTP server that were closed because others waited for their place.",
        ),
        |s| &s.evicted,
    ),
    (
        Head::new(
            "gotracer_http_connections_timed_out",
            MetricType::Counter,
            "Connections of the HTTP server that were closed because the client sent or read too slowly.",
        ),
        |s| &s.timed_out,
    ),
];

/// Reads the counts at each scrape.
#[derive(Debug)]
pub struct Server(pub Arc<ServerStats>, pub InForce);

impl Collector for Server {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let settings = self.1.get();
        for (head, count) in &FAMILIES {
            let Some(family) = head.begin(&mut encoder, &settings)? else {
                continue;
            };
            let value = count(&self.0).load(Ordering::Relaxed);
            match head.kind {
                MetricType::Counter => ConstCounter::new(value).encode(family)?,
                _ => ConstGauge::new(value).encode(family)?,
            }
        }
        Ok(())
    }
}
