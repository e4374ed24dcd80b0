//! Looking at a watched directory. All of this blocks.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::changes::{Change, Changes};
use super::root::{Place, Root};
use super::scan::Scope;
use super::stamp::Stamp;

/// Result of a look. Files are named by their paths below the directory.
pub enum Sight {
    /// All files that may be traces.
    Everything(Vec<(PathBuf, Stamp)>),
    /// Only those that were asked for.
    Files(Vec<(PathBuf, Change, Found)>),
}

/// State of one file.
pub enum Found {
    /// It is in this state.
    There(Stamp),
    /// It is gone, or no longer a regular file.
    Gone,
    /// It can't be looked at now.
    Unknown,
}

/// Looks at a directory and has events of it, if it gives any.
pub struct Looker {
    root: Arc<Root>,
    shelves: bool,
    /// Events are not wanted.
    polls: bool,
    /// The directory that was looked at last.
    place: Option<Place>,
    /// Its events.
    pub changes: Option<Changes>,
    /// The log says that there are no events.
    deaf: bool,
}

impl Looker {
    /// One that has not looked yet.
    pub fn new(root: Arc<Root>, shelves: bool, polls: bool) -> Self {
        Self {
            root,
            shelves,
            polls,
            place: None,
            changes: None,
            deaf: false,
        }
    }

    /// Looks at these files, or at everything if that is asked for or the
    /// directory is not the one of the last look.
    ///
    /// # Errors
    /// If the directory can't be looked into.
    pub fn look(&mut self, everything: bool, files: HashMap<PathBuf, Change>) -> io::Result<Sight> {
        let place = self.root.resolve()?;
        let replaced = self.place.as_ref() != Some(&place);
        if replaced {
            // The events are of a directory that is elsewhere now.
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
        // Watching starts first: a file that comes in between is seen twice, not missed.
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
