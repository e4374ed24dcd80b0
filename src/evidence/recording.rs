//! A trace that is written to a file while it is read, in case it is evidence.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A file that is deleted unless it is kept.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    /// Nothing if it could not be written.
    file: Arc<Mutex<Option<File>>>,
}

/// Reads, and records what it read.
pub struct Recorder<R> {
    inner: R,
    file: Arc<Mutex<Option<File>>>,
}

impl Recording {
    /// Begins one at a path.
    ///
    /// # Errors
    /// If the file can't be made.
    pub fn create(path: PathBuf) -> io::Result<Self> {
        let file = Arc::new(Mutex::new(Some(File::create_new(&path)?)));
        Ok(Self { path, file })
    }

    /// A reader whose bytes are recorded.
    pub fn of<R: Read>(&self, inner: R) -> Recorder<R> {
        Recorder {
            inner,
            file: Arc::clone(&self.file),
        }
    }

    /// Moves it to where it is to stay; how many bytes it has. Nothing if not
    /// all of it could be written.
    ///
    /// # Errors
    /// If it can't be moved.
    pub fn keep(self, to: &Path) -> io::Result<Option<u64>> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = &*file else { return Ok(None) };
        let bytes = file.metadata()?.len();
        std::fs::rename(&self.path, to)?;
        Ok(Some(bytes))
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // What was kept is no longer there.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl<R: Read> Read for Recorder<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = &mut *file
            && let Err(error) = open.write_all(&buf[..n])
        {
            tracing::error!(%error, "a trace can't be recorded as evidence");
            *file = None;
        }
        Ok(n)
    }
}
