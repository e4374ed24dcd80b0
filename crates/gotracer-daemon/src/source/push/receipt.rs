//! A pushed trace while it is received.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use tempfile::{Builder, NamedTempFile};

use super::error::SpoolError;
use super::labels::Sender;
use super::place::{Beside, LABELS, PART, Place, TRACE};
use super::settings::Settings;
use super::spool::Spool;
use crate::storage::options;

/// Trace that is being received. It is deleted unless it is accepted.
pub struct Receipt {
    file: NamedTempFile,
    place: Arc<Place>,
    spool: Arc<Spool>,
    settings: Arc<Settings>,
    bytes: u64,
}

/// A trace on disk, and the number of its report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// Number of its report, once it is analyzed.
    pub report: u64,
    /// Size, bytes.
    pub bytes: u64,
}

impl Receipt {
    /// Begins to receive a trace into a spool. Blocks.
    ///
    /// # Errors
    /// If too many traces wait, or the spool cannot be written.
    pub fn begin(spool: &Arc<Spool>) -> Result<Self, SpoolError> {
        let place = spool.place().map_err(|error| spool.disk(error))?;
        spool.sweep(&place);
        let settings = spool.settings();
        if spool.is_full(&settings) {
            return Err(SpoolError::Full);
        }
        let mut builder = Builder::new();
        let file = builder.prefix("").suffix(PART);
        let file = file.tempfile_in(place.root.absolute());
        let file = file.map_err(|error| spool.disk(error))?;
        Ok(Self {
            file,
            place,
            spool: Arc::clone(spool),
            settings,
            bytes: 0,
        })
    }

    /// Reads the trace from a client. Blocks.
    ///
    /// # Errors
    /// If the client breaks off, a limit is reached, or the disk is full.
    pub fn fill(&mut self, mut from: impl Read) -> Result<(), SpoolError> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = from.read(&mut buffer).map_err(SpoolError::Client)?;
            if read == 0 {
                return Ok(());
            }
            self.bytes += read as u64;
            let held = self.spool.held.fetch_add(read as u64, Ordering::Relaxed);
            if self.bytes > self.settings.max_size {
                return Err(SpoolError::TooLarge(self.settings.max_size));
            }
            if held + read as u64 > self.settings.max_waiting {
                return Err(SpoolError::Full);
            }
            let written = self.file.write_all(&buffer[..read]);
            written.map_err(|error| self.spool.disk(error))?;
        }
    }

    /// The file, from its start.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn file(&mut self) -> io::Result<&mut File> {
        let file = self.file.as_file_mut();
        file.rewind()?;
        Ok(file)
    }

    /// Puts the trace and its labels on disk, and queues it for the analysis;
    /// `report` is the number of its report. Blocks.
    ///
    /// # Errors
    /// If the disk is full or fails.
    pub fn accept(mut self, sender: &Sender, report: u64) -> Result<Accepted, SpoolError> {
        let bytes = self.bytes;
        let queued = self
            .persist(sender)
            .and_then(|below| self.spool.enqueue(&self.place, below, sender, Some(report)));
        queued.map_err(|error| self.spool.disk(error))?;
        // The waiting trace counts these bytes from now on.
        self.bytes = 0;
        Ok(Accepted { report, bytes })
    }

    fn persist(&mut self, sender: &Sender) -> io::Result<PathBuf> {
        let directory = self.place.root.absolute();
        self.file.as_file().sync_all()?;
        let number = self.spool.number.fetch_add(1, Ordering::Relaxed);
        let time = Timestamp::now().strftime("%Y%m%dT%H%M%S%.6fZ");
        let name = PathBuf::from(format!("{time}-{number}.{TRACE}"));
        let path = directory.join(&name);
        let beside = Beside {
            labels: sender.labels.clone(),
            reason: sender.reason.clone(),
        };
        // The labels first: a trace without them is deleted at the next start.
        let mut file = options()
            .write(true)
            .create_new(true)
            .open(path.with_extension(LABELS))?;
        file.write_all(&serde_json::to_vec(&beside)?)?;
        file.sync_all()?;
        fs::rename(self.file.path(), &path)?;
        #[cfg(unix)]
        File::open(directory)?.sync_all()?;
        Ok(name)
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.spool.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
