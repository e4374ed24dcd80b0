//! A trace that is written to a file while it is read, in case it is evidence.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::storage::options;

/// A file that is deleted unless it is kept.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    tape: Tape,
}

/// Nothing if not all of it could be written.
type Tape = Arc<Mutex<Option<File>>>;

/// Reads, and records what it read.
pub struct Recorder<R> {
    inner: R,
    tape: Tape,
}

impl Recording {
    /// Begins one at a path.
    ///
    /// # Errors
    /// If the file can't be made.
    pub fn create(path: PathBuf) -> io::Result<Self> {
        let tape = Arc::new(Mutex::new(Some(
            options().write(true).create_new(true).open(&path)?,
        )));
        Ok(Self { path, tape })
    }

    /// A reader whose bytes are recorded.
    pub fn of<R: Read>(&self, inner: R) -> Recorder<R> {
        Recorder {
            inner,
            tape: Arc::clone(&self.tape),
        }
    }

    /// Where it is for now.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes it has.
    ///
    /// # Errors
    /// If not all of it could be written.
    pub fn bytes(&self) -> io::Result<u64> {
        let tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
        let incomplete = || io::Error::other("not all of it could be recorded");
        let file = tape.as_ref().ok_or_else(incomplete)?;
        Ok(file.metadata()?.len())
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

impl Write for Recording {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let mut tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
        tape.as_mut().map_or(Ok(buf.len()), |file| file.write(buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<R: Read> Read for Recorder<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        let mut tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &mut *tape
            && let Err(error) = file.write_all(&buf[..n])
        {
            tracing::error!(%error, "a trace can't be recorded as evidence");
            *tape = None;
        }
        Ok(n)
    }
}
