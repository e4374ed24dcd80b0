//! Evidence in a directory.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::error::EvidenceError;
use super::item::{DOCUMENT, Item};
use super::recording::Recording;
use super::stats::Stats;
use crate::storage::{FileId, Health, create_dir_all, options};

/// Prefix of the names of incomplete files. Other files in the directory belong to others.
const OWN: &str = "gotracer-";
const PARTIAL: &str = ".partial";
/// Name of the lock file, for systems that cannot lock a directory.
const LOCK: &str = "gotracer.lock";
/// Largest document to read, in bytes.
pub(super) const LONGEST: u64 = 64 << 20;

/// A directory with traces and their documents.
#[derive(Debug)]
pub(super) struct Disk {
    directory: PathBuf,
    partials: AtomicU64,
    lock: Mutex<Lock>,
    health: Arc<Health>,
}

impl Disk {
    /// Opens a directory, or shares it with `before`, and lists its traces.
    pub(super) fn list(
        path: &Path,
        stats: &Stats,
        before: Option<&Arc<Self>>,
    ) -> Result<(Arc<Self>, Vec<Item>), EvidenceError> {
        let disk = match before.filter(|before| before.is_at(path)) {
            Some(before) => Arc::clone(before),
            None => Arc::new(Self::open(path, &stats.disk)?),
        };
        let items = disk.items().map_err(|error| EvidenceError::Directory {
            path: path.into(),
            error,
        })?;
        Ok((disk, items))
    }

    /// Opens a directory, which is created if it is missing, and deletes
    /// incomplete files in it.
    ///
    /// # Errors
    /// If it cannot be used, or if another process uses it.
    pub(super) fn open(directory: &Path, health: &Arc<Health>) -> Result<Self, EvidenceError> {
        let failed = |error| EvidenceError::Directory {
            path: directory.into(),
            error,
        };
        create_dir_all(directory).map_err(failed)?;
        let lock = match Lock::take(directory) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(EvidenceError::InUse(directory.into()));
            }
            locked => locked.map_err(failed)?,
        };
        let disk = Self {
            directory: directory.into(),
            partials: AtomicU64::new(0),
            lock: Mutex::new(lock),
            health: Arc::clone(health),
        };
        disk.clean().map_err(failed)?;
        Ok(disk)
    }

    /// Returns whether this is the directory at a path.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        let both = (self.directory.canonicalize(), path.canonicalize());
        matches!(both, (Ok(own), Ok(other)) if own == other)
    }

    /// Deletes incomplete files.
    fn clean(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            if is_partial(&entry.file_name())
                && entry.file_type().is_ok_and(|kind| kind.is_file())
                && let Err(error) = fs::remove_file(entry.path())
            {
                tracing::warn!(file = %entry.path().display(), %error, "cannot delete an incomplete file");
            }
        }
        Ok(())
    }

    /// Lists the traces in the directory, the oldest first.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub(super) fn items(&self) -> io::Result<Vec<Item>> {
        let mut items = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_document = Path::new(&name).extension() == Some(OsStr::new(DOCUMENT));
            // Reading a pipe with such a name would block forever.
            if !is_document || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
                continue;
            }
            match read(&entry.path()) {
                Ok(document) => {
                    let item = Item::read(&document, name.to_str().unwrap_or_default());
                    items.extend(item.filter(|item| self.has(item)));
                }
                Err(error) => {
                    tracing::warn!(file = %entry.path().display(), %error, "cannot read a document of evidence");
                }
            }
        }
        items.sort_by_key(|item| item.time);
        Ok(items)
    }

    /// Returns whether the directory has a trace.
    pub(super) fn has(&self, item: &Item) -> bool {
        self.path(&item.file).is_file()
    }

    /// Creates the directory again if it was deleted, and tries to write if the last write failed.
    ///
    /// # Errors
    /// If one of them fails.
    pub(super) fn check(&self) -> io::Result<()> {
        self.restore()?;
        if !self.health.is_up() {
            let probe = self.partial();
            let written = write(&probe, &[0; 4096]);
            let _ = fs::remove_file(&probe);
            written.inspect_err(|error| self.failed(error))?;
            self.succeeded();
        }
        Ok(())
    }

    fn restore(&self) -> io::Result<()> {
        let mut held = self.lock.lock();
        if held.id.is_at(&held.path) {
            return Ok(());
        }
        self.failed(&"the directory was deleted or replaced");
        create_dir_all(&self.directory)?;
        *held = Lock::take(&self.directory)?;
        self.succeeded();
        Ok(())
    }

    /// Notes a failed write. Logs the first one after a successful write.
    pub(super) fn failed(&self, error: &dyn fmt::Display) {
        if self.health.failed() {
            let directory = self.directory.display();
            tracing::error!(%directory, %error, "evidence cannot be written");
        }
    }

    fn succeeded(&self) {
        if self.health.succeeded() {
            tracing::info!(directory = %self.directory.display(), "evidence can be written again");
        }
    }

    fn partial(&self) -> PathBuf {
        let number = self.partials.fetch_add(1, Ordering::Relaxed);
        self.path(&format!("{OWN}{number}{PARTIAL}"))
    }

    /// Starts a recording of at most `limit` bytes.
    ///
    /// # Errors
    /// If its file cannot be created.
    pub(super) fn record(&self, limit: u64) -> io::Result<Recording> {
        self.restore()?;
        Recording::create(self.partial(), limit).inspect_err(|error| self.failed(error))
    }

    /// Writes a trace, and then its document: a trace without a document is incomplete.
    ///
    /// # Errors
    /// If either cannot be written. Then neither file remains.
    pub(super) fn put(&self, item: &Item, trace: Recording, document: &[u8]) -> io::Result<()> {
        let path = self.path(&item.file);
        let partial = self.partial();
        let written = trace
            .keep(&path)
            .and_then(|()| write(&partial, document))
            .and_then(|()| fs::rename(&partial, self.path(&item.document())));
        written.inspect_err(|_| {
            let _ = fs::remove_file(&partial);
            let _ = fs::remove_file(&path);
        })?;
        self.succeeded();
        Ok(())
    }

    /// Deletes a trace and its document.
    pub(super) fn delete(&self, item: &Item) {
        for name in [item.document(), item.file.clone()] {
            let path = self.path(&name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(file = %path.display(), %error, "cannot delete old evidence");
                }
                _ => {}
            }
        }
    }

    /// Returns the path of a file.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// Exclusive use of a directory.
