//! Metrics of the HTTP server.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use super::{Group, Metric, counter, gauge};

/// Counts of the HTTP server.
#[derive(Debug, Default)]
pub struct ServerStats {
    /// Open connections.
    pub connections: AtomicU64,
    /// Requests that are received, answered, or sent to the client.
    pub in_flight: AtomicU64,
    /// Connections that were closed because others waited for their place.
    pub evicted: AtomicU64,
    /// Connections that were closed because the client was too slow.
    pub timed_out: AtomicU64,
}

/// Metrics of the HTTP server.
pub static METRICS: LazyLock<Vec<Metric<Arc<ServerStats>>>> = LazyLock::new(|| {
    vec![
        gauge(
            "gotracer_http_connections",
            "Open connections of the HTTP server.",
            |s: &Arc<ServerStats>| Some(load(&s.connections)),
        ),
        gauge(
            "gotracer_http_requests_in_flight",
            "Requests of the HTTP server that are received, answered, or sent to the client.",
            |s: &Arc<ServerStats>| Some(load(&s.in_flight)),
        ),
        counter(
            "gotracer_http_connections_evicted",
            "Connections of the HTTP server that were closed because others waited for their \
             place.",
            |s: &Arc<ServerStats>| load(&s.evicted),
        ),
        counter(
            "gotracer_http_connections_timed_out",
            "Connections of the HTTP server that were closed because the client sent or read too \
             slowly.",
            |s: &Arc<ServerStats>| load(&s.timed_out),
        ),
    ]
});

fn load(of: &AtomicU64) -> u64 {
    of.load(Ordering::Relaxed)
}

/// The HTTP server's metrics.
pub fn part(stats: Arc<ServerStats>) -> Group<Arc<ServerStats>> {
    Group::new(&METRICS, move || Some(Arc::clone(&stats)))
}
