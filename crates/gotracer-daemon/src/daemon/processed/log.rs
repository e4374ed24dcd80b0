//! The journal: states of traces, in a file that outlives the daemon.
//!
//! One line per event, appended: reading it back needs no index, and a line
//! that a crash cut off costs that line alone. A line is handed to the system
//! when its event happens, and killing the daemon loses none. It is on the disk
//! a second later, and a power failure loses the last second.
//!
//! The lines of version 0.1 are `<id> counted`, `clean`, `found` and `failed`.
//! Version 0.1 skips the lines that it does not know.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::line::{line, parse, read_lines};
use super::record::Word;
use crate::backoff::Backoff;
use crate::daemon::identity::Identity;
use crate::storage::{FileId, Health, create_dir_all, options};

/// File name of the journal.
const NAME: &str = "analysed";
/// File name of the compacted journal before it replaces the old one.
const NEW: &str = "analysed.new";
/// Number of lines up to which the file is never compacted.
const SPARE: usize = 10_000;
/// Maximum number of bytes that wait to be written. Above it, the file is rewritten from memory.
const WAITING: usize = 1 << 20;
/// Interval of fsync.
const SYNC: Duration = Duration::from_secs(1);
/// Delays between attempts to write.
const BACKOFF: Backoff = Backoff::new(SYNC, Duration::from_secs(30));

/// Why the storage directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessedLogError {
    /// A file cannot be opened or written.
    #[error("cannot use {} for storage: {error}", .path.display())]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// Error of the system.
        #[source]
        error: io::Error,
    },
    /// Another daemon uses the directory: neither would see the other's traces.
    #[error("{} is in use by another gotracer", .0.display())]
    InUse(PathBuf),
}

/// Open journal.
pub(super) struct ProcessedLog {
    directory: PathBuf,
    path: PathBuf,
    file: File,
    id: FileId,
    health: Arc<Health>,
    /// Bytes to append.
    waiting: Vec<u8>,
    /// Number of lines, including those that wait.
    lines: usize,
    /// Number of lines above which the file is compacted.
    compact_above: usize,
    synced: Instant,
    /// Number of consecutive write errors; `again` is the time of the next attempt.
    failures: u32,
    again: Instant,
}

