//! Folders in the watched directory for files that were analyzed.
//!
//! Other users may write to the watched directory, and the daemon may have more
//! rights than they have. A shelf must therefore be a real directory on the same
//! file system that belongs to the owner of the watched directory or to the
//! daemon. Through a symbolic link, its author could make the daemon move and
//! delete files in any directory.

use std::io;

use cap_std::fs::{Dir, Metadata};

/// A folder for files that were analyzed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shelf {
    /// Traces without findings.
    Done,
    /// Traces with findings.
    Findings,
    /// Traces that could not be read, or only in part.
    Failed,
}

impl Shelf {
    /// All shelves.
    pub const ALL: [Self; 3] = [Self::Done, Self::Findings, Self::Failed];

    /// The folder's name in the watched directory.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Findings => "findings",
            Self::Failed => "failed",
        }
    }

    /// Opens the folder; `None` if there is none.
    ///
    /// # Errors
    /// If the folder can't be opened, or does not belong to the daemon or the
    /// owner of the watched directory.
    pub(super) fn open(self, root: &Dir) -> io::Result<Option<Dir>> {
        let named = match root.symlink_metadata(self.folder()) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if !named.is_dir() {
            return Err(self.refused("it is not a directory; symbolic links are not followed"));
        }
        let folder = root.open_dir(self.folder())?;
        let (own, above) = (folder.dir_metadata()?, root.dir_metadata()?);
        if !same_directory(&own, &named) {
            return Err(self.refused("it was replaced while it was opened"));
        }
        if device(&own) != device(&above) {
            return Err(self.refused("it is on another file system than the watched directory"));
        }
        if !owner_is_trusted(&own, &above) {
            return Err(self.refused("neither the watched directory's owner nor this user owns it"));
        }
        Ok(Some(folder))
    }

    /// Opens the folder, and makes it first if there is none.
    ///
    /// # Errors
    /// As [`open`](Self::open), or if it can't be made.
    pub(super) fn open_or_make(self, root: &Dir) -> io::Result<Dir> {
        if let Some(folder) = self.open(root)? {
            return Ok(folder);
        }
        match root.create_dir(self.folder()) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        self.open(root)?
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn refused(self, why: &str) -> io::Error {
        io::Error::other(format!(
            "cannot use the folder \"{}\": {why}",
            self.folder()
        ))
    }
}

/// The device that a file is on.
pub(super) fn device(metadata: &Metadata) -> u64 {
    #[cfg(unix)]
    return cap_std::fs::MetadataExt::dev(metadata);
    #[cfg(not(unix))]
    {
        let _ = metadata;
        0
    }
}

#[cfg(unix)]
fn same_directory(a: &Metadata, b: &Metadata) -> bool {
    use cap_std::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn same_directory(a: &Metadata, b: &Metadata) -> bool {
    a.is_dir() == b.is_dir()
}

#[cfg(unix)]
fn owner_is_trusted(folder: &Metadata, root: &Metadata) -> bool {
    use cap_std::fs::MetadataExt;
    let owner = folder.uid();
    owner == root.uid() || owner == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn owner_is_trusted(_: &Metadata, _: &Metadata) -> bool {
    true
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    fn open(path: &Path) -> Dir {
        Dir::open_ambient_dir(path, cap_std::ambient_authority()).unwrap()
    }

    #[test]
    fn a_shelf_is_made_once() {
        let scratch = tempfile::tempdir().unwrap();
        let root = open(scratch.path());
        assert!(Shelf::Done.open(&root).unwrap().is_none());
        Shelf::Done.open_or_make(&root).unwrap();
        Shelf::Done.open_or_make(&root).unwrap();
        assert!(scratch.path().join("done").is_dir());
    }

    #[test]
    fn links_files_and_pipes_are_no_shelves() {
        let scratch = tempfile::tempdir().unwrap();
        let (root, victim) = (scratch.path().join("in"), scratch.path().join("victim"));
        fs::create_dir(&root).unwrap();
        fs::create_dir(&victim).unwrap();
        symlink(&victim, root.join("done")).unwrap();
        symlink("../victim", root.join("findings")).unwrap();
        fs::write(root.join("failed"), "").unwrap();
        for shelf in Shelf::ALL {
            let error = shelf.open_or_make(&open(&root)).unwrap_err().to_string();
            assert!(error.contains("is not a directory"), "{error}");
        }
    }

    #[test]
    fn a_directory_of_another_user_is_no_shelf() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("done");
        fs::create_dir(&folder).unwrap();
        // Only root gives directories away.
        if std::os::unix::fs::chown(&folder, Some(12_345), None).is_err() {
            return;
        }
        let error = Shelf::Done.open(&open(scratch.path())).unwrap_err();
        assert!(error.to_string().contains("owns it"), "{error}");
        // It may belong to the owner of the watched directory.
        std::os::unix::fs::chown(scratch.path(), Some(12_345), None).unwrap();
        assert!(Shelf::Done.open(&open(scratch.path())).unwrap().is_some());
    }
}
