//! Traces in a directory: those already there, and those that come.
//!
//! Events of the operating system are hints that make it fast; a look at the
//! whole directory now and then makes it right, whatever events were lost or
//! never came (network file systems, full queues, volumes that are swapped).

mod after;
mod changes;
mod config;
mod pattern;
mod retention;
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
use self::pattern::Namer;
use self::scan::Scope;
use self::settle::Settler;
use crate::labels::Labels;

pub use after::{After, Shelf};
pub use config::WatchConfig;
pub use pattern::{Pattern, PatternError};
pub use retention::Retention;
pub use scan::may_be_trace;
pub use stamp::Stamp;

/// Why a directory can't be watched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// It can't be read.
    #[error("cannot watch {}: {error}", .directory.display())]
    Unreadable {
        /// Which.
        directory: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// A budget that nothing would heed.
    #[error("cannot watch {}: only files that are moved afterwards have a retention", .0.display())]
    Retention(PathBuf),
}

/// A trace that is complete.
#[derive(Clone, Debug)]
pub struct FileTrace {
    /// Where it is.
    pub path: PathBuf,
    /// The watched directory it lies in.
    pub root: Arc<Path>,
    /// What to do with it afterwards.
    pub after: After,
    /// Which state of the file is meant.
    pub stamp: Stamp,
    /// Who it is of.
    pub labels: Arc<Labels>,
}

/// What to watch and how.
#[derive(Clone, PartialEq, Eq, Debug)]
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
    /// Don't ask for events, which network file systems don't give, but look
    /// at everything this often.
    pub poll: Option<Duration>,
    /// What names of files tell: the first that fits.
    pub patterns: Vec<Pattern>,
    /// What to do with files that were analysed.
    pub after: After,
    /// How long those are kept that were moved.
    pub retention: Retention,
}

impl Directory {
    /// A directory with the usual patience.
    pub fn new(root: impl Into<PathBuf>, labels: Labels) -> Self {
        Self {
            root: root.into(),
            labels: Arc::new(labels),
            settle: Duration::from_secs(5),
            rescan: Duration::from_secs(30),
            poll: None,
            patterns: Vec::new(),
            after: After::default(),
            retention: Retention::default(),
        }
    }

    /// Whether it can be read at all, and what is said of it makes sense.
    ///
    /// # Errors
    /// Says why not.
    pub fn check(&self) -> Result<(), WatchError> {
        if self.retention.is_bounded() && self.after != After::Move {
            return Err(WatchError::Retention(self.root.clone()));
        }
        let error = |error| WatchError::Unreadable {
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
        let mut namer = Namer::new(self.patterns.clone(), Arc::clone(&self.labels));
        let mut changes = None;
        let mut batch = Batch::default();
        let mut scanned: Option<Instant> = None;
        let mut scan_failed = false;
        while !queue.is_closed() {
            let due = scanned.is_none_or(|at| at.elapsed() >= self.period());
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
            self.hand_on(&mut settler, &mut namer, &queue);
            batch = self.wait(&settler, changes.as_ref(), scanned).await;
        }
    }

    /// How often to look at everything.
    fn period(&self) -> Duration {
        self.poll.unwrap_or(self.rescan)
    }

    fn scope(&self) -> Scope {
        Scope {
            root: self.root.clone(),
            shelves: self.after == After::Move,
        }
    }

    fn watch(&self) -> Option<Changes> {
        if self.poll.is_some() {
            return None;
        }
        Changes::new(self.scope())
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
        let scope = self.scope();
        let scan = tokio::task::spawn_blocking(move || scope.scan());
        scan.await.map_err(io::Error::other)?
    }

    fn hand_on(
        &self,
        settler: &mut Settler,
        namer: &mut Namer,
        queue: &UnboundedSender<FileTrace>,
    ) {
        let root: Arc<Path> = self.root.as_path().into();
        for (path, stamp) in settler.take_ready(Instant::now()) {
            let below = path.strip_prefix(&root).unwrap_or(&path);
            let trace = FileTrace {
                labels: namer.labels(below),
                root: Arc::clone(&root),
                after: self.after,
                path,
                stamp,
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
        let period = self.period();
        let rescan_in = period.saturating_sub(scanned.map_or(period, |at| at.elapsed()));
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
