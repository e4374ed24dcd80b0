//! Traces in a directory: existing files and new ones.
//!
//! Events of the operating system make detection fast. A periodic scan of the
//! whole directory makes it reliable where events are missing: network file
//! systems, full queues, swapped volumes.

mod after;
mod changes;
mod config;
mod look;
mod pattern;
mod retention;
mod root;
mod scan;
mod settle;
mod shelf;
mod stamp;
mod trace;
mod watch;
mod watches;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use self::watch::Watch;
use crate::labels::{Labels, WATCH};

pub use after::After;
pub use config::WatchConfig;
pub use pattern::{Pattern, PatternError};
pub use retention::Retention;
pub use root::Root;
pub use scan::may_be_trace;
pub use settle::Fate;
pub use shelf::Shelf;
pub use stamp::Stamp;
pub use trace::{Answer, FileTrace, Pushed};
pub use watches::{Health, Watches};

/// Default time without changes after which a truncated file is final.
pub const INCOMPLETE_AFTER: Duration = Duration::from_secs(600);

/// Why a directory can't be watched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// The directory can't be read.
    #[error("cannot watch {}: {error}", .directory.display())]
    Unreadable {
        /// The directory.
        directory: PathBuf,
        /// Error of the system.
        #[source]
        error: io::Error,
    },
    /// A retention that would have no effect.
    #[error("cannot watch {}: only files that are moved afterwards have a retention", .0.display())]
    Retention(PathBuf),
}

/// Settings of a watched directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Directory {
    /// The directory; everything below it belongs to it.
    pub root: Arc<Root>,
    /// Labels of its traces.
    pub labels: Arc<Labels>,
    /// Time without changes after which a file is complete, where no event
    /// reports that it was closed.
    pub settle: Duration,
    /// Time without changes after which a truncated file is abandoned, where no
    /// event reports that it was closed.
    pub incomplete_after: Duration,
    /// Interval of full scans.
    pub rescan: Duration,
    /// Interval of full scans without events, for network file systems.
    pub poll: Option<Duration>,
    /// Patterns that extract labels from file names; the first match is used.
    pub patterns: Vec<Pattern>,
    /// Action on files that were analyzed.
    pub after: After,
    /// Retention of moved files.
    pub retention: Retention,
}

impl Directory {
    /// Creates a directory with the default settings. Its traces have the job
    /// `watch` and the configured path as instance, unless `labels` sets them.
    pub fn new(root: impl Into<PathBuf>, labels: Labels) -> Self {
        let root = Root::new(root);
        let instance = root.written().display().to_string();
        Self {
            root: Arc::new(root),
            labels: Arc::new(labels.identified(WATCH, &instance)),
            settle: Duration::from_secs(5),
            incomplete_after: INCOMPLETE_AFTER,
            rescan: Duration::from_secs(30),
            poll: None,
            patterns: Vec::new(),
            after: After::default(),
            retention: Retention::default(),
        }
    }

    /// Checks that the directory can be read and the settings agree.
    ///
    /// # Errors
    /// Returns the reason.
    pub fn check(&self) -> Result<(), WatchError> {
        let directory = || self.root.written().to_path_buf();
        if self.retention.is_bounded() && self.after != After::Move {
            return Err(WatchError::Retention(directory()));
        }
        let read = std::fs::read_dir(self.root.absolute());
        read.map(drop).map_err(|error| WatchError::Unreadable {
            directory: directory(),
            error,
        })
    }

    /// Sends each complete trace to `queue` and the directory's health to
    /// `watches`, until the queue is closed.
    ///
    /// The channel has no bound, since its entries are small and there is one
    /// for each file at most; a bound would only move them elsewhere.
    pub async fn run(self, queue: UnboundedSender<FileTrace>, watches: Arc<Watches>) {
        Watch::new(self, queue, watches).run().await;
    }
}
