//! Metrics of the delivery by OTLP.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

use super::{Emit, Group, Kind, Metric, Point, Unit, Value};

/// Metrics of the delivery.
pub static METRICS: LazyLock<Vec<Metric<Arc<Stats>>>> = LazyLock::new(|| {
    vec![
        by_signal(
            Kind::Counter,
            "gotracer_otlp_sent",
            "Log records, metric points and spans that an OTLP receiver accepted.",
            |counters| load(&counters.sent),
        ),
        by_signal(
            Kind::Counter,
            "gotracer_otlp_dropped",
            "Log records, metric points and spans that are lost: the queue was full, the receiver \
             refused them, or gotracer ended first.",
            |counters| load(&counters.dropped),
        ),
        by_signal(
            Kind::Counter,
            "gotracer_otlp_failures",
            "Attempts to send by OTLP that failed. Most are made again.",
            |counters| load(&counters.failures),
        ),
        by_signal(
            Kind::Gauge,
            "gotracer_otlp_queue",
            "Bytes that wait to be sent by OTLP; see --otlp.queue-size.",
            |counters| counters.waiting.get().map_or(0, load),
        )
        .unit(Unit::Bytes),
    ]
});

fn load(of: &AtomicU64) -> u64 {
    of.load(Ordering::Relaxed)
}

fn by_signal(
    kind: Kind,
    name: &'static str,
    help: &'static str,
    value: fn(&Counters) -> u64,
) -> Metric<Arc<Stats>> {
    let read = move |stats: &Arc<Stats>, emit: &mut Emit<'_>| {
        for signal in Signal::ALL {
            let counters = &stats.0[signal as usize];
            // Signals that are not sent have no series.
            if counters.waiting.get().is_some() {
                emit(Point::new(
                    &[("signal", signal.name())],
                    Value::Whole(value(counters)),
                ));
            }
        }
    };
    Metric::new(kind, name, help, read).labels(&["signal"])
}

/// The metrics of the delivery.
pub fn part(stats: Arc<Stats>) -> Group<Arc<Stats>> {
    Group::new(&METRICS, move || Some(Arc::clone(&stats)))
}

/// Signal of OpenTelemetry; each may have its own endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// Findings.
    Logs,
    /// Measurements.
    Metrics,
    /// Spans.
    Traces,
}

impl Signal {
    /// All signals.
    pub const ALL: [Self; 3] = [Self::Logs, Self::Metrics, Self::Traces];

    /// Value of the label `signal`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Metrics => "metrics",
            Self::Traces => "traces",
        }
    }
}

/// Counters of log records, metric points and spans, by signal.
#[derive(Debug, Default)]
pub struct Stats([Counters; 3]);

#[derive(Debug, Default)]
struct Counters {
    sent: AtomicU64,
    dropped: AtomicU64,
    failures: AtomicU64,
    /// Bytes that wait; nothing while the signal is not sent at all.
    waiting: OnceLock<AtomicU64>,
}

impl Stats {
    /// Counts items that were accepted.
    pub fn sent(&self, signal: Signal, items: u64) {
        self.0[signal as usize]
            .sent
            .fetch_add(items, Ordering::Relaxed);
    }

    /// Counts items that are lost.
    pub fn dropped(&self, signal: Signal, items: u64) {
        self.0[signal as usize]
            .dropped
            .fetch_add(items, Ordering::Relaxed);
    }

    /// Counts an attempt to send that failed.
    pub fn failed(&self, signal: Signal) {
        self.0[signal as usize]
            .failures
            .fetch_add(1, Ordering::Relaxed);
    }

    /// Sets the bytes that wait to be sent.
    pub fn set_waiting(&self, signal: Signal, bytes: usize) {
        let waiting = &self.0[signal as usize].waiting;
        waiting
            .get_or_init(AtomicU64::default)
            .store(bytes as u64, Ordering::Relaxed);
    }
}
