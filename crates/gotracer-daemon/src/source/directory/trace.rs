//! File of a watched directory on its way to the analysis.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use super::after::After;
use super::root::Root;
use super::settle::Fate;
use super::shelf::Shelf;
use super::stamp::Stamp;
use crate::labels::Labels;

/// Request to offer a file again.
#[derive(Debug)]
pub struct Answer {
    /// Its path below the directory.
    pub below: PathBuf,
    /// State in which it was handed on.
    pub stamp: Stamp,
    /// Reason.
    pub fate: Fate,
}

/// Request of a pushed trace's sender, and the report number it received.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// Reason to keep the trace whatever it shows.
    pub reason: Option<String>,
    /// Report number in the response.
    pub report: Option<u64>,
}

/// File that is complete or has settled.
#[derive(Clone, Debug)]
pub struct FileTrace {
    /// Labels of its measurements.
    pub labels: Arc<Labels>,
    /// Whether its writer is done. Otherwise a truncated trace is
    /// [`incomplete`](Self::incomplete).
    pub is_final: bool,
    /// Number of earlier tries.
    pub tries: u32,
    /// Action after the analysis.
    pub after: After,
    /// Request of a pushed trace's sender.
    pub pushed: Option<Pushed>,
    pub(super) root: Arc<Root>,
    pub(super) below: PathBuf,
    pub(super) stamp: Stamp,
    pub(super) answers: UnboundedSender<Answer>,
}

impl FileTrace {
    /// Creates the entry of a pushed trace that was received completely. It is
    /// deleted after its analysis.
    ///
    /// # Errors
    /// If the file's metadata can't be read.
    pub fn pushed(
        root: Arc<Root>,
        below: PathBuf,
        labels: Arc<Labels>,
        pushed: Pushed,
        answers: UnboundedSender<Answer>,
    ) -> io::Result<Self> {
        let stamp = Stamp::of(&root.absolute().join(&below))?;
        Ok(Self {
            labels,
            is_final: true,
            tries: 0,
            after: After::Delete,
            pushed: Some(pushed),
            root,
            below,
            stamp: stamp.ok_or(io::ErrorKind::InvalidInput)?,
            answers,
        })
    }

    /// Returns the path for messages: the directory as configured, and the path
    /// below.
    pub fn source(&self) -> String {
        let path = self.root.written().join(&self.below);
        path.display().to_string()
    }

    /// The file's length when it was seen, bytes.
    pub fn length(&self) -> u64 {
        self.stamp.length()
    }

    /// Opens the file; `None` if it is not as it was when it was seen. Does
    /// not wait for the writer of a pipe or the holder of a lease.
    ///
    /// # Errors
    /// If the file can't be opened.
    pub fn open(&self) -> io::Result<Option<File>> {
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
            options.custom_flags(flags.bits().cast_signed());
        }
        let file = options.open(self.path())?;
        Ok((Stamp::of_open(&file)? == Some(self.stamp)).then_some(file))
    }

    /// Whether the file is still as it was when it was seen.
    ///
    /// # Errors
    /// If the file's metadata can't be read.
    pub fn is_unchanged(&self) -> io::Result<bool> {
        Ok(Stamp::of(&self.path())? == Some(self.stamp))
    }

    /// Reports a truncated trace. It is offered again once it was closed or
    /// changed, or after `incomplete_after`.
    pub fn incomplete(&self) {
        self.answer(Fate::Incomplete);
    }

    /// Reports that the file could not be read, moved or deleted. It is offered
    /// again after a pause.
    pub fn retry(&self) {
        self.answer(Fate::Retry);
    }

    /// Reports that another file with the same trace is being analyzed. The file
    /// is offered again after a pause.
    pub fn taken(&self) {
        self.answer(Fate::Taken);
    }

    /// Keeps, deletes or moves the file as the directory's settings say, if it
    /// is still as it was when it was seen.
    ///
    /// # Errors
    /// If the system does not allow it, or the file would leave the directory.
    pub fn put_away(&self, shelf: Shelf) -> io::Result<()> {
        if self.after == After::Keep {
            return Ok(());
        }
        let done = match self.is_unchanged() {
            Ok(true) => self.after.apply(&self.root, &self.below, shelf),
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        match done {
            // Another program deleted or renamed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    fn answer(&self, fate: Fate) {
        // The watch may have ended.
        let _ = self.answers.send(Answer {
            below: self.below.clone(),
            stamp: self.stamp,
            fate,
        });
    }

    fn path(&self) -> PathBuf {
        self.root.absolute().join(&self.below)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::process::Command;

    /// Creates a trace with the file's current state.
    fn trace(directory: &std::path::Path, name: &str) -> FileTrace {
        let stamp = Stamp::of(&directory.join(name)).unwrap().unwrap();
        FileTrace {
            labels: Arc::default(),
            is_final: true,
            tries: 0,
            after: After::Delete,
            pushed: None,
            root: Arc::new(Root::new(directory)),
            below: name.into(),
            stamp,
            answers: tokio::sync::mpsc::unbounded_channel().0,
        }
    }

    #[test]
    fn a_file_that_became_a_pipe_is_not_waited_for() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("a");
        fs::write(&path, "trace").unwrap();
        let trace = trace(scratch.path(), "a");
        assert!(trace.open().unwrap().is_some());
        fs::remove_file(&path).unwrap();
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        // Without a writer, a blocking open would never return.
        assert!(trace.open().unwrap().is_none());
    }

    #[test]
    fn a_file_that_changed_is_neither_read_nor_put_away() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("a");
        fs::write(&path, "trace").unwrap();
        let trace = trace(scratch.path(), "a");
        fs::write(&path, "another trace").unwrap();
        assert!(trace.open().unwrap().is_none());
        trace.put_away(Shelf::Done).unwrap();
        assert!(path.exists());
        fs::remove_file(&path).unwrap();
        trace.put_away(Shelf::Done).unwrap();
    }
}
