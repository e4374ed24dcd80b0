//! Files being read, and detection of reads that hang.
//!
//! A read of a network file system whose server is gone may never return. Its thread is lost, but
//! its permit is given to another file.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::OwnedSemaphorePermit;

use crate::export::Metrics;
use crate::source::activity::Activity;

/// Duration after which a read counts as hanging.
const STALLED: Duration = Duration::from_secs(20);
/// Duration after which a read is not awaited at shutdown.
const NOT_AWAITED: Duration = Duration::from_secs(3);
/// Maximum number of hanging reads that give up their permits. Each of them holds a thread.
const MOST: usize = 64;
/// Interval of the checks.
const PERIOD: Duration = Duration::from_secs(1);

/// File being read.
pub(super) struct Read {
    /// Activity of the reading thread.
    pub activity: Arc<Activity>,
    source: String,
    /// Permit to read, until the read hangs.
    permit: Mutex<Option<OwnedSemaphorePermit>>,
}

/// All files being read.
pub(super) struct Reads {
    all: Mutex<Vec<Weak<Read>>>,
    metrics: Arc<Metrics>,
    stalled: Duration,
}

impl Reads {
    /// Creates an empty list.
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            all: Mutex::default(),
            metrics,
            stalled: STALLED,
        }
    }

    /// Registers a read, which ends when the returned value is dropped.
    pub(super) fn begin(&self, source: String, permit: OwnedSemaphorePermit) -> Arc<Read> {
        let read = Arc::new(Read {
            activity: Arc::default(),
            source,
            permit: Mutex::new(Some(permit)),
        });
        let mut all = self.all.lock();
        all.retain(|read| read.strong_count() > 0);
        all.push(Arc::downgrade(&read));
        read
    }

    /// Takes the permits of hanging reads for other files. Never returns.
    pub(super) async fn watch(&self) {
        loop {
            tokio::time::sleep(PERIOD).await;
            self.look();
        }
    }

    fn look(&self) {
        let stalled: Vec<_> = self.longer_than(self.stalled).collect();
        self.metrics.set_stalled_reads(stalled.len());
        let has_turn = |read: &&Arc<Read>| read.permit.lock().is_some();
        let without = stalled.iter().filter(|read| !has_turn(read)).count();
        let room = MOST.saturating_sub(without);
        for read in stalled.iter().filter(has_turn).take(room) {
            read.permit.lock().take();
            tracing::warn!(
                source = read.source,
                "file read hangs: its file system does not answer; other files are read meanwhile"
            );
        }
    }

    /// Waits until the only reads left are hanging ones, and logs those.
    pub(super) async fn end(&self) {
        loop {
            let running = self.running().count();
            let stalled: Vec<_> = self.longer_than(NOT_AWAITED).collect();
            if running == stalled.len() {
                for read in stalled {
                    tracing::warn!(
                        source = read.source,
                        "file read hangs and is not awaited; the file is read again after a restart"
                    );
                }
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn longer_than(&self, limit: Duration) -> impl Iterator<Item = Arc<Read>> {
        let waits = move |read: &Arc<Read>| read.activity.waits_for().is_some_and(|t| t > limit);
        self.running().filter(waits)
    }

    fn running(&self) -> impl Iterator<Item = Arc<Read>> {
        let all = self.all.lock();
        let running: Vec<_> = all.iter().filter_map(Weak::upgrade).collect();
        running.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use tokio::sync::Semaphore;

    fn reads() -> Reads {
        Reads {
            stalled: Duration::ZERO,
            ..Reads::new(Arc::new(Metrics::new(&[])))
        }
    }

    /// A read that hangs until the sender is dropped.
    fn hang(read: Arc<Read>) -> mpsc::Sender<()> {
        let (end, ended) = mpsc::channel::<()>();
        let (begun, begins) = mpsc::channel();
        std::thread::spawn(move || {
            read.activity.call(|| {
                begun.send(()).unwrap();
                let _ = ended.recv();
            });
        });
        begins.recv().unwrap();
        end
    }

    #[tokio::test]
    async fn reads_that_hang_give_their_turn_to_others() {
        let (reads, turns) = (reads(), Arc::new(Semaphore::new(2)));
        let turn = || Arc::clone(&turns).try_acquire_owned().unwrap();
        let _end = hang(reads.begin("hangs".into(), turn()));
        let computes = reads.begin("computes".into(), turn());
        assert!(turns.try_acquire().is_err());
        tokio::time::sleep(Duration::from_millis(2)).await;
        reads.look();
        assert_eq!(turns.available_permits(), 1);
        drop(computes);
        assert_eq!(turns.available_permits(), 2);
    }

    #[tokio::test]
    async fn threads_are_lost_up_to_a_bound() {
        let (reads, turns) = (reads(), Arc::new(Semaphore::new(MOST + 3)));
        let turn = || Arc::clone(&turns).try_acquire_owned().unwrap();
        let all = (0..MOST + 3).map(|_| hang(reads.begin(String::new(), turn())));
        let _ends: Vec<_> = all.collect();
        tokio::time::sleep(Duration::from_millis(2)).await;
        reads.look();
        reads.look();
        assert_eq!(turns.available_permits(), MOST);
    }

    #[tokio::test]
    async fn the_end_waits_for_reads_that_go_on_and_for_no_others() {
        let (reads, turns) = (Arc::new(reads()), Arc::new(Semaphore::new(2)));
        let turn = || Arc::clone(&turns).try_acquire_owned().unwrap();
        let _end = hang(reads.begin("hangs".into(), turn()));
        let computes = reads.begin("computes".into(), turn());
        let ends = tokio::spawn({
            let reads = Arc::clone(&reads);
            async move { reads.end().await }
        });
        tokio::time::sleep(NOT_AWAITED + Duration::from_millis(200)).await;
        assert!(!ends.is_finished());
        drop(computes);
        ends.await.unwrap();
    }
}
