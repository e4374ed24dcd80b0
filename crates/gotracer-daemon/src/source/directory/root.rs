//! The watched directory itself: its path as the user wrote it, and the
//! directory that the path leads to.

use std::io;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;

/// The path of a watched directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Root {
    written: PathBuf,
    absolute: PathBuf,
}

/// The directory that a root leads to, once all links are followed. Two places
/// differ if the directory was replaced.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// Absolute and without symbolic links, as events of the operating system
    /// name it.
    pub path: PathBuf,
    device: u64,
    inode: u64,
}

impl Root {
    /// Creates a root for a path, which may be relative to the current directory.
    pub fn new(written: impl Into<PathBuf>) -> Self {
        let written = written.into();
        // This fails only for an empty path, which `resolve` rejects.
        let absolute = std::path::absolute(&written).unwrap_or_else(|_| written.clone());
        Self { written, absolute }
    }

    /// Creates a root for a directory of the daemon, with a name for messages.
    pub fn named(name: &str, absolute: PathBuf) -> Self {
        let written = name.into();
        Self { written, absolute }
    }

    /// The path as the user wrote it, for messages and labels.
    pub fn written(&self) -> &Path {
        &self.written
    }

    /// The path to open.
    pub fn absolute(&self) -> &Path {
        &self.absolute
    }

    /// Follows all links.
    ///
    /// # Errors
    /// If the path does not lead to a directory.
    pub fn resolve(&self) -> io::Result<Place> {
        let path = self.absolute.canonicalize()?;
        let metadata = path.metadata()?;
        if !metadata.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        #[cfg(unix)]
        let (device, inode) = {
            use std::os::unix::fs::MetadataExt;
            (metadata.dev(), metadata.ino())
        };
        #[cfg(not(unix))]
        let (device, inode) = (0, 0);
        Ok(Place {
            path,
            device,
            inode,
        })
    }

    /// Opens the directory. Paths below the handle cannot leave it through
    /// symbolic links, even if these change.
    ///
    /// # Errors
    /// If the path does not lead to a directory.
    pub fn open(&self) -> io::Result<Dir> {
        Dir::open_ambient_dir(&self.absolute, ambient_authority())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_root_keeps_its_name_and_leads_to_the_real_directory() {
        let scratch = tempfile::tempdir().unwrap();
        let real = scratch.path().canonicalize().unwrap().join("real");
        fs::create_dir(&real).unwrap();
        let link = scratch.path().join("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        for path in [
            link.clone(),
            link.join(""),
            real.join("."),
            real.join("../link"),
        ] {
            let root = Root::new(&path);
            assert_eq!(root.written(), path);
            assert_eq!(root.resolve().unwrap().path, real, "{}", path.display());
        }
        assert!(Root::new("src/..").absolute().is_absolute());
        fs::write(scratch.path().join("file"), "").unwrap();
        assert!(Root::new(scratch.path().join("file")).resolve().is_err());
    }

    #[test]
    fn a_replaced_directory_is_another_place() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("in");
        fs::create_dir(&path).unwrap();
        let root = Root::new(&path);
        let before = root.resolve().unwrap();
        assert_eq!(root.resolve().unwrap(), before);
        fs::rename(&path, scratch.path().join("old")).unwrap();
        fs::create_dir(&path).unwrap();
        assert_ne!(root.resolve().unwrap(), before);
    }
}
