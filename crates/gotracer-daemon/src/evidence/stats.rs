//! Counters of kept and lost traces.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::storage::Health;

/// Reason for which a trace was not kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lost {
    /// The trace could not be written.
    Disk,
    /// The trace could not be anonymized.
    Names,
    /// The trace exceeds the quota.
    Quota,
    /// The bucket was down for too long.
    Waiting,
    /// The file was deleted by another program.
    Missing,
}

impl Lost {
    /// All reasons.
    pub const ALL: [Self; 5] = [
        Self::Disk,
        Self::Names,
        Self::Quota,
        Self::Waiting,
        Self::Missing,
    ];

    /// Value of the label `reason`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Names => "names",
            Self::Quota => "quota",
            Self::Waiting => "waiting",
            Self::Missing => "missing",
        }
    }
}

/// Counters of evidence.
#[derive(Debug, Default)]
pub struct Stats {
    /// Whether evidence is enabled.
    pub on: AtomicBool,
    /// Whether the directory can be written.
    pub disk: Arc<Health>,
    /// Traces kept.
    pub kept: AtomicU64,
    lost: [AtomicU64; Lost::ALL.len()],
    /// Traces that exist now.
    pub traces: AtomicU64,
    /// Bytes of these traces.
    pub bytes: AtomicU64,
    /// Bytes that wait to be uploaded.
    pub waiting_bytes: AtomicU64,
    /// Failed attempts to write to a bucket or to delete in it.
    pub upload_failures: AtomicU64,
}

impl Stats {
    /// Counts lost traces.
    pub fn lose(&self, why: Lost, traces: usize) {
        self.lost[why as usize].fetch_add(traces as u64, Ordering::Relaxed);
    }

    /// Returns the number of lost traces.
    pub fn lost(&self, why: Lost) -> u64 {
        self.lost[why as usize].load(Ordering::Relaxed)
    }
}
