//! Traces in a directory: those already there, and those that come.
//!
//! Events of the operating system are hints that make it fast; a look at the
//! whole directory now and then makes it right, whatever events were lost or
//! never came (network file systems, full queues, volumes that are swapped).

mod changes;
mod scan;
mod settle;
mod stamp;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use self::changes::{Batch, Change, Changes};
use self::settle::Settler;
use crate::labels::Labels;

pub use stamp::Stamp;

/// Why a directory can't be watched.
#[derive(Debug, thiserror::Error)]
#[error("cannot watch {}: {error}", .directory.display())]
pub struct WatchError {
    directory: PathBuf,
    #[source]
    error: io::Error,
}

/// A trace that is complete.
#[derive(Clone, Debug)]
pub struct FileTrace {
    /// Where it is.
    pub path: PathBuf,
    /// Which state of the file is meant.
    pub stamp: Stamp,
    /// Who it is of.
    pub labels: Arc<Labels>,
}

/// What to watch and how.
#[derive(Clone, Debug)]
pub struct Directory {
    /// The directory; everything below it belongs to it.
    pub root: PathBuf,
    /// Who its traces are of.
    pub labels: Arc<Labels>,
    /// For how long a file must stand still to be complete, where no event
    /// tells.
    pub settle: Duration,
    /// How often to look at everything.
    pub rescan: Duration,
}

impl Directory {
    /// A directory with the usual patience.
    pub fn new(root: impl Into<PathBuf>, labels: Labels) -> Self {
        Self {
            root: root.into(),
            labels: Arc::new(labels),
            settle: Duration::from_secs(5),
            rescan: Duration::from_secs(30),
        }
    }

    /// Whether it can be read at all.
    ///
    /// # Errors
    /// Says why not.
    pub fn check(&self) -> Result<(), WatchError> {
        let error = |error| WatchError {
            directory: self.root.clone(),
            error,
        };
        std::fs::read_dir(&self.root).map(drop).map_err(error)
    }

    /// Sends each trace when it is complete, until nobody receives them.
    ///
    /// The channel has no bound, since its entries are small and there is one
    /// for each file at most; a bound would only move them elsewhere.
    pub async fn run(self, queue: UnboundedSender<FileTrace>) {
        let mut settler = Settler::new(self.settle);
        let mut changes = None;
        let mut batch = Batch::default();
        let mut scanned: Option<Instant> = None;
        let mut scan_failed = false;
        while !queue.is_closed() {
            let due = scanned.is_none_or(|at| at.elapsed() >= self.rescan);
            if due || batch.rescan {
                // Watching starts before looking, so that nothing is missed
                // in between.
                changes = changes.or_else(|| self.watch());
                let found = self.scan().await;
                match (&found, scan_failed) {
                    (Err(error), false) => {
                        tracing::error!(directory = %self.root.display(), %error, "cannot look into directory");
                    }
                    (Ok(_), true) => {
                        tracing::info!(directory = %self.root.display(), "directory is back");
                    }
                    _ => {}
                }
                scan_failed = found.is_err();
                match found {
                    Ok(found) => apply_scan(&mut settler, found),
                    // What is watched is perhaps no longer what the path names.
                    Err(_) => changes = None,
                }
                scanned = Some(Instant::now());
            }
            apply(&mut settler, std::mem::take(&mut batch.files));
            self.hand_on(&mut settler, &queue);
            batch = self.wait(&settler, changes.as_ref(), scanned).await;
        }
    }

    fn watch(&self) -> Option<Changes> {
        Changes::new(&self.root)
            .inspect_err(|error| {
                tracing::warn!(
                    directory = %self.root.display(),
                    %error,
                    "no events for this directory; it is looked at every {:?} instead",
                    self.rescan
                );
            })
            .ok()
    }

    async fn scan(&self) -> io::Result<Vec<(PathBuf, Stamp)>> {
        let root = self.root.clone();
        let scan = tokio::task::spawn_blocking(move || scan::scan(&root));
        scan.await.map_err(io::Error::other)?
    }

    fn hand_on(&self, settler: &mut Settler, queue: &UnboundedSender<FileTrace>) {
        for (path, stamp) in settler.take_ready(Instant::now()) {
            let trace = FileTrace {
                path,
                stamp,
                labels: Arc::clone(&self.labels),
            };
            if queue.send(trace).is_err() {
                return;
            }
        }
    }

    /// Waits for events, for the next look at files that are not complete, or
    /// for the next look at everything.
    async fn wait(
        &self,
        settler: &Settler,
        changes: Option<&Changes>,
        scanned: Option<Instant>,
    ) -> Batch {
        let rescan_in = self
            .rescan
            .saturating_sub(scanned.map_or(self.rescan, |at| at.elapsed()));
        let unfinished: Vec<PathBuf> = settler.pending().map(Path::to_path_buf).collect();
        let sleep = if unfinished.is_empty() {
            rescan_in
        } else {
            rescan_in.min(self.settle / 4)
        };
        let mut batch = match changes {
            Some(changes) => {
                tokio::select! {
                    () = changes.wait() => {}
                    () = tokio::time::sleep(sleep) => {}
                }
                changes.take()
            }
            None => {
                tokio::time::sleep(sleep).await;
                Batch::default()
            }
        };
        for path in unfinished {
            batch.files.entry(path).or_insert(Change::Touched);
        }
        batch
    }
}

fn apply_scan(settler: &mut Settler, found: Vec<(PathBuf, Stamp)>) {
    let there: HashSet<&Path> = found.iter().map(|(path, _)| path.as_path()).collect();
    settler.retain(|path| there.contains(path));
    let now = Instant::now();
    for (path, stamp) in found {
        settler.saw(path, stamp, now);
    }
}

fn apply(settler: &mut Settler, files: impl IntoIterator<Item = (PathBuf, Change)>) {
    for (path, change) in files {
        match Stamp::of(&path) {
            Ok(Some(stamp)) => {
                settler.saw(path.clone(), stamp, Instant::now());
                match change {
                    Change::Written => settler.written(&path),
                    Change::Finished => settler.finished(&path),
                    Change::Touched | Change::Gone => {}
                }
            }
            Ok(None) | Err(_) => settler.gone(&path),
        }
    }
}
