//! Health of a store, for logs and metrics.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Whether a store can be written.
///
/// Callers log only when the state changes: a full disk is one line, not one
/// for each trace.
#[derive(Debug, Default)]
pub struct Health {
    down: AtomicBool,
    failures: AtomicU64,
}

impl Health {
    /// Counts a failed attempt to write. Returns whether the store was up.
    pub fn failed(&self) -> bool {
        self.failures.fetch_add(1, Ordering::Relaxed);
        !self.down.swap(true, Ordering::Relaxed)
    }

    /// Notes a successful write. Returns whether the store was down.
    pub fn succeeded(&self) -> bool {
        self.down.swap(false, Ordering::Relaxed)
    }

    /// Whether the last attempt to write succeeded.
    pub fn is_up(&self) -> bool {
        !self.down.load(Ordering::Relaxed)
    }

    /// Number of attempts to write that failed.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_are_reported() {
        let health = Health::default();
        assert!(health.is_up() && !health.succeeded());
        assert!(health.failed() && !health.failed());
        assert!(!health.is_up());
        assert!(health.succeeded() && !health.succeeded());
        assert!(health.is_up());
        assert_eq!(health.failures(), 2);
    }
}