#[derive(Debug)]
struct Lock {
    /// File that holds the lock while it is open.
    _file: File,
    id: FileId,
    path: PathBuf,
}

impl Lock {
    /// Locks a directory. The error is `WouldBlock` if another process did.
    fn take(directory: &Path) -> io::Result<Self> {
        let itself = || File::open(directory);
        // Network file systems lock only files that are open for writing.
        let beside = || {
            let mut options = options();
            options.read(true).write(true).create(true);
            options.open(directory.join(LOCK))
        };
        let mut locked = Self::of(itself, directory);
        if locked
            .as_ref()
            .is_err_and(|e| e.kind() != io::ErrorKind::WouldBlock)
        {
            locked = Self::of(beside, &directory.join(LOCK));
        }
        locked
    }

    fn of(open: impl FnOnce() -> io::Result<File>, path: &Path) -> io::Result<Self> {
        let file = open()?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::ErrorKind::WouldBlock.into(),
            TryLockError::Error(error) => error,
        })?;
        Ok(Self {
            id: FileId::of(&file)?,
            _file: file,
            path: path.into(),
        })
    }
}

/// Returns whether a file is an incomplete one of gotracer.
fn is_partial(name: &OsStr) -> bool {
    let number = name
        .to_str()
        .and_then(|name| name.strip_prefix(OWN)?.strip_suffix(PARTIAL));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut document = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut document)?;
    Ok(document)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = options().write(true).create_new(true).open(path)?;
    file.write_all(bytes)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::labels::Labels;
    use crate::report::sample;
    use jiff::Timestamp;
    use std::os::unix::fs::PermissionsExt;

    fn open(directory: &Path) -> Disk {
        Disk::open(directory, &Arc::default()).unwrap()
    }

    fn put(disk: &Disk, number: u64) -> Item {
        let report = sample::eventful("a");
        let at = Timestamp::UNIX_EPOCH;
        let mut item = Item::new(&Labels::new(), &report, at, "alert A", number);
        let recording = disk.record(u64::MAX).unwrap();
        let document = item.told(&report).unwrap();
        item.document_bytes = document.len() as u64;
        disk.put(&item, recording, &document).unwrap();
        item
    }

    #[test]
    fn only_own_incomplete_files_are_deleted() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let foreign = [
            "movie.mkv.partial",
            "7.partial",
            "gotracer-x.partial",
            "gotracer-.partial",
        ];
        for name in foreign.into_iter().chain(["gotracer-12.partial"]) {
            fs::write(path(name), "x").unwrap();
        }
        for name in ["x.partial", "gotracer-3.partial", "y.json"] {
            fs::create_dir(path(name)).unwrap();
        }
        let disk = open(directory.path());
        assert!(foreign.iter().all(|name| path(name).exists()));
        assert!(path("x.partial").is_dir() && path("gotracer-3.partial").is_dir());
        assert!(!path("gotracer-12.partial").exists());
        assert_eq!(disk.items().unwrap(), []);
        // Files left over with the same names do not block recordings.
        let recordings: Vec<_> = (0..5).map(|_| disk.record(u64::MAX)).collect();
        assert_eq!(recordings.iter().filter(|r| r.is_ok()).count(), 4);
    }

    #[test]
    fn what_is_no_document_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let disk = open(directory.path());
        let item = put(&disk, 0);
        let gone = put(&disk, 1);
        fs::remove_file(disk.path(&gone.file)).unwrap();
        fs::write(disk.path("package.json"), "{}").unwrap();
        let pipe = std::process::Command::new("mkfifo")
            .arg(disk.path("pipe.json"))
            .status();
        assert!(pipe.unwrap().success());
        assert_eq!(disk.items().unwrap(), [item]);
    }

    #[test]
    fn one_process_uses_a_directory_and_only_its_owner_reads_it() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("evidence");
        let disk = open(&directory);
        let item = put(&disk, 0);
        let second = Disk::open(&directory, &Arc::default());
        assert!(matches!(second, Err(EvidenceError::InUse(_))));
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&directory), 0o700);
        for name in [&item.file, &item.document()] {
            assert_eq!(mode(&disk.path(name)), 0o600, "{name}");
        }
        drop(disk);
        assert_eq!(open(&directory).items().unwrap(), [item]);
    }

    #[test]
    fn a_deleted_directory_is_created_and_locked_again() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("evidence");
        let disk = open(&directory);
        let item = put(&disk, 0);
        fs::remove_dir_all(&directory).unwrap();
        assert!(!disk.has(&item));
        put(&disk, 1);
        assert_eq!((disk.health.failures(), disk.health.is_up()), (1, true));
        assert!(Disk::open(&directory, &Arc::default()).is_err());
        // Another process may create the directory first.
        fs::remove_dir_all(&directory).unwrap();
        let other = open(&directory);
        assert!(disk.record(u64::MAX).is_err() && disk.check().is_err() && !disk.health.is_up());
        drop(other);
        disk.check().unwrap();
        assert!(disk.health.is_up() && disk.record(u64::MAX).is_ok());
    }
}