impl ProcessedLog {
    /// Opens the journal in a directory, which is created if it is missing, and
    /// passes each line to `each`.
    pub(super) fn open(
        directory: &Path,
        health: Arc<Health>,
        mut each: impl FnMut(Identity, Word),
    ) -> Result<Self, ProcessedLogError> {
        let path = directory.join(NAME);
        let failed = |error| ProcessedLogError::Io {
            path: path.clone(),
            error,
        };
        create_dir_all(directory).map_err(failed)?;
        let file = options().read(true).append(true).create(true).open(&path);
        let file = file.map_err(failed)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => ProcessedLogError::InUse(path.clone()),
            TryLockError::Error(error) => failed(error),
        })?;
        let mut lines = 0;
        let whole = read_lines(&file, |line| {
            lines += 1;
            if let Some((identity, word)) = parse(line) {
                each(identity, word);
            }
        });
        let whole = whole.map_err(failed)?;
        Ok(Self {
            directory: directory.into(),
            id: FileId::of(&file).map_err(failed)?,
            health,
            // Terminates a line that a crash truncated.
            waiting: if whole { Vec::new() } else { b"\n".into() },
            lines,
            compact_above: SPARE,
            synced: Instant::now(),
            failures: 0,
            again: Instant::now(),
            file,
            path,
        })
    }

    /// Appends a line. If that fails, the line waits in memory.
    pub(super) fn append(&mut self, identity: Identity, word: Word) {
        self.lines += 1;
        if self.waiting.len() <= WAITING {
            self.waiting.extend(line(identity, word).bytes());
        }
        if self.failures == 0 {
            let written = self.write();
            self.note(written);
        }
    }

    /// Maintains the journal once a second: syncs the last lines, appends those that wait, compacts
    /// a long file, and recreates a deleted one. `entries` are the lines of the current state.
    pub(super) fn maintain(&mut self, entries: impl Iterator<Item = (Identity, Word)> + Clone) {
        if self.failures > 0 && Instant::now() < self.again {
            return;
        }
        let lost = !self.id.is_at(&self.path);
        if lost && self.health.failed() {
            tracing::error!(
                file = %self.path.display(),
                "the journal was deleted or replaced; it is created again from memory"
            );
        }
        let done = if lost || self.waiting.len() > WAITING {
            self.rewrite(entries)
        } else {
            let written = self.write();
            if written.is_ok() && self.lines > self.compact_above {
                self.compact(entries);
            }
            written
        };
        self.note(done);
    }

    fn write(&mut self) -> io::Result<()> {
        let mut written = 0;
        let done = loop {
            match self.file.write(&self.waiting[written..]) {
                _ if written == self.waiting.len() => break Ok(()),
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => written += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.waiting.drain(..written);
        done?;
        if self.synced.elapsed() >= SYNC {
            self.file.sync_data()?;
            self.synced = Instant::now();
        }
        Ok(())
    }

    /// Compacts the file if at least half of its lines are obsolete. That needs space for a second
    /// file, and is put off if there is none.
    pub(super) fn compact(&mut self, entries: impl Iterator<Item = (Identity, Word)> + Clone) {
        let needed = entries.clone().count();
        if self.lines <= 2 * needed + SPARE {
            self.compact_above = 2 * needed + SPARE;
            return;
        }
        if let Err(error) = self.rewrite(entries) {
            self.compact_above = self.lines + self.lines / 2;
            tracing::warn!(file = %self.path.display(), %error, "the journal could not be compacted");
        }
    }

    /// Replaces the file by one with these lines.
    fn rewrite(&mut self, entries: impl Iterator<Item = (Identity, Word)>) -> io::Result<()> {
        create_dir_all(&self.directory)?;
        let new = self.directory.join(NEW);
        let _ = fs::remove_file(&new);
        let file = options().append(true).create_new(true).open(&new)?;
        let written = self.replace(&file, &new, entries);
        let lines = written.inspect_err(|_| {
            let _ = fs::remove_file(&new);
        })?;
        self.id = FileId::of(&file)?;
        self.file = file;
        self.waiting.clear();
        self.lines = lines;
        self.compact_above = 2 * lines + SPARE;
        self.synced = Instant::now();
        Ok(())
    }

    fn replace(
        &self,
        file: &File,
        new: &Path,
        entries: impl Iterator<Item = (Identity, Word)>,
    ) -> io::Result<usize> {
        file.try_lock().map_err(io::Error::from)?;
        let mut out = BufWriter::new(file);
        let mut lines = 0;
        for (identity, word) in entries {
            out.write_all(line(identity, word).as_bytes())?;
            lines += 1;
        }
        out.flush()?;
        file.sync_data()?;
        // Another daemon may have begun to use a directory that was replaced.
        if !self.id.is_at(&self.path)
            && let Ok(other) = File::open(&self.path)
        {
            other.try_lock().map_err(io::Error::from)?;
        }
        fs::rename(new, &self.path)?;
        Ok(lines)
    }

    fn note(&mut self, done: io::Result<()>) {
        match done {
            Ok(()) => {
                self.failures = 0;
                if self.health.succeeded() {
                    tracing::info!(file = %self.path.display(), "the journal is written again");
                }
            }
            Err(error) => {
                self.again = Instant::now() + BACKOFF.delay(self.failures);
                self.failures = self.failures.saturating_add(1);
                if self.health.failed() {
                    tracing::error!(
                        file = %self.path.display(), %error,
                        "the journal cannot be written; traces are remembered in memory until it can"
                    );
                }
            }
        }
    }
}

impl Drop for ProcessedLog {
    fn drop(&mut self) {
        let written = self.write().and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            tracing::error!(file = %self.path.display(), %error, "the last lines of the journal are lost");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::processed::line::LONGEST;
    use crate::daemon::processed::record::Verdict;

    fn id(n: u128) -> Identity {
        Identity(n.to_be_bytes())
    }

    fn open(directory: &Path) -> (ProcessedLog, Vec<(Identity, Word)>) {
        let mut lines = Vec::new();
        let each = |identity, word| lines.push((identity, word));
        let journal = ProcessedLog::open(directory, Arc::default(), each).unwrap();
        (journal, lines)
    }

    #[test]
    fn a_line_cut_off_or_damaged_costs_that_line_alone() {
        let directory = tempfile::tempdir().unwrap();
        let found = (id(1), Word::Done(Verdict::Found));
        let mut text = line(found.0, found.1).into_bytes();
        text.extend(b"\xff\xfe\n\n00 found\nnonsense ");
        text.extend([b'x'; 2 * LONGEST as usize]);
        text.extend(b"\n0000");
        fs::write(directory.path().join(NAME), text).unwrap();
        let (mut journal, lines) = open(directory.path());
        assert_eq!(lines, [found]);
        let aside = (id(2), Word::SetAside(7));
        journal.append(aside.0, aside.1);
        drop(journal);
        assert_eq!(open(directory.path()).1, [found, aside]);
    }

    #[test]
    fn a_long_file_is_compacted_while_it_is_open() {
        let directory = tempfile::tempdir().unwrap();
        let (mut journal, _) = open(directory.path());
        let done = (id(1), Word::Done(Verdict::Found));
        for _ in 0..=SPARE + 2 {
            journal.append(done.0, done.1);
        }
        journal.maintain(std::iter::once(done));
        journal.append(id(2), Word::Counted);
        let second = ProcessedLog::open(directory.path(), Arc::default(), |_, _| ());
        assert!(matches!(second, Err(ProcessedLogError::InUse(_))));
        drop(journal);
        assert_eq!(open(directory.path()).1, [done, (id(2), Word::Counted)]);
    }

    #[test]
    fn a_deleted_file_is_written_again_from_memory() {
        let directory = tempfile::tempdir().unwrap();
        let storage = directory.path().join("storage");
        let (mut journal, _) = open(&storage);
        let done = [1, 2].map(|n| (id(n), Word::Done(Verdict::Found)));
        journal.append(done[0].0, done[0].1);
        fs::remove_dir_all(&storage).unwrap();
        journal.append(done[1].0, done[1].1);
        journal.maintain(done.into_iter());
        assert_eq!(
            (journal.health.failures(), journal.health.is_up()),
            (1, true)
        );
        journal.maintain(done.into_iter());
        assert_eq!(journal.health.failures(), 1);
        drop(journal);
        assert_eq!(open(&storage).1, done);
    }

    #[test]
    fn what_could_not_be_written_waits() {
        let directory = tempfile::tempdir().unwrap();
        let (mut journal, _) = open(directory.path());
        let file = File::open(&journal.path).unwrap();
        let file = std::mem::replace(&mut journal.file, file);
        let lines = [1, 2].map(|n| (id(n), Word::Counted));
        for (identity, word) in lines {
            journal.append(identity, word);
        }
        assert_eq!(
            (journal.health.failures(), journal.health.is_up()),
            (1, false)
        );
        // The backoff after the failure has passed.
        journal.again = Instant::now();
        journal.maintain(lines.into_iter());
        assert_eq!(journal.health.failures(), 2);
        journal.file = file;
        journal.again = Instant::now();
        journal.maintain(lines.into_iter());
        assert!(journal.health.is_up());
        drop(journal);
        assert_eq!(open(directory.path()).1, lines);
    }

    #[test]
    fn what_waits_is_bounded() {
        let directory = tempfile::tempdir().unwrap();
        let (mut journal, _) = open(directory.path());
        journal.file = File::open(&journal.path).unwrap();
        for n in 0..100_000 {
            journal.append(id(n), Word::Begun);
        }
        assert!(journal.waiting.len() < WAITING + 100);
        journal.again = Instant::now();
        let last = (id(99_999), Word::Begun);
        journal.maintain(std::iter::once(last));
        assert!(journal.waiting.is_empty() && journal.health.is_up());
        drop(journal);
        assert_eq!(open(directory.path()).1, [last]);
    }
}
