//! Events of the operating system, collected until the watch takes them.
//!
//! There is one entry per file; memory does not grow with the number
//! of events.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RenameMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::scan::Scope;

/// Whether the operating system has an event for closing a file after writing.
const TELLS_CLOSE: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// The last thing that happened to a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Change {
    /// It is there, or its metadata changed.
    Touched,
    /// It was written to and not closed yet.
    Written,
    /// It was closed after writing, or moved into place.
    Finished,
    /// It was deleted or moved away.
    Gone,
}

/// Events since the last batch.
#[derive(Default, Debug)]
pub(super) struct Batch {
    /// By file, as its path below the directory.
    pub files: HashMap<PathBuf, Change>,
    /// Events were lost, or a directory was created: only a full scan finds all
    /// files.
    pub rescan: bool,
    /// The directory was deleted or moved away: no more events will come.
    pub root_gone: bool,
}

#[derive(Default)]
struct Gathered {
    batch: Mutex<Batch>,
    wake: Notify,
}

/// A watched directory.
pub(super) struct Changes {
    gathered: Arc<Gathered>,
    /// Watching ends when it is dropped.
    _watcher: RecommendedWatcher,
}

impl Changes {
    /// Starts watching.
    pub(super) fn new(scope: Scope) -> notify::Result<Self> {
        let gathered = Arc::new(Gathered::default());
        let root = scope.root.clone();
        let gather = {
            let gathered = Arc::clone(&gathered);
            move |event| gathered.add(event, &scope)
        };
        let config = notify::Config::default().with_follow_symlinks(false);
        let mut watcher = RecommendedWatcher::new(gather, config)?;
        watcher.watch(&root, RecursiveMode::Recursive)?;
        Ok(Self {
            gathered,
            _watcher: watcher,
        })
    }

    /// Waits for an event.
    pub(super) async fn wait(&self) {
        self.gathered.wake.notified().await;
    }

    /// Returns the events since the last call.
    pub(super) fn take(&self) -> Batch {
        std::mem::take(&mut *self.gathered.lock())
    }
}

impl Gathered {
    fn lock(&self) -> parking_lot::MutexGuard<'_, Batch> {
        self.batch.lock()
    }

    fn add(&self, event: notify::Result<notify::Event>, scope: &Scope) {
        let mut batch = self.lock();
        match event {
            Ok(event) => batch.add(&event, scope),
            Err(_) => batch.rescan = true,
        }
        if batch.rescan || batch.root_gone || !batch.files.is_empty() {
            self.wake.notify_one();
        }
    }
}

impl Batch {
    fn add(&mut self, event: &notify::Event, scope: &Scope) {
        if event.need_rescan() {
            self.rescan = true;
        }
        for (i, path) in event.paths.iter().enumerate() {
            let Some(change) = change(event.kind, i) else {
                continue;
            };
            // Kubernetes swaps a whole volume by moving one hidden link.
            let swapped = path.file_name().is_some_and(|n| n == "..data");
            let directory = event.kind == EventKind::Create(CreateKind::Folder)
                || change == Change::Finished && path.is_dir();
            if *path == scope.root {
                self.root_gone |= change == Change::Gone;
                self.rescan = true;
            } else if swapped || directory {
                self.rescan = true;
            } else if let Some(below) = scope.candidate(path) {
                self.put(below, change);
            }
        }
    }

    fn put(&mut self, below: PathBuf, change: Change) {
        match self.files.get_mut(&below) {
            // A change of metadata leaves open whether the file is being written.
            Some(known) if change == Change::Touched && *known != Change::Gone => {}
            Some(known) => *known = change,
            None => {
                self.files.insert(below, change);
            }
        }
    }
}

/// Returns the change of an event's `i`th path; `None` for reads.
fn change(kind: EventKind, i: usize) -> Option<Change> {
    Some(match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Change::Finished,
        EventKind::Access(_) => return None,
        EventKind::Modify(ModifyKind::Name(mode)) => match (mode, i) {
            (RenameMode::To, _) | (RenameMode::Both, 1) => Change::Finished,
            (RenameMode::From | RenameMode::Both, _) => Change::Gone,
            _ => Change::Touched,
        },
        EventKind::Modify(ModifyKind::Data(_)) if TELLS_CLOSE => Change::Written,
        EventKind::Remove(_) => Change::Gone,
        _ => Change::Touched,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{DataChange, Event, RemoveKind};
    use std::path::Path;

    fn scope() -> Scope {
        Scope {
            root: "/in".into(),
            shelves: false,
        }
    }

    fn batch(events: &[(EventKind, &[&str])]) -> Batch {
        let mut batch = Batch::default();
        for (kind, paths) in events {
            let mut event = Event::new(*kind);
            for path in *paths {
                event = event.add_path(Path::new("/in").join(path));
            }
            batch.add(&event, &scope());
        }
        batch
    }

    #[test]
    fn a_rename_inside_moves_the_file() {
        let both = EventKind::Modify(ModifyKind::Name(RenameMode::Both));
        let batch = batch(&[(both, &["a.tmp", "a.trace"])]);
        let files: Vec<_> = batch.files.into_iter().collect();
        assert_eq!(files, [("a.trace".into(), Change::Finished)]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_last_word_on_writing_counts() {
        let write = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let close = EventKind::Access(AccessKind::Close(AccessMode::Write));
        let touch = EventKind::Create(CreateKind::File);
        let last = |events: &[EventKind]| {
            let events: Vec<_> = events.iter().map(|&e| (e, &["a"][..])).collect();
            batch(&events).files[Path::new("a")]
        };
        assert_eq!(last(&[touch, write, close]), Change::Finished);
        assert_eq!(last(&[touch, write, close, write]), Change::Written);
        assert_eq!(last(&[write, touch]), Change::Written);
    }

    #[test]
    fn lost_events_and_swapped_volumes_ask_for_a_rescan() {
        let to = EventKind::Modify(ModifyKind::Name(RenameMode::To));
        assert!(batch(&[(to, &["..data"])]).rescan);
        assert!(batch(&[(EventKind::Create(CreateKind::Folder), &["sub"])]).rescan);
        let lost = Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan);
        let mut batch = Batch::default();
        batch.add(&lost, &scope());
        assert!(batch.rescan);
    }

    #[test]
    fn a_directory_that_goes_ends_its_events() {
        let from = EventKind::Modify(ModifyKind::Name(RenameMode::From));
        for kind in [from, EventKind::Remove(RemoveKind::Folder)] {
            assert!(batch(&[(kind, &[""])]).root_gone);
            assert!(!batch(&[(kind, &["sub"])]).root_gone);
        }
    }
}
