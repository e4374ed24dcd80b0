//! Detection of system calls that hang.
//!
//! A read of a file on a network file system whose server is gone may never
//! return, and nothing can end it from outside.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::trace::ReadAt;

/// Records the system call that a thread is in.
#[derive(Debug)]
pub struct Activity {
    begun: Instant,
    /// Milliseconds from `begun` to the call that has not returned, plus one; 0
    /// if there is none.
    call: AtomicU64,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            call: AtomicU64::new(0),
        }
    }
}

impl Activity {
    /// Runs a call of the operating system that may hang.
    pub fn call<T>(&self, call: impl FnOnce() -> T) -> T {
        let now = self.begun.elapsed().as_millis() as u64;
        self.call.store(now + 1, Ordering::Relaxed);
        let result = call();
        self.call.store(0, Ordering::Relaxed);
        result
    }

    /// Returns the duration so far of the call that has not returned.
    pub fn waits_for(&self) -> Option<Duration> {
        let since = self.call.load(Ordering::Relaxed).checked_sub(1)?;
        let since = Duration::from_millis(since);
        Some(self.begun.elapsed().saturating_sub(since))
    }
}

/// File whose reads are recorded by an [`Activity`].
#[derive(Clone)]
pub struct Observed {
    file: Arc<File>,
    activity: Arc<Activity>,
}

impl Observed {
    /// Observes a file.
    pub fn new(file: File, activity: Arc<Activity>) -> Self {
        Self {
            file: Arc::new(file),
            activity,
        }
    }
}

impl Read for Observed {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.activity.call(|| (&*self.file).read(buf))
    }
}

impl Seek for Observed {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.activity.call(|| (&*self.file).seek(to))
    }
}

impl ReadAt for Observed {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.activity
            .call(|| ReadAt::read_at(&*self.file, buf, offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_seen_while_it_runs() {
        let activity = Activity::default();
        assert_eq!(activity.waits_for(), None);
        activity.call(|| assert!(activity.waits_for().is_some()));
        assert_eq!(activity.waits_for(), None);
    }
}
