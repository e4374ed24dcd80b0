//! Directory of pushed traces that are not analyzed yet.
//!
//! A client is answered once its trace and the labels are on disk. From there on
//! the trace is a file like those of watched directories, deleted after its
//! analysis. A daemon that was killed finds it there when it starts again.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tempfile::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use super::error::SpoolError;
use super::labels::Sender;
use super::place::{Beside, LABELS, PART, Place, TRACE};
use super::settings::Settings;
use crate::backoff::Backoff;
use crate::labels::UPLOAD;
use crate::live::Live;
use crate::source::directory::{Answer, Fate, FileTrace, Pushed, Root};
use crate::storage::create_dir_all;

/// The directory below that of `--storage.path`, and the name in messages.
const NAME: &str = "pushed";
/// Maximum number of waiting traces; `max_waiting` bounds their size.
const TRACES: usize = 1_000;
/// Pauses before a trace that could not be read is analyzed again.
const RETRY: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(64));
/// Pause before a copy of a trace that is being analyzed.
const TAKEN: Duration = Duration::from_secs(1);

/// Pushed traces between arrival and analysis.
pub struct Spool {
    storage: Option<PathBuf>,
    settings: Live<Settings>,
    /// Created with the first trace: a daemon without uploads needs none.
    place: Mutex<Option<Arc<Place>>>,
    /// Traces on their way to the analysis, by their path below the spool.
    waiting: Mutex<HashMap<PathBuf, FileTrace>>,
    /// Bytes of the waiting traces and of those being received.
    pub(super) held: AtomicU64,
    pub(super) number: AtomicU64,
    queue: UnboundedSender<FileTrace>,
    answers: UnboundedSender<Answer>,
    again: Mutex<Option<UnboundedReceiver<Answer>>>,
}

impl Spool {
    /// Spool below the directory of `--storage.path`, or in a temporary directory
    /// that ends with the process. Accepted traces go to `queue`.
    pub fn new(storage: Option<&Path>, queue: UnboundedSender<FileTrace>) -> Self {
        let (answers, again) = unbounded_channel();
        Self {
            storage: storage.map(|directory| directory.join(NAME)),
            settings: Live::default(),
            place: Mutex::default(),
            waiting: Mutex::default(),
            held: AtomicU64::new(0),
            number: AtomicU64::new(0),
            queue,
            answers,
            again: Mutex::new(Some(again)),
        }
    }

