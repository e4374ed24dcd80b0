//! How long the files of traces that were analysed are kept.
//!
//! When there are too many bytes, those in which nothing was found go first,
//! then those that could not be read, and those with findings last; of each,
//! the oldest first. Age is the file's own, so that moving it does not make it
//! young.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use super::after::Shelf;

/// The budget; what is not given has no bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Retention {
    /// How old a file may become.
    pub age: Option<Duration>,
    /// How many bytes all of them may have.
    pub bytes: Option<u64>,
}

struct Kept {
    path: PathBuf,
    shelf: Shelf,
    age: Duration,
    bytes: u64,
}

impl Retention {
    /// Whether anything is ever deleted.
    pub fn is_bounded(self) -> bool {
        self.age.is_some() || self.bytes.is_some()
    }

    /// Deletes what is too much in a watched directory, and tells how many
    /// files that were.
    ///
    /// # Errors
    /// If something could not be read or deleted; the rest is.
    pub fn sweep(self, root: &Path) -> io::Result<usize> {
        let mut kept = Vec::new();
        for shelf in Shelf::ALL {
            let folder = root.join(shelf.folder());
            if folder.is_dir() {
                collect(&folder, shelf, &mut kept)?;
            }
        }
        let doomed = self.doomed(kept);
        let deleted = doomed.iter().map(fs::remove_file);
        let failed = deleted.filter_map(Result::err).next_back();
        failed.map_or(Ok(doomed.len()), Err)
    }

    fn doomed(self, mut kept: Vec<Kept>) -> Vec<PathBuf> {
        let worth = |k: &Kept| match k.shelf {
            Shelf::Done => 0,
            Shelf::Failed => 1,
            Shelf::Findings => 2,
        };
        kept.sort_by_key(|k| (worth(k), std::cmp::Reverse(k.age)));
        let old = |k: &Kept| self.age.is_some_and(|limit| k.age > limit);
        let mut left: u64 = kept.iter().filter(|k| !old(k)).map(|k| k.bytes).sum();
        let mut doomed = Vec::new();
        for k in kept {
            if old(&k) {
                doomed.push(k.path);
            } else if self.bytes.is_some_and(|limit| left > limit) {
                left -= k.bytes;
                doomed.push(k.path);
            }
        }
        doomed
    }
}

fn collect(folder: &Path, shelf: Shelf, kept: &mut Vec<Kept>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            collect(&entry.path(), shelf, kept)?;
        } else {
            let age = metadata.modified().ok().and_then(|m| m.elapsed().ok());
            kept.push(Kept {
                path: entry.path(),
                shelf,
                age: age.unwrap_or_default(),
                bytes: metadata.len(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_go_and_those_with_findings_go_last() {
        let kept = |name: &str, shelf, age, bytes| Kept {
            path: name.into(),
            shelf,
            age: Duration::from_secs(age),
            bytes,
        };
        let files = || {
            vec![
                kept("found", Shelf::Findings, 50, 40),
                kept("new", Shelf::Done, 1, 40),
                kept("old", Shelf::Done, 40, 40),
                kept("failed", Shelf::Failed, 60, 40),
                kept("ancient", Shelf::Findings, 101, 40),
            ]
        };
        let doomed = |age: Option<u64>, bytes| {
            let age = age.map(Duration::from_secs);
            let doomed = Retention { age, bytes }.doomed(files());
            let names = doomed.iter().map(|p| p.display().to_string());
            names.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(doomed(None, None), "");
        assert_eq!(doomed(Some(100), None), "ancient");
        assert_eq!(doomed(Some(100), Some(160)), "ancient");
        assert_eq!(doomed(None, Some(150)), "old new");
        assert_eq!(doomed(Some(100), Some(50)), "old new failed ancient");
    }
}
