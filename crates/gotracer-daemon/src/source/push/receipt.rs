//! A pushed trace while it is received.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::labels::Sender;
use super::settings::Settings;
use super::spool::{LABELS, Place, Spool, TRACE};
use crate::labels::Labels;
use crate::storage::options;

/// Reason to reject a trace.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The trace is larger than `max_size`.
    #[error("the trace has more than {0} bytes; max_size of `uploads` is the limit")]
    TooLarge(u64),
    /// Too many traces wait.
    #[error("too many pushed traces wait to be analyzed; try again")]
    Full,
    /// The request broke off.
    #[error("the trace breaks off: {0}")]
    Client(io::Error),
    /// The spool cannot be written.
    #[error("cannot store the trace in {directory}: {error}")]
    Disk {
        /// The spool.
        directory: String,
        /// Error of the system.
        #[source]
        error: io::Error,
    },
}

/// Content of the file beside a trace.
#[derive(Serialize, Deserialize)]
pub(super) struct Beside {
    /// Labels of its measurements.
    pub labels: Labels,
    /// Reason to keep it.
    pub reason: Option<String>,
}

impl Beside {
    /// Reads the file beside a trace; `None` if there is none.
    pub(super) fn read(trace: &Path) -> Option<Self> {
        let text = fs::read(trace.with_extension(LABELS)).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

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
    pub(super) fn new(
        file: NamedTempFile,
        place: Arc<Place>,
        spool: Arc<Spool>,
        settings: Arc<Settings>,
    ) -> Self {
        Self {
            file,
            place,
            spool,
            settings,
            bytes: 0,
        }
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
