//! Retention of analyzed trace files.
//!
//! If the files exceed the size limit, those without findings are deleted first,
//! then those that could not be read, and those with findings last; within each
//! group, the oldest first. A file's age is that of its content: moving the file
//! does not change it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cap_std::fs::{Dir, Metadata};

use super::root::Root;
use super::shelf::{Shelf, device};

/// Limits on the shelves; `None` is no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Retention {
    /// Maximum age of a file.
    pub age: Option<Duration>,
    /// Maximum size of all files, bytes.
    pub bytes: Option<u64>,
}

/// A file on a shelf.
struct Kept {
    shelf: Shelf,
    /// Path below the shelf.
    path: PathBuf,
    age: Duration,
    bytes: u64,
}

impl Retention {
    /// Whether there is a limit.
    pub fn is_bounded(self) -> bool {
        self.age.is_some() || self.bytes.is_some()
    }

    /// Deletes the files of a watched directory's shelves that exceed the limits,
    /// and returns their number. Nothing outside of the directory is deleted, whatever
    /// symbolic links there are.
    ///
    /// # Errors
    /// If a file could not be read or deleted; the others are deleted anyway.
    pub fn sweep(self, root: &Root) -> io::Result<usize> {
        let root = root.open()?;
        let (mut kept, mut shelves) = (Vec::new(), Vec::new());
        let mut failed = None;
        for shelf in Shelf::ALL {
            match shelf.open(&root) {
                Ok(Some(folder)) => {
                    failed = collect(&folder, shelf, &mut kept).err().or(failed);
                    shelves.push((shelf, folder));
                }
                Ok(None) => {}
                Err(error) => failed = Some(error),
            }
        }
        let mut deleted = 0;
        for (shelf, path) in self.doomed(kept) {
            let folder = shelves.iter().find(|(s, _)| *s == shelf);
            match folder.map(|(_, folder)| folder.remove_file(path)) {
                Some(Ok(())) => deleted += 1,
                Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => failed = Some(error),
                _ => {}
            }
        }
        failed.map_or(Ok(deleted), Err)
    }

    fn doomed(self, mut kept: Vec<Kept>) -> Vec<(Shelf, PathBuf)> {
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
                doomed.push((k.shelf, k.path));
            } else if self.bytes.is_some_and(|limit| left > limit) {
                left -= k.bytes;
                doomed.push((k.shelf, k.path));
            }
        }
        doomed
    }
}

/// Collects the files of a shelf. Links count as files, and directories of other
/// file systems are left alone.
///
/// # Errors
/// If a directory could not be read; the others are collected anyway.
fn collect(folder: &Dir, shelf: Shelf, kept: &mut Vec<Kept>) -> io::Result<()> {
    let home = device(&folder.dir_metadata()?);
    let mut directories = vec![PathBuf::new()];
    let mut failed = None;
    while let Some(directory) = directories.pop() {
        let result = list(folder, &directory, |path, metadata| {
            if !metadata.is_dir() {
                let modified = metadata.modified().ok();
                let age = modified.and_then(|m| m.into_std().elapsed().ok());
                kept.push(Kept {
                    shelf,
                    path,
                    age: age.unwrap_or_default(),
                    bytes: metadata.len(),
                });
            } else if device(metadata) == home {
                directories.push(path);
            }
        });
        failed = result.err().or(failed);
    }
    failed.map_or(Ok(()), Err)
}

fn list(
    folder: &Dir,
    directory: &Path,
    mut each: impl FnMut(PathBuf, &Metadata),
) -> io::Result<()> {
    let entries = match directory.as_os_str().is_empty() {
        true => folder.entries()?,
        false => folder.read_dir(directory)?,
    };
    for entry in entries {
        let entry = entry?;
        match entry.metadata() {
            Ok(metadata) => each(directory.join(entry.file_name()), &metadata),
            // Another program deleted it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
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
            let names = doomed.iter().map(|(_, path)| path.display().to_string());
            names.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(doomed(None, None), "");
        assert_eq!(doomed(Some(100), None), "ancient");
        assert_eq!(doomed(Some(100), Some(160)), "ancient");
        assert_eq!(doomed(None, Some(150)), "old new");
        assert_eq!(doomed(Some(100), Some(50)), "old new failed ancient");
    }

    #[test]
    #[cfg(unix)]
    fn nothing_outside_of_the_directory_is_deleted() {
        use std::fs;
        use std::os::unix::fs::symlink;
        let scratch = tempfile::tempdir().unwrap();
        let (root, victim) = (scratch.path().join("in"), scratch.path().join("victim"));
        fs::create_dir_all(root.join("findings/sub")).unwrap();
        fs::create_dir(&victim).unwrap();
        fs::write(victim.join("database.db"), "precious").unwrap();
        fs::write(root.join("findings/sub/old.trace"), "old").unwrap();
        symlink(&victim, root.join("done")).unwrap();
        symlink(&victim, root.join("findings/link")).unwrap();
        fs::hard_link(victim.join("database.db"), root.join("findings/hard")).unwrap();
        let everything = Retention {
            age: None,
            bytes: Some(0),
        };
        let error = everything.sweep(&Root::new(&root)).unwrap_err();
        assert!(error.to_string().contains("\"done\""), "{error}");
        assert_eq!(
            fs::read_to_string(victim.join("database.db")).unwrap(),
            "precious"
        );
        // The rest is deleted: the links themselves too.
        assert!(!root.join("findings/sub/old.trace").exists());
        assert!(root.join("findings/link").symlink_metadata().is_err());
    }
}
