//! Files and directories that only their owner may use.
//!
//! Traces and their reports hold names of functions, endpoints and tasks of
//! programs in production.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

/// Creates a directory and its parents, where they are missing, with mode 0700.
///
/// # Errors
/// If one of them cannot be created.
pub fn create_dir_all(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Options for opening a file that get mode 0600 if they create it.
pub fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Identity of a file on its file system. An open file keeps it, a path can get
/// another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// Returns the identity of an open file.
    ///
    /// # Errors
    /// If the file has no metadata.
    pub fn of(file: &File) -> io::Result<Self> {
        Ok(Self::new(&file.metadata()?))
    }

    /// Whether the path still names this file. It does not if the file was
    /// deleted or replaced, or if another file system is mounted there.
    pub fn is_at(self, path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|metadata| Self::new(&metadata) == self)
    }

    #[cfg(unix)]
    fn new(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    #[cfg(not(unix))]
    fn new(_: &Metadata) -> Self {
        Self {
            device: 0,
            inode: 0,
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_the_owner_may_use_them() {
        let directory = tempfile::tempdir().unwrap();
        let deep = directory.path().join("a/b");
        create_dir_all(&deep).unwrap();
        create_dir_all(&deep).unwrap();
        let path = deep.join("file");
        options().write(true).create_new(true).open(&path).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&deep), mode(&path)), (0o700, 0o600));
    }

    #[test]
    fn a_replaced_file_is_another_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let file = File::create(&path).unwrap();
        let id = FileId::of(&file).unwrap();
        assert!(id.is_at(&path));
        std::fs::remove_file(&path).unwrap();
        assert!(!id.is_at(&path));
        let _other = File::create(&path).unwrap();
        assert!(!id.is_at(&path));
    }
}
