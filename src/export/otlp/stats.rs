//! What became of what was to be sent.

use std::sync::atomic::{AtomicU64, Ordering};

/// What is sent apart, each to its own place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// Findings.
    Logs,
    /// Measurements.
    Metrics,
}

impl Signal {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Logs, Self::Metrics];

    /// Its name as a label's value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Metrics => "metrics",
        }
    }
}

/// Counters of log records and of metrics' points, by signal.
#[derive(Debug, Default)]
pub struct Stats([Counters; 2]);

#[derive(Debug, Default)]
struct Counters {
    sent: AtomicU64,
    dropped: AtomicU64,
    failures: AtomicU64,
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

    /// What was sent, lost, and how many attempts failed.
    pub fn read(&self, signal: Signal) -> [u64; 3] {
        let counters = &self.0[signal as usize];
        [&counters.sent, &counters.dropped, &counters.failures]
            .map(|counter| counter.load(Ordering::Relaxed))
    }
}
