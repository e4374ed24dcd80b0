//! Evidence in a directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::item::{DOCUMENT, Item};
use super::recording::Recording;

/// The ending of what is not complete.
const PARTIAL: &str = "partial";

/// A directory with traces and their documents.
#[derive(Debug)]
pub struct Disk {
    directory: PathBuf,
    recordings: AtomicU64,
}

impl Disk {
    /// The directory, and what it holds, the oldest first; what was not
    /// complete is deleted.
    ///
    /// # Errors
    /// If it can't be used.
    pub fn open(directory: &Path) -> io::Result<(Self, Vec<Item>)> {
        fs::create_dir_all(directory)?;
        let mut items = Vec::new();
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            match path.extension().and_then(|e| e.to_str()) {
                Some(PARTIAL) => fs::remove_file(&path)?,
                Some(DOCUMENT) => {
                    let name = path.file_name().and_then(|n| n.to_str());
                    items.extend(Item::read(&fs::read(&path)?, name.unwrap_or_default()));
                }
                _ => {}
            }
        }
        items.sort_by_key(|item| item.time);
        let disk = Self {
            directory: directory.into(),
            recordings: AtomicU64::new(0),
        };
        Ok((disk, items))
    }

    /// Begins a recording.
    ///
    /// # Errors
    /// If its file can't be made.
    pub fn record(&self) -> io::Result<Recording> {
        let number = self.recordings.fetch_add(1, Ordering::Relaxed);
        Recording::create(self.directory.join(format!("{number}.{PARTIAL}")))
    }

    /// Puts a trace there, and its document last: a trace without one is not
    /// complete.
    ///
    /// # Errors
    /// If one of them can't be; then neither is there.
    pub fn put(&self, item: &Item, trace: Recording, document: &[u8]) -> io::Result<()> {
        let path = self.path(&item.file);
        trace.keep(&path)?;
        write(&self.path(&item.document()), document).inspect_err(|_| {
            let _ = fs::remove_file(&path);
        })
    }

    /// Deletes both.
    pub fn delete(&self, item: &Item) {
        for name in [item.document(), item.file.clone()] {
            let path = self.path(&name);
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(file = %path.display(), %error, "cannot delete old evidence");
            }
        }
    }

    /// Where a file is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// Writes a file that is there as a whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".");
    partial.push(PARTIAL);
    fs::write(&partial, bytes)?;
    fs::rename(&partial, path)
}
