//! A trace that is written to a file while it is read, in case it is evidence.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::storage::options;

/// A file that is deleted unless it is kept.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    tape: Tape,
}

type Tape = Arc<Mutex<State>>;

#[derive(Debug)]
enum State {
    /// All of the trace so far, and how many bytes it may have.
    Whole { file: File, bytes: u64, limit: u64 },
    /// Nothing, for some reason.
    Incomplete(Incomplete),
}

/// Why a trace was not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// It has more bytes than may be kept.
    #[error("it has more than {0} bytes, which may not be kept of a target")]
    Quota(u64),
    /// It could not be written.
    #[error("it cannot be recorded: {0}")]
    Disk(io::ErrorKind),
}

/// Reads, and records what it read.
pub struct Recorder<R> {
    inner: R,
    tape: Tape,
}

impl Recording {
    /// Begins one at a path, of at most `limit` bytes.
    ///
    /// # Errors
    /// If the file can't be made.
    pub fn create(path: PathBuf, limit: u64) -> io::Result<Self> {
        let whole = State::Whole {
            file: options().write(true).create_new(true).open(&path)?,
            bytes: 0,
            limit,
        };
        let tape = Arc::new(Mutex::new(whole));
        Ok(Self { path, tape })
    }

    /// A reader whose bytes are recorded.
    pub fn of<R: Read>(&self, inner: R) -> Recorder<R> {
        Recorder {
            inner,
            tape: Arc::clone(&self.tape),
        }
    }

    /// Temporary file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes it has.
    ///
    /// # Errors
    /// If not all of it was recorded.
    pub fn bytes(&self) -> Result<u64, Incomplete> {
        match &*lock(&self.tape) {
            State::Whole { bytes, .. } => Ok(*bytes),
            State::Incomplete(why) => Err(*why),
        }
    }

    /// Moves it to where it is to stay.
    ///
    /// # Errors
    /// If it can't be moved.
    pub fn keep(self, to: &Path) -> io::Result<()> {
        match std::fs::rename(&self.path, to) {
            // The directory is another one than when it began.
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                std::fs::copy(&self.path, to).map(drop)
            }
            renamed => renamed,
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // What was kept is no longer there.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Fails when nothing more is recorded.
impl Write for Recording {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let recorded = lock(&self.tape).record(buf);
        recorded.map(|()| buf.len()).map_err(io::Error::other)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<R: Read> Read for Recorder<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        // Those who read go on.
        let _ = lock(&self.tape).record(&buf[..n]);
        Ok(n)
    }
}

/// No holder of the lock panics.
fn lock(tape: &Tape) -> MutexGuard<'_, State> {
    tape.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// Records more bytes, or nothing of the trace.
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
                // Most recordings are dropped all the same: only one that was to be evidence is worth an error.
                tracing::debug!(%error, "a trace cannot be recorded");
                Incomplete::Disk(error.kind())
            }
        };
        if let Self::Whole { file, .. } = self {
            // The disk may need the room before the recording is dropped.
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
