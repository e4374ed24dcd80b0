//! Recording of a trace to a temporary file while the trace is read.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::storage::options;

/// Temporary file that is deleted unless it is kept.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    state: SharedState,
}

type SharedState = Arc<Mutex<State>>;

#[derive(Debug)]
enum State {
    /// The whole trace so far, with its size and limit.
    Whole { file: File, bytes: u64, limit: u64 },
    /// The trace is not recorded, for this reason.
    Incomplete(Incomplete),
}

/// Reason for which a trace was not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// The trace exceeds the quota.
    #[error("it has more than {0} bytes, which may not be kept of a target")]
    Quota(u64),
    /// The file could not be written.
    #[error("it cannot be recorded: {0}")]
    Disk(io::ErrorKind),
}

/// Reader that records the bytes that it reads.
pub struct Recorder<R> {
    inner: R,
    state: SharedState,
}

impl Recording {
    /// Creates a recording at a path, of at most `limit` bytes.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub fn create(path: PathBuf, limit: u64) -> io::Result<Self> {
        let whole = State::Whole {
            file: options().write(true).create_new(true).open(&path)?,
            bytes: 0,
            limit,
        };
        let state = Arc::new(Mutex::new(whole));
        Ok(Self { path, state })
    }

    /// Returns a reader that records the bytes of `inner`.
    pub fn of<R: Read>(&self, inner: R) -> Recorder<R> {
        Recorder {
            inner,
            state: Arc::clone(&self.state),
        }
    }

    /// Path of the temporary file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the size in bytes.
    ///
    /// # Errors
    /// If the trace was not recorded in full.
    pub fn bytes(&self) -> Result<u64, Incomplete> {
        match &*self.state.lock() {
            State::Whole { bytes, .. } => Ok(*bytes),
            State::Incomplete(why) => Err(*why),
        }
    }

    /// Moves the file to its final path.
    ///
    /// # Errors
    /// If the file cannot be moved.
    pub fn keep(self, to: &Path) -> io::Result<()> {
        match std::fs::rename(&self.path, to) {
            // The directory was replaced after the recording started.
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                std::fs::copy(&self.path, to).map(drop)
            }
            renamed => renamed,
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // After `keep` there is no file at this path.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Fails once the recording is incomplete.
impl Write for Recording {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let recorded = self.state.lock().record(buf);
        recorded.map(|()| buf.len()).map_err(io::Error::other)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<R: Read> Read for Recorder<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        // A failed recording does not stop the reader.
        let _ = self.state.lock().record(&buf[..n]);
        Ok(n)
    }
}

impl State {
    /// Appends bytes, or discards the recording.
    fn record(&mut self, more: &[u8]) -> Result<(), Incomplete> {
        let why = match self {
            Self::Incomplete(why) => return Err(*why),
            Self::Whole { bytes, limit, .. } if *bytes + more.len() as u64 > *limit => {
                Incomplete::Quota(*limit)
            }
            Self::Whole { file, bytes, .. } => {
                let Err(error) = file.write_all(more) else {
                    *bytes += more.len() as u64;
                    return Ok(());
                };
                // Most recordings are dropped anyway; only a trace to be kept is worth a warning.
                tracing::debug!(%error, "a trace cannot be recorded");
                Incomplete::Disk(error.kind())
            }
        };
        if let Self::Whole { file, .. } = self {
            // Frees disk space before the recording is dropped.
            let _ = file.set_len(0);
        }
        *self = Self::Incomplete(why);
        Err(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recording_ends_at_the_limit_and_reading_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("0.partial");
        let recording = Recording::create(path.clone(), 10).unwrap();
        let mut reader = recording.of(io::repeat(1));
        let mut buf = [0; 5];
        reader.read_exact(&mut buf).unwrap();
        reader.read_exact(&mut buf).unwrap();
        assert_eq!(recording.bytes(), Ok(10));
        reader.read_exact(&mut buf).unwrap();
        assert_eq!(recording.bytes(), Err(Incomplete::Quota(10)));
        assert_eq!(path.metadata().unwrap().len(), 0);
        reader.read_exact(&mut buf).unwrap();
        drop(recording);
        assert!(!path.exists());
    }

    #[test]
    fn copying_ends_at_the_limit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("0.partial");
        let mut recording = Recording::create(path, 1_000).unwrap();
        assert!(io::copy(&mut io::repeat(1), &mut recording).is_err());
        assert_eq!(recording.bytes(), Err(Incomplete::Quota(1_000)));
    }
}
