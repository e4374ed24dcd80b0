//! Evidence in a bucket, by way of a directory.
//!
//! Traces stay in the directory until they are uploaded. So a bucket that is slow or down delays no
//! capture, and gets all traces when it is back. A new process uploads the traces that the last one
//! left in the directory.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tempfile::TempDir;

use super::disk::Disk;
use super::error::EvidenceError;
use super::item::Item;
use super::stats::Stats;
use super::upload_queue::{Queue, Shared, UploadJob};
use super::uploader;
use crate::objects::{Failure, Location, Store};

/// Bucket, and the directory of traces that wait to be uploaded.
pub(super) struct Bucket(Arc<Shared>);

impl Bucket {
    /// Opens a bucket and lists the traces that wait in its directory. Shares the directory with
    /// the backend `before` if both have the same one.
    pub(super) fn open(
        location: &Location,
        directory: Option<&Path>,
        stats: &Arc<Stats>,
        before: Option<&Arc<Disk>>,
    ) -> Result<(Self, Vec<Item>), EvidenceError> {
        let store = Store::open(location.clone())?;
        let (own, (disk, items)) = match directory {
            Some(path) => (None, Disk::list(path, stats, before)?),
            None => {
                let own = TempDir::with_prefix("gotracer-").map_err(EvidenceError::Temporary)?;
                let opened = Disk::list(own.path(), stats, None)?;
                (Some(own), opened)
            }
        };
        let shared = Arc::new(Shared {
            store,
            disk,
            inherited: items.iter().map(Item::size).sum(),
            stats: Arc::clone(stats),
            own,
            queue: Mutex::new(Queue {
                jobs: items.iter().cloned().map(UploadJob::Put).collect(),
                ..Queue::default()
            }),
            changed: Condvar::new(),
        });
        shared.count(&shared.lock());
        uploader::start(&shared).map_err(EvidenceError::Thread)?;
        Ok((Self(shared), items))
    }

    /// The directory.
    pub(super) fn disk(&self) -> &Arc<Disk> {
        &self.0.disk
    }

    /// Uploads a trace of the directory.
    pub(super) fn upload(&self, item: &Item) {
        self.0.add(UploadJob::Put(item.clone()));
    }

    /// Deletes a trace in the bucket, or one that waits to be uploaded.
    pub(super) fn delete(&self, item: &Item) {
        if self.0.withdraw(item) {
            self.0.disk.delete(item);
        } else {
            self.0.add(UploadJob::Delete(item.clone()));
        }
    }

    /// Reader of a file. Blocks.
    pub(super) fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        match File::open(self.0.disk.path(name)) {
            Ok(file) => Ok(Box::new(file)),
            Err(_) => match self.0.store.read(name) {
                Ok(object) => Ok(Box::new(object)),
                Err(error) => Err(io::Error::new(kind(error.failure()), error)),
            },
        }
    }

    /// Returns the traces that were found in the bucket since the last call.
    pub(super) fn found(&self) -> Vec<Item> {
        std::mem::take(&mut self.0.lock().found)
    }

    /// Removes the oldest waiting traces until at most `most` bytes wait.
    pub(super) fn give_up(&self, most: u64) -> Vec<Item> {
        let most = most.max(self.0.inherited);
        let mut excess = Vec::new();
        {
            let queue = self.0.lock();
            let mut left: u64 = queue.waiting().map(Item::size).sum();
            for item in queue.waiting() {
                if left <= most {
                    break;
                }
                left -= item.size();
                excess.push(item.clone());
            }
        }
        excess.iter().for_each(|item| self.delete(item));
        excess
    }

    /// Waits for pending uploads, at most `longest`. Returns the number of traces that are lost:
    /// those in a temporary directory.
    pub(super) fn flush(&self, longest: Duration) -> usize {
        let until = Instant::now() + longest;
        let mut queue = self.0.lock();
        while !queue.jobs.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.0.changed.wait_for(&mut queue, left);
        }
        match self.0.own {
            Some(_) => queue.waiting().count(),
            None => 0,
        }
    }
}

/// Maps a bucket's error to the matching kind of file error.
fn kind(failure: Failure) -> io::ErrorKind {
    match failure {
        Failure::Missing => io::ErrorKind::NotFound,
        Failure::Denied | Failure::Credentials => io::ErrorKind::PermissionDenied,
        _ => io::ErrorKind::Other,
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_all();
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.store.location())
    }
}

