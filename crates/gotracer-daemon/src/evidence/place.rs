//! Places of evidence: a directory or a bucket.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::bucket::Bucket;
use super::disk::Disk;
use super::item::Item;
use super::recording::Recording;
use super::settings::Settings;
use super::stats::Stats;
use super::store::EvidenceError;

/// Place of traces and their documents.
#[derive(Debug)]
pub enum Place {
    /// In a directory.
    Disk(Arc<Disk>),
    /// In a bucket, by way of a directory.
    Bucket(Bucket),
}

impl Place {
    /// The place that the settings say, if they do, and what is known to be
    /// there, the oldest first. A place with the same directory as the one
    /// `before` shares it.
    pub fn open(
        settings: &Settings,
        stats: &Arc<Stats>,
        before: Option<&Self>,
    ) -> Result<Option<(Self, Vec<Item>)>, EvidenceError> {
        let before = before.map(Self::disk);
        if let Some(location) = &settings.bucket {
            let directory = settings.directory.as_deref();
            let (bucket, items) = Bucket::open(location, directory, stats, before)?;
            return Ok(Some((Self::Bucket(bucket), items)));
        }
        let Some(directory) = &settings.directory else {
            return Ok(None);
        };
        let (disk, items) = disk(directory, stats, before)?;
        Ok(Some((Self::Disk(disk), items)))
    }

    /// Begins a recording of at most `limit` bytes.
    pub fn record(&self, limit: u64) -> io::Result<Recording> {
        self.disk().record(limit)
    }

    /// Keeps a trace and its document.
    pub fn put(&self, item: &Item, trace: Recording, document: &[u8]) -> io::Result<()> {
        self.disk().put(item, trace, document)?;
        if let Self::Bucket(bucket) = self {
            bucket.carry(item);
        }
        Ok(())
    }

    /// Deletes both.
    pub fn delete(&self, item: &Item) {
        match self {
            Self::Disk(disk) => disk.delete(item),
            Self::Bucket(bucket) => bucket.delete(item),
        }
    }

    /// Reader of a file. Blocks.
    pub fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Self::Disk(disk) => Ok(Box::new(File::open(disk.path(name))?)),
            Self::Bucket(bucket) => bucket.read(name),
        }
    }

    /// Returns the traces that were found there since the last call.
    pub fn found(&self) -> Vec<Item> {
        match self {
            Self::Disk(_) => Vec::new(),
            Self::Bucket(bucket) => bucket.found(),
        }
    }

    /// Gives up what waits to get there and is more than may wait, the oldest
    /// first.
    pub fn give_up(&self, settings: &Settings) -> Vec<Item> {
        match self {
            Self::Disk(_) => Vec::new(),
            Self::Bucket(bucket) => bucket.give_up(settings.max_waiting_bytes),
        }
    }

    /// Waits until everything is there, but no longer than that; how many traces
    /// are lost.
    pub fn flush(&self, longest: Duration) -> usize {
        match self {
            Self::Disk(_) => 0,
            Self::Bucket(bucket) => bucket.flush(longest),
        }
    }

    /// Whether a trace is there, as far as that is known without asking a bucket.
    pub fn has(&self, item: &Item) -> bool {
        match self {
            Self::Disk(disk) => disk.has(item),
            Self::Bucket(_) => true,
        }
    }

    /// Notes a failed write.
    pub fn failed(&self, error: &dyn fmt::Display) {
        self.disk().failed(error);
    }

    /// Creates the directory again if it was deleted, and tries to write if that
    /// failed the last time.
    pub fn check(&self) -> io::Result<()> {
        self.disk().check()
    }

    fn disk(&self) -> &Arc<Disk> {
        match self {
            Self::Disk(disk) => disk,
            Self::Bucket(bucket) => bucket.disk(),
        }
    }
}

/// Opens a directory, or shares it with the place before, and lists what is in
/// it.
pub fn disk(
    path: &Path,
    stats: &Stats,
    before: Option<&Arc<Disk>>,
) -> Result<(Arc<Disk>, Vec<Item>), EvidenceError> {
    let disk = match before.filter(|before| before.is_at(path)) {
        Some(before) => Arc::clone(before),
        None => Arc::new(Disk::open(path, &stats.disk)?),
    };
    let items = disk.items().map_err(|error| EvidenceError::Directory {
        path: path.into(),
        error,
    })?;
    Ok((disk, items))
}
