//! Identity of a file's state.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Length, time of change and inode. They change when a file is written or
/// replaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    inode: u64,
}

impl Stamp {
    /// Returns a file's state, following symbolic links; `None` if it is not a
    /// regular file.
    ///
    /// # Errors
    /// If the file's metadata can't be read.
    pub fn of(path: &Path) -> io::Result<Option<Self>> {
        let metadata = std::fs::metadata(path)?;
        Ok(metadata.is_file().then(|| Self::new(&metadata)))
    }

    /// Returns an open file's state; `None` if it is not a regular file.
    ///
    /// # Errors
    /// If the file's metadata can't be read.
    pub fn of_open(file: &File) -> io::Result<Option<Self>> {
        let metadata = file.metadata()?;
        Ok(metadata.is_file().then(|| Self::new(&metadata)))
    }

    /// Whether another state differs in the time of change alone.
    pub fn only_touched(&self, other: &Self) -> bool {
        (self.length, self.inode) == (other.length, other.inode)
    }

    /// The file's length, bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    fn new(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Self {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            inode,
        }
    }

    /// Returns the time since the last change, by the file's own time; zero if
    /// that lies in the future.
    pub fn age(&self) -> Duration {
        let age = self.modified.and_then(|m| m.elapsed().ok());
        age.unwrap_or_default()
    }

    #[cfg(test)]
    pub(super) fn with_length(length: u64) -> Self {
        Self {
            length,
            modified: None,
            inode: 1,
        }
    }

    #[cfg(test)]
    pub(super) fn modified_at(self, time: SystemTime) -> Self {
        Self {
            modified: Some(time),
            ..self
        }
    }
}
