//! Scans of a watched directory. All functions block.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::changes::{Change, Changes};
use super::root::{Place, Root};
use super::scan::Scope;
use super::stamp::Stamp;

/// Result of a scan. Paths are relative to the directory.
pub(super) enum Sight {
    /// All files that may be traces.
    Everything(Vec<(PathBuf, Stamp)>),
    /// The requested files.
    Files(Vec<(PathBuf, Change, Found)>),
}

/// State of one file.
pub(super) enum Found {
    /// It is in this state.
    There(Stamp),
    /// It is gone, or no longer a regular file.
    Gone,
    /// The file system returned an error.
    Unknown,
}

/// Scanner of a directory, with its events where the file system has them.
pub(super) struct Looker {
    root: Arc<Root>,
    shelves: bool,
    /// Events are not wanted.
    polls: bool,
    /// The directory of the last scan.
    place: Option<Place>,
    /// Its events.
    pub changes: Option<Changes>,
    /// A log message has reported that there are no events.
    deaf: bool,
}

impl Looker {
    /// Creates a scanner; it opens nothing yet.
    pub(super) fn new(root: Arc<Root>, shelves: bool, polls: bool) -> Self {
        Self {
            root,
            shelves,
            polls,
            place: None,
            changes: None,
            deaf: false,
        }
    }

    /// Stats these files, or scans everything on request or if the path leads
    /// to another directory than at the last scan.
    ///
    /// # Errors
    /// If the directory can't be read.
    pub(super) fn look(
        &mut self,
        everything: bool,
        files: HashMap<PathBuf, Change>,
    ) -> io::Result<Sight> {
        let place = self.root.resolve()?;
        let replaced = self.place.as_ref() != Some(&place);
        if replaced {
            // The events belong to a directory that was moved or replaced.
            self.changes = None;
        }
        if !everything && !replaced {
            let look = |(path, change): (PathBuf, Change)| {
                let found = look_at(&place, &path);
                (path, change, found)
            };
            return Ok(Sight::Files(files.into_iter().map(look).collect()));
        }
        let scope = Scope {
            root: place.path.clone(),
            shelves: self.shelves,
        };
        // Watching starts before the scan: a file created in between is seen twice,
        // not missed.
        if self.changes.is_none() && !self.polls {
            self.changes = self.watch(&scope);
        }
        let found = scope.scan()?;
        self.place = Some(place);
        Ok(Sight::Everything(found))
    }

    fn watch(&mut self, scope: &Scope) -> Option<Changes> {
        match Changes::new(scope.clone()) {
            Ok(changes) => {
                self.deaf = false;
                Some(changes)
            }
            Err(error) => {
                if !self.deaf {
                    let directory = self.root.written();
                    tracing::warn!(
                        ?directory,
                        %error,
                        "no events for this directory; all of it is looked at now and then instead"
                    );
                }
                self.deaf = true;
                None
            }
        }
    }
}

fn look_at(place: &Place, below: &Path) -> Found {
    use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
    match Stamp::of(&place.path.join(below)) {
        Ok(Some(stamp)) => Found::There(stamp),
        Ok(None) => Found::Gone,
        Err(e) if matches!(e.kind(), NotFound | NotADirectory | InvalidFilename) => Found::Gone,
        Err(_) => Found::Unknown,
    }
}
