//! What became of what was to be sent.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is sent apart, each to its own place.
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
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Logs, Self::Metrics, Self::Traces];

    /// Its name as a label's value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Metrics => "metrics",
            Self::Traces => "traces",
        }
    }
}

/// Counters of log records, metrics' points and spans, by signal.
#[derive(Debug, Default)]
pub struct Stats([Counters; 3]);

#[derive(Debug, Default)]
struct Counters {
    sent: AtomicU64,
    dropped: AtomicU64,
    failures: AtomicU64,
    /// Bytes that wait; nothing as long as the signal is not sent at all.
    waiting: OnceLock<AtomicU64>,
}

impl Stats {
    /// Counts what was taken.
    pub fn sent(&self, signal: Signal, items: u64) {
        self.0[signal as usize]
            .sent
            .fetch_add(items, Ordering::Relaxed);
    }

    /// Counts what is lost.
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

    /// So many bytes wait to be sent.
    pub fn set_waiting(&self, signal: Signal, bytes: usize) {
        let waiting = &self.0[signal as usize].waiting;
        waiting
            .get_or_init(AtomicU64::default)
            .store(bytes as u64, Ordering::Relaxed);
    }

    /// How many bytes wait; `None` if the signal is not sent at all.
    pub fn waiting(&self, signal: Signal) -> Option<u64> {
        let waiting = self.0[signal as usize].waiting.get()?;
        Some(waiting.load(Ordering::Relaxed))
    }

    /// What was sent, lost, and how many attempts failed.
    pub fn read(&self, signal: Signal) -> [u64; 3] {
        let counters = &self.0[signal as usize];
        [&counters.sent, &counters.dropped, &counters.failures]
            .map(|counter| counter.load(Ordering::Relaxed))
    }
}
