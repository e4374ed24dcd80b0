//! Counts of traces that were kept or lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::storage::Health;

/// Reason for which a trace was not kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lost {
    /// It could not be written.
    Disk,
    /// Its names could not be replaced.
    Names,
    /// It has more bytes than there may be.
    Quota,
    /// The bucket was down for too long.
    Waiting,
    /// Its file was deleted, and not by gotracer.
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

    /// Its name as a label's value.
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

/// Counts of the evidence.
#[derive(Debug, Default)]
pub struct Stats {
    /// Whether anything is kept at all.
    pub on: AtomicBool,
    /// Whether the directory can be written.
    pub disk: Arc<Health>,
    /// Traces that were kept.
    pub kept: AtomicU64,
    lost: [AtomicU64; Lost::ALL.len()],
    /// Traces that are there now.
    pub traces: AtomicU64,
    /// Their bytes.
    pub bytes: AtomicU64,
    /// Bytes that wait to be uploaded.
    pub waiting_bytes: AtomicU64,
    /// Failed attempts to write to a bucket or to delete in it.
    pub upload_failures: AtomicU64,
}

impl Stats {
    /// Counts traces that are not kept.
    pub fn lose(&self, why: Lost, traces: usize) {
        self.lost[why as usize].fetch_add(traces as u64, Ordering::Relaxed);
    }

    /// How many were not kept.
    pub fn lost(&self, why: Lost) -> u64 {
        self.lost[why as usize].load(Ordering::Relaxed)
    }
}
