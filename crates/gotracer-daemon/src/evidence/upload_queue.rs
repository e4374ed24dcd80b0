//! Queue between the store of evidence and the threads that upload to its bucket.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use tempfile::TempDir;

use super::disk::Disk;
use super::item::Item;
use super::stats::Stats;
use crate::objects::Store;

/// State that the bucket's threads share with the store of evidence.
pub(super) struct Shared {
    /// The objects.
    pub store: Store,
    /// Traces that wait to be uploaded.
    pub disk: Arc<Disk>,
    /// Bytes in the directory when the bucket was opened. At least that many may wait, so a new
    /// bucket gets all of them.
    pub inherited: u64,
    /// Counters.
    pub stats: Arc<Stats>,
    /// Temporary directory, if none is configured.
    pub own: Option<TempDir>,
    /// Uploads and deletions.
    pub queue: Mutex<Queue>,
    /// Notified when the queue changes.
    pub changed: Condvar,
}

/// Job of the upload thread.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum UploadJob {
    /// Uploads a trace.
    Put(Item),
    /// Deletes a trace.
    Delete(Item),
}

/// Queue of uploads and deletions.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Pending jobs. The first is in progress, unless its trace was deleted meanwhile.
    pub jobs: VecDeque<UploadJob>,
    /// Traces that the bucket was found to hold.
    pub found: Vec<Item>,
    /// Whether the queue is closed to further jobs.
    pub closed: bool,
}

impl Queue {
    /// Traces that wait to be uploaded, the oldest first.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Item> {
        self.jobs.iter().filter_map(|job| match job {
            UploadJob::Put(item) => Some(item),
            UploadJob::Delete(_) => None,
        })
    }
}

impl Shared {
    /// Waits for the next job. Returns `None` after the queue was closed.
    pub(super) fn next(&self) -> Option<UploadJob> {
        let mut queue = self.lock();
        loop {
            // The next process uploads the traces of a configured directory.
            let enough = queue.closed && (self.own.is_none() || queue.jobs.is_empty());
            if enough {
                return None;
            }
            if let Some(job) = queue.jobs.front() {
                return Some(job.clone());
            }
            self.changed.wait(&mut queue);
        }
    }

    /// Notes that a job succeeded.
    pub(super) fn done(&self, job: &UploadJob) {
        let mut queue = self.lock();
        let wanted = queue.jobs.front() == Some(job);
        match job {
            UploadJob::Put(item) if wanted => self.disk.delete(item),
            // The trace was deleted during its upload.
            UploadJob::Put(item) => queue.jobs.push_back(UploadJob::Delete(item.clone())),
            UploadJob::Delete(_) => {}
        }
        if wanted {
            queue.jobs.pop_front();
        }
        self.count(&queue);
        self.changed.notify_all();
    }

    /// Notes that a job failed. A deletion that is not permitted does not stop uploads.
    pub(super) fn put_off(&self, job: &UploadJob) {
        let mut queue = self.lock();
        if matches!(job, UploadJob::Delete(_)) && queue.jobs.front() == Some(job) {
            queue.jobs.rotate_left(1);
        }
    }

    /// Notes that the bucket holds a trace.
    pub(super) fn find(&self, item: Item) {
        self.lock().found.push(item);
    }

    /// Sleeps for `pause` unless the queue closes. Returns whether to retry.
    pub(super) fn rest(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut queue = self.lock();
        while !queue.closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            self.changed.wait_for(&mut queue, left);
        }
        false
    }

    /// Adds a job.
    pub(super) fn add(&self, job: UploadJob) {
        let mut queue = self.lock();
        queue.jobs.push_back(job);
        self.count(&queue);
        self.changed.notify_all();
    }

    /// Removes an upload that has not started. Returns whether there was one.
    pub(super) fn withdraw(&self, item: &Item) -> bool {
        let mut queue = self.lock();
        let before = queue.jobs.len();
        queue.jobs.retain(|job| match job {
            UploadJob::Put(waiting) => waiting.id != item.id,
            UploadJob::Delete(_) => true,
        });
        self.count(&queue);
        queue.jobs.len() < before
    }

    /// Updates the metric of waiting bytes.
    pub(super) fn count(&self, queue: &Queue) {
        let waiting = queue.waiting().map(Item::size).sum();
        self.stats.waiting_bytes.store(waiting, Ordering::Relaxed);
    }

    /// Locks the queue.
    pub(super) fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock()
    }
}