#[cfg(all(test, feature = "s3"))]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::labels::Labels;
    use crate::report::sample;
    use jiff::Timestamp;

    /// Bucket without a thread.
    fn shared(own: Option<TempDir>) -> (TempDir, Shared) {
        let directory = tempfile::tempdir().unwrap();
        let location: Location = "s3://traces/evidence".parse().unwrap();
        let shared = Shared {
            store: Store::with(location, []).unwrap(),
            disk: Arc::new(Disk::open(directory.path(), &Arc::default()).unwrap()),
            inherited: 0,
            stats: Arc::default(),
            own,
            queue: Mutex::default(),
            changed: Condvar::new(),
        };
        (directory, shared)
    }

    /// Notes that a trace is kept.
    fn kept(bucket: &Bucket, second: i64) -> Item {
        let report = sample::eventful("a");
        let at = Timestamp::from_second(second).unwrap();
        let item = Item {
            bytes: 10,
            ..Item::new(&Labels::new(), &report, at, "alert A", 0)
        };
        let recording = bucket.disk().record(1_000).unwrap();
        bucket.disk().put(&item, recording, b"{}").unwrap();
        bucket.upload(&item);
        item
    }

    fn files(directory: &TempDir) -> usize {
        std::fs::read_dir(directory.path()).unwrap().count()
    }

    #[test]
    fn what_is_there_is_no_longer_in_the_directory() {
        let (directory, shared) = shared(None);
        let bucket = Bucket(Arc::new(shared));
        let item = kept(&bucket, 1);
        assert_eq!(bucket.0.stats.waiting_bytes.load(Ordering::Relaxed), 10);
        let job = bucket.0.next().unwrap();
        assert_eq!((&job, files(&directory)), (&UploadJob::Put(item), 2));
        bucket.0.done(&job);
        assert_eq!(files(&directory), 0);
        assert_eq!(bucket.0.stats.waiting_bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn what_is_deleted_while_it_is_on_its_way_does_not_stay_there() {
        let (directory, shared) = shared(None);
        let bucket = Bucket(Arc::new(shared));
        let (item, other) = (kept(&bucket, 1), kept(&bucket, 2));
        let job = bucket.0.next().unwrap();
        bucket.delete(&item);
        assert_eq!(files(&directory), 2);
        bucket.0.done(&job);
        let job = bucket.0.next().unwrap();
        assert_eq!(job, UploadJob::Put(other));
        bucket.0.done(&job);
        assert_eq!(bucket.0.next(), Some(UploadJob::Delete(item)));
    }

    #[test]
    fn who_may_not_delete_may_still_write() {
        let (_directory, shared) = shared(None);
        let bucket = Bucket(Arc::new(shared));
        let item = kept(&bucket, 1);
        bucket.0.done(&UploadJob::Put(item.clone()));
        bucket.delete(&item);
        let other = kept(&bucket, 2);
        let delete = bucket.0.next().unwrap();
        assert_eq!(delete, UploadJob::Delete(item));
        bucket.0.put_off(&delete);
        assert_eq!(bucket.0.next(), Some(UploadJob::Put(other.clone())));
        // A failed upload keeps its position in the queue.
        bucket.0.put_off(&UploadJob::Put(other.clone()));
        assert_eq!(bucket.0.next(), Some(UploadJob::Put(other)));
    }

    #[test]
    fn the_oldest_are_given_up() {
        let (directory, shared) = shared(None);
        let bucket = Bucket(Arc::new(shared));
        let items = [1, 2, 3].map(|second| kept(&bucket, second));
        assert_eq!(bucket.give_up(30), []);
        assert_eq!(bucket.give_up(15), items[..2]);
        assert_eq!(files(&directory), 2);
        assert!(bucket.read(&items[2].file).is_ok());
    }

    #[test]
    fn what_nobody_else_will_find_is_brought_there_at_the_end() {
        let own = tempfile::tempdir().unwrap();
        for own in [None, Some(own)] {
            let (_directory, shared) = shared(own);
            let shared = Arc::new(shared);
            let lost = shared.own.is_some();
            let bucket = Bucket(Arc::clone(&shared));
            let item = kept(&bucket, 1);
            assert_eq!(bucket.flush(Duration::ZERO), usize::from(lost));
            drop(bucket);
            assert_eq!(shared.next(), lost.then(|| UploadJob::Put(item.clone())));
            shared.done(&UploadJob::Put(item));
            assert_eq!(shared.next(), None);
            assert!(!shared.rest(Duration::from_secs(60)));
        }
    }
}
