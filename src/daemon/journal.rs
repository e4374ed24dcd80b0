//! The analysed traces, in a file that outlives the daemon.
//!
//! One line a trace, only ever appended: nothing that is read back needs an
//! index, and a line that a crash cut off costs that line alone, which an
//! embedded database would not do better. A line is handed to the system when
//! its trace is done, so that killing the daemon loses none; it is on the disk
//! a second later, so that a power failure has at most that second's traces
//! analysed again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::identity::Identity;
use super::seen::Verdict;

/// The file's name.
const NAME: &str = "analysed";
/// The name of one that replaces it.
const NEW: &str = "analysed.new";
/// How many traces are remembered after a start: about 40 MB.
const KEPT: usize = 1_000_000;
/// How often the disk has to have everything.
const SYNC: Duration = Duration::from_secs(1);

/// What is remembered of a trace: what became of it, or only that it was
/// counted, and what is to be sent of it not yet.
pub type Entry = Option<Verdict>;

/// Why nothing can be remembered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The directory or the file can't be used.
    #[error("cannot use {} for storage: {error}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// Two daemons would not know of each other's traces.
    #[error("{} is in use by another gotracer", .0.display())]
    InUse(PathBuf),
}

/// The open file.
pub struct Journal {
    file: File,
    path: PathBuf,
    synced: Instant,
    /// The last line may lack its end.
    torn: bool,
}

impl Journal {
    /// Opens the one in `directory`, which is made if it is not there, and
    /// tells what stands in it.
    pub fn open(directory: &Path) -> Result<(Self, Vec<(Identity, Entry)>), JournalError> {
        let path = directory.join(NAME);
        let failed = |error| JournalError::Io {
            path: path.clone(),
            error,
        };
        fs::create_dir_all(directory).map_err(failed)?;
        let mut file = open(&path).map_err(failed)?;
        lock(&file, &path)?;
        let text = fs::read(&path).map_err(failed)?;
        let text = String::from_utf8_lossy(&text);
        let mut known: Vec<_> = text.lines().filter_map(parse).collect();
        let torn = !(text.is_empty() || text.ends_with('\n'));
        if known.len() > 2 * KEPT {
            known.drain(..known.len() - KEPT);
            let lines = known.iter().map(|&(i, e)| line(i, e));
            let new = directory.join(NEW);
            fs::write(&new, lines.collect::<String>()).map_err(failed)?;
            file = open(&new).map_err(failed)?;
            lock(&file, &path)?;
            file.sync_data().map_err(failed)?;
            fs::rename(&new, &path).map_err(failed)?;
        }
        let journal = Self {
            file,
            path,
            synced: Instant::now(),
            torn,
        };
        Ok((journal, known))
    }

    /// Adds a trace. If that fails it is said, and the daemon goes on: a trace
    /// that is analysed once more is better than none.
    pub fn add(&mut self, identity: Identity, entry: Entry) {
        let end = if self.torn { "\n" } else { "" };
        let line = format!("{end}{}", line(identity, entry));
        let mut written = self.file.write_all(line.as_bytes());
        self.torn = written.is_err();
        if written.is_ok() && self.synced.elapsed() >= SYNC {
            written = self.file.sync_data();
            self.synced = Instant::now();
        }
        if let Err(error) = written {
            tracing::error!(file = %self.path.display(), %error, "cannot remember a trace");
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if let Err(error) = self.file.sync_data() {
            tracing::error!(file = %self.path.display(), %error, "cannot remember the last traces");
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).open(path)
}

fn lock(file: &File, path: &Path) -> Result<(), JournalError> {
    file.try_lock().map_err(|error| match error {
        fs::TryLockError::WouldBlock => JournalError::InUse(path.into()),
        fs::TryLockError::Error(error) => JournalError::Io {
            path: path.into(),
            error,
        },
    })
}

fn line(identity: Identity, entry: Entry) -> String {
    let word = match entry {
        None => "counted",
        Some(Verdict::Clean) => "clean",
        Some(Verdict::Found) => "found",
        Some(Verdict::Failed) => "failed",
    };
    format!("{:032x} {word}\n", identity.0)
}

/// What a line says; nothing, if a crash cut it off.
fn parse(line: &str) -> Option<(Identity, Entry)> {
    let (identity, word) = line.split_once(' ')?;
    let entry = match word {
        "counted" => None,
        "clean" => Some(Verdict::Clean),
        "found" => Some(Verdict::Found),
        "failed" => Some(Verdict::Failed),
        _ => return None,
    };
    let identity = u128::from_str_radix(identity, 16).ok()?;
    Some((Identity(identity), entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cut_off_costs_that_line_alone() {
        let directory = tempfile::tempdir().unwrap();
        let whole = line(Identity(1), Some(Verdict::Found));
        fs::write(directory.path().join(NAME), format!("{whole}00000")).unwrap();
        let (mut journal, known) = Journal::open(directory.path()).unwrap();
        assert_eq!(known, [(Identity(1), Some(Verdict::Found))]);
        journal.add(Identity(2), None);
        drop(journal);
        let (_, known) = Journal::open(directory.path()).unwrap();
        assert_eq!(known[1..], [(Identity(2), None)]);
    }
}