    /// Limits in force.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.get()
    }

    /// Replaces the limits.
    pub fn configure(&self, settings: Settings) {
        self.settings.set(settings);
    }

    /// Queues the traces that the last process accepted and did not analyze. Blocks.
    pub fn recover(&self) {
        let left = self.storage.as_ref().filter(|directory| directory.is_dir());
        if left.is_none() {
            return;
        }
        let recovered = self.place().and_then(|place| self.recover_in(&place));
        match recovered {
            Ok(0) => {}
            Ok(traces) => {
                tracing::info!(traces, "pushed traces left by the last process are queued");
            }
            Err(error) => tracing::error!(%error, "cannot read pushed traces of the last process"),
        }
    }

    fn recover_in(&self, place: &Place) -> io::Result<usize> {
        let directory = place.root.absolute();
        let mut traces = 0;
        let mut names: Vec<_> = fs::read_dir(directory)?.collect::<io::Result<_>>()?;
        names.sort_by_key(fs::DirEntry::file_name);
        for entry in names {
            let path = entry.path();
            let extension = path.extension().and_then(|e| e.to_str());
            let stale = match extension {
                Some(TRACE) => match Beside::read(&path) {
                    Some(Beside { labels, reason }) => {
                        let sender = Sender { labels, reason };
                        self.enqueue(place, entry.file_name().into(), &sender, None)?;
                        traces += 1;
                        false
                    }
                    None => true,
                },
                Some(LABELS) => !path.with_extension(TRACE).exists(),
                _ => entry.file_name().to_string_lossy().ends_with(PART),
            };
            if stale {
                fs::remove_file(&path)?;
            }
        }
        Ok(traces)
    }

    /// Queues traces that could not be analyzed again, until `stop`.
    pub async fn follow(self: Arc<Self>, stop: CancellationToken) {
        let again = self.again.lock().take();
        let Some(mut again) = again else { return };
        while let Some(Some(answer)) = stop.run_until_cancelled(again.recv()).await {
            let Some(trace) = self.tried(&answer) else {
                continue;
            };
            let pause = match answer.fate {
                Fate::Taken => TAKEN,
                _ => RETRY.delay(trace.tries),
            };
            let (queue, stop) = (self.queue.clone(), stop.clone());
            tokio::spawn(async move {
                stop.run_until_cancelled(tokio::time::sleep(pause)).await;
                // The queue ends with the process; the trace stays on disk.
                let _ = queue.send(trace);
            });
        }
    }

    fn tried(&self, answer: &Answer) -> Option<FileTrace> {
        let mut waiting = self.waiting.lock();
        let trace = waiting.get_mut(&answer.below)?;
        if answer.fate == Fate::Retry {
            trace.tries = trace.tries.saturating_add(1);
        }
        Some(trace.clone())
    }

    /// Whether as many traces wait as may.
    pub(super) fn is_full(&self, settings: &Settings) -> bool {
        self.waiting.lock().len() >= TRACES
            || self.held.load(Ordering::Relaxed) >= settings.max_waiting
    }

    /// Removes the entries and label files of traces that were analyzed and deleted.
    pub(super) fn sweep(&self, place: &Place) {
        let directory = place.root.absolute();
        let mut waiting = self.waiting.lock();
        let gone = waiting.extract_if(|below, _| {
            let there = fs::symlink_metadata(directory.join(below));
            there.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        });
        for (below, trace) in gone {
            self.held.fetch_sub(trace.length(), Ordering::Relaxed);
            // One that stays is deleted at the next start.
            let _ = fs::remove_file(directory.join(below).with_extension(LABELS));
        }
    }

    pub(super) fn enqueue(
        &self,
        place: &Place,
        below: PathBuf,
        sender: &Sender,
        report: Option<u64>,
    ) -> io::Result<()> {
        let pushed = Pushed {
            reason: sender.reason.clone(),
            report,
        };
        let labels = sender.labels.clone();
        let labels = Arc::new(labels.identified(UPLOAD, UPLOAD));
        let (root, answers) = (Arc::clone(&place.root), self.answers.clone());
        let trace = FileTrace::pushed(root, below.clone(), labels, pushed, answers)?;
        if report.is_none() {
            self.held.fetch_add(trace.length(), Ordering::Relaxed);
        }
        self.waiting.lock().insert(below, trace.clone());
        // Without a queue the process ends; the next one finds the trace.
        let _ = self.queue.send(trace);
        Ok(())
    }

    pub(super) fn place(&self) -> io::Result<Arc<Place>> {
        let mut place = self.place.lock();
        if let Some(place) = &*place {
            return Ok(Arc::clone(place));
        }
        let (directory, temporary) = match &self.storage {
            Some(directory) => (directory.clone(), None),
            None => {
                let temporary = Builder::new().prefix("gotracer-pushed-").tempdir()?;
                (temporary.path().into(), Some(temporary))
            }
        };
        create_dir_all(&directory)?;
        let new = Arc::new(Place {
            root: Arc::new(Root::named(NAME, directory)),
            _temporary: temporary,
        });
        *place = Some(Arc::clone(&new));
        Ok(new)
    }

    pub(super) fn disk(&self, error: io::Error) -> SpoolError {
        let directory = match &self.storage {
            Some(directory) => directory.display().to_string(),
            None => "a temporary directory, since there is no --storage.path".into(),
        };
        SpoolError::Disk { directory, error }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Receipt;
    use super::*;
    use crate::labels::Labels;

    fn spool(storage: &Path, max_waiting: u64) -> (Arc<Spool>, UnboundedReceiver<FileTrace>) {
        let (queue, queued) = unbounded_channel();
        let spool = Spool::new(Some(storage), queue);
        spool.configure(Settings {
            max_size: 20,
            max_waiting,
            ..Settings::default()
        });
        (Arc::new(spool), queued)
    }

    fn push(spool: &Arc<Spool>, trace: &[u8]) -> Result<(), SpoolError> {
        let mut receipt = Receipt::begin(spool)?;
        receipt.fill(trace)?;
        let sender = Sender {
            labels: Labels::new().with("service", "shop"),
            reason: Some("slow".into()),
        };
        receipt.accept(&sender, 7).map(drop)
    }

    fn names(storage: &Path) -> usize {
        fs::read_dir(storage.join(NAME)).unwrap().count()
    }

    #[test]
    fn an_accepted_trace_survives_the_process() {
        let storage = tempfile::tempdir().unwrap();
        let (first, mut queued) = spool(storage.path(), 100);
        first.recover();
        push(&first, b"a trace").unwrap();
        let trace = queued.try_recv().unwrap();
        assert_eq!(trace.labels.get("service"), "shop");
        let pushed = trace.pushed.as_ref().unwrap();
        assert_eq!(
            (pushed.reason.as_deref(), pushed.report),
            (Some("slow"), Some(7))
        );
        assert!(trace.source().starts_with("pushed/2"), "{}", trace.source());
        // One that broke off when the process died.
        fs::write(storage.path().join("pushed/x.part"), "half").unwrap();
        drop(first);
        let (second, mut queued) = spool(storage.path(), 100);
        second.recover();
        let again = queued.try_recv().unwrap();
        assert_eq!(again.labels, trace.labels);
        assert_eq!(again.source(), trace.source());
        assert_eq!(
            again.pushed.as_ref().unwrap().reason.as_deref(),
            Some("slow")
        );
        assert!(again.open().unwrap().is_some());
        assert!(queued.try_recv().is_err());
        assert_eq!(names(storage.path()), 2);
        assert_eq!(second.held.load(Ordering::Relaxed), 7);
    }

    #[test]
    fn limits_hold_until_traces_are_analyzed() {
        let storage = tempfile::tempdir().unwrap();
        let (spool, mut queued) = spool(storage.path(), 30);
        assert!(matches!(
            push(&spool, &[7; 21]),
            Err(SpoolError::TooLarge(20))
        ));
        push(&spool, &[7; 20]).unwrap();
        assert!(matches!(push(&spool, &[7; 11]), Err(SpoolError::Full)));
        push(&spool, &[8; 10]).unwrap();
        assert!(matches!(Receipt::begin(&spool), Err(SpoolError::Full)));
        let trace = queued.try_recv().unwrap();
        trace
            .put_away(crate::source::directory::Shelf::Done)
            .unwrap();
        push(&spool, &[9; 20]).unwrap();
        // Two traces and the labels of each.
        assert_eq!(names(storage.path()), 4);
    }

    #[tokio::test]
    async fn a_trace_that_cannot_be_read_now_is_offered_again() {
        let storage = tempfile::tempdir().unwrap();
        let (spool, mut queued) = spool(storage.path(), 100);
        let stop = CancellationToken::new();
        let follows = tokio::spawn(Arc::clone(&spool).follow(stop.clone()));
        push(&spool, b"a trace").unwrap();
        let trace = queued.recv().await.unwrap();
        trace.retry();
        let again = queued.recv().await.unwrap();
        assert_eq!((again.source(), again.tries), (trace.source(), 1));
        stop.cancel();
        follows.await.unwrap();
    }

    #[test]
    fn without_storage_the_spool_ends_with_the_process() {
        let (queue, mut queued) = unbounded_channel();
        let spool = Arc::new(Spool::new(None, queue));
        spool.recover();
        push(&spool, b"a trace").unwrap();
        let trace = queued.try_recv().unwrap();
        assert!(trace.open().unwrap().is_some());
        drop(spool);
        assert!(trace.open().is_err());
    }
}
