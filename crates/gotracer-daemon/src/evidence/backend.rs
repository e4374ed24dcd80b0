//! Backends of evidence: a directory or a bucket.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use super::bucket::Bucket;
use super::disk::Disk;
use super::error::EvidenceError;
use super::item::Item;
use super::recording::Recording;
use super::settings::Settings;
use super::stats::Stats;

/// Backend of traces and their documents.
#[derive(Debug)]
pub(super) enum Backend {
    /// Directory.
    Disk(Arc<Disk>),
    /// Bucket with a directory for waiting traces.
    Bucket(Bucket),
}

impl Backend {
    /// Opens the backend of the settings, if there is one, and lists its traces, oldest first.
    /// Shares the directory with `before` if both have the same one.
    pub(super) fn open(
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
        let (disk, items) = Disk::list(directory, stats, before)?;
        Ok(Some((Self::Disk(disk), items)))
    }

    /// Starts a recording of at most `limit` bytes.
    pub(super) fn record(&self, limit: u64) -> io::Result<Recording> {
        self.disk().record(limit)
    }

    /// Writes a trace and its document.
    pub(super) fn put(&self, item: &Item, trace: Recording, document: &[u8]) -> io::Result<()> {
        self.disk().put(item, trace, document)?;
        if let Self::Bucket(bucket) = self {
            bucket.upload(item);
        }
        Ok(())
    }

    /// Deletes a trace and its document.
    pub(super) fn delete(&self, item: &Item) {
        match self {
            Self::Disk(disk) => disk.delete(item),
            Self::Bucket(bucket) => bucket.delete(item),
        }
    }

    /// Reader of a file. Blocks.
    pub(super) fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Self::Disk(disk) => Ok(Box::new(File::open(disk.path(name))?)),
            Self::Bucket(bucket) => bucket.read(name),
        }
    }

    /// Returns the traces that were found since the last call.
    pub(super) fn found(&self) -> Vec<Item> {
        match self {
            Self::Disk(_) => Vec::new(),
            Self::Bucket(bucket) => bucket.found(),
        }
    }

    /// Removes the oldest waiting traces if more bytes wait than the settings allow.
    pub(super) fn give_up(&self, settings: &Settings) -> Vec<Item> {
        match self {
            Self::Disk(_) => Vec::new(),
            Self::Bucket(bucket) => bucket.give_up(settings.max_waiting_bytes),
        }
    }

    /// Waits for pending uploads, at most `longest`. Returns the number of traces that are lost.
    pub(super) fn flush(&self, longest: Duration) -> usize {
        match self {
            Self::Disk(_) => 0,
            Self::Bucket(bucket) => bucket.flush(longest),
        }
    }

    /// Returns whether a trace exists. A bucket is not asked.
    pub(super) fn has(&self, item: &Item) -> bool {
        match self {
            Self::Disk(disk) => disk.has(item),
            Self::Bucket(_) => true,
        }
    }

    /// Records a failed write.
    pub(super) fn failed(&self, error: &dyn fmt::Display) {
        self.disk().failed(error);
    }

    /// Creates the directory again if it was deleted, and tries to write if the last write failed.
    pub(super) fn check(&self) -> io::Result<()> {
        self.disk().check()
    }

    fn disk(&self) -> &Arc<Disk> {
        match self {
            Self::Disk(disk) => disk,
            Self::Bucket(bucket) => bucket.disk(),
        }
    }
}
