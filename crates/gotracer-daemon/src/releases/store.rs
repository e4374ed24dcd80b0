//! Store of the registry: an embedded database in one file.
//!
//! Each write is one durable transaction: killing the daemon or the machine loses only later
//! changes. An unreadable file is renamed and replaced by an empty one, because the data cannot be
//! recovered.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableError};

use super::capture::Capture;
use super::name::ServiceName;
use super::version::{Key, Version};
use crate::storage::{FileId, create_dir_all, options};

/// Name of the file.
const NAME: &str = "releases.redb";
/// Name of an unreadable file; only the latest is kept.
const ASIDE: &str = "releases.redb.unusable";
/// Version of the format. Other versions are not read.
const SCHEMA: u64 = 1;
/// Memory limit of the database's cache in bytes. The registry is in memory, so the file is read
/// only at start.
const CACHE: usize = 1 << 20;

const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
/// By service and version.
const VERSIONS: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("versions");
/// By service, version, instance and number.
const CAPTURES: TableDefinition<'_, CaptureKey<'_>, &[u8]> = TableDefinition::new("captures");

type CaptureKey<'a> = (&'a str, &'a str, &'a str, u64);

/// Error of opening or writing the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file cannot be used.
    #[error("cannot use {} for releases: {error}", .path.display())]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// Error of the system.
        #[source]
        error: std::io::Error,
    },
    /// Another daemon uses the file and would overwrite the data.
    #[error("{} is in use by another gotracer", .0.display())]
    InUse(PathBuf),
}

impl StoreError {
    /// Returns whether the disk is full, which may pass.
    pub fn is_full(&self) -> bool {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match self {
            Self::Io { error, .. } => {
                matches!(error.kind(), FileTooLarge | QuotaExceeded | StorageFull)
            }
            Self::InUse(_) => false,
        }
    }
}

/// Reason for which a file is renamed.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("{0}")]
    Database(#[from] redb::Error),
    #[error("it has the form {0}, and {SCHEMA} is needed")]
    Schema(u64),
    #[error("a record of it can't be read: {0}")]
    Record(#[from] serde_json::Error),
    #[error("it contradicts itself")]
    Panic,
}

/// Open database.
pub(super) struct Store {
    db: Database,
    id: FileId,
    path: PathBuf,
}

/// Stored version.
#[derive(Debug)]
pub(super) struct Entry {
    /// The service.
    pub service: ServiceName,
    /// Name of the version.
    pub name: String,
    /// Data of the version.
    pub version: Version,
}

/// Key of a stored record: a version, or a capture of a version.
pub(super) type Record = (ServiceName, String, Option<Key>);

/// Change to be stored.
#[derive(Debug)]
pub(super) struct Op {
    /// Key of the record.
    pub record: Record,
    /// Value to store; `None` deletes the record.
    pub value: Option<Vec<u8>>,
}

impl Store {
    /// Returns whether `directory` has a store.
    pub(super) fn is_in(directory: &Path) -> bool {
        directory.join(NAME).exists()
    }

    /// Removes the file of a store that could not be created.
    pub(super) fn forget(directory: &Path) {
        let _ = fs::remove_file(directory.join(NAME));
    }

    /// Opens the store in `directory`, creating it if it is missing, and returns its entries.
    pub(super) fn open(directory: &Path) -> Result<(Self, Vec<Entry>), StoreError> {
        let path = directory.join(NAME);
        let failed = |error| StoreError::Io {
            path: path.clone(),
            error,
        };
        create_dir_all(directory).map_err(failed)?;
        // A damaged file may make the database panic.
        let opened = catch_unwind(AssertUnwindSafe(|| open(&path)));
        let why = match opened.unwrap_or(Err(Unusable::Panic)) {
            Ok((db, id, entries)) => return Ok((Self { db, id, path }, entries)),
            Err(Unusable::Database(redb::Error::DatabaseAlreadyOpen)) => {
                return Err(StoreError::InUse(path));
            }
            // An error of the disk is no reason to start with an empty file.
            Err(Unusable::Database(redb::Error::Io(error))) if !is_content(&error) => {
                return Err(failed(error));
            }
            Err(why) => why,
        };
        let aside = directory.join(ASIDE);
        tracing::error!(
            file = %path.display(), aside = %aside.display(), error = %why,
            "what was known of releases can't be read; it is put aside, and all is learnt anew"
        );
        fs::rename(&path, &aside).map_err(failed)?;
        match open(&path) {
            Ok((db, id, entries)) => Ok((Self { db, id, path }, entries)),
            Err(error) => Err(failed(std::io::Error::other(error))),
        }
    }

    /// Writes and deletes records in one transaction.
    pub(super) fn write(&self, ops: &[Op]) -> Result<(), Box<redb::Error>> {
        self.commit(ops, false).map_err(Box::new)
    }

    /// Replaces all records.
    pub(super) fn rewrite(&self, ops: &[Op]) -> Result<(), Box<redb::Error>> {
        self.commit(ops, true).map_err(Box::new)
    }

    /// Returns whether the file was deleted or replaced. Writes to it still succeed, and are lost.
    pub(super) fn is_lost(&self) -> bool {
        !self.id.is_at(&self.path)
    }

    /// Returns the directory of the file.
    pub(super) fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    fn commit(&self, ops: &[Op], anew: bool) -> Result<(), redb::Error> {
        let transaction = self.db.begin_write()?;
        if anew {
            transaction.delete_table(VERSIONS)?;
            transaction.delete_table(CAPTURES)?;
        }
        {
            let mut versions = transaction.open_table(VERSIONS)?;
            let mut captures = transaction.open_table(CAPTURES)?;
            for op in ops {
                let (service, version, capture) = &op.record;
                let (service, version) = (service.key(), version.as_str());
                let capture = capture.as_ref();
                let key = capture.map(|(instance, n)| (service, version, instance.as_str(), *n));
                match (key, &op.value) {
                    (None, Some(value)) => drop(versions.insert((service, version), &value[..])?),
                    (None, None) => drop(versions.remove((service, version))?),
                    (Some(key), Some(value)) => drop(captures.insert(key, &value[..])?),
                    (Some(key), None) => drop(captures.remove(key)?),
                }
            }
        }
        transaction.commit()?;
        Ok(())
    }
}

/// Returns whether the system's error means invalid content.
fn is_content(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{InvalidData, UnexpectedEof};
    matches!(error.kind(), InvalidData | UnexpectedEof)
}

fn open(path: &Path) -> Result<(Database, FileId, Vec<Entry>), Unusable> {
    let mut options = options();
    let file = options.read(true).write(true).create(true).open(path);
    let file = file.map_err(redb::Error::from)?;
    let id = FileId::of(&file).map_err(redb::Error::from)?;
    let backend = FileBackend::new(file).map_err(redb::Error::from)?;
    let mut db = Database::builder()
        .set_cache_size(CACHE)
        .create_with_backend(backend)
        .map_err(redb::Error::from)?;
    // Verifies the checksums of all pages. The next step reads all of them anyway.
    db.check_integrity().map_err(redb::Error::from)?;
    let entries = read(&db)?;
    Ok((db, id, entries))
}

fn read(db: &Database) -> Result<Vec<Entry>, Unusable> {
    let transaction = db.begin_read().map_err(redb::Error::from)?;
    let known = match transaction.open_table(META) {
        Ok(meta) => meta
            .get("schema")
            .map_err(redb::Error::from)?
            .map(|v| v.value()),
        Err(TableError::TableDoesNotExist(_)) => None,
        Err(error) => return Err(redb::Error::from(error).into()),
    };
    match known {
        Some(SCHEMA) => {}
        Some(other) => return Err(Unusable::Schema(other)),
        None => {
            drop(transaction);
            begin(db)?;
            return Ok(Vec::new());
        }
    }
    let versions = transaction
        .open_table(VERSIONS)
        .map_err(redb::Error::from)?;
    let mut entries = Vec::new();
    for row in versions.iter().map_err(redb::Error::from)? {
        let (key, value) = row.map_err(redb::Error::from)?;
        let (service, name) = key.value();
        entries.push(Entry {
            service: ServiceName::stored(service),
            name: name.into(),
            version: serde_json::from_slice(value.value())?,
        });
    }
    let captures = transaction
        .open_table(CAPTURES)
        .map_err(redb::Error::from)?;
    for entry in &mut entries {
        for (instance, known) in &mut entry.version.instances {
            let of = |n| {
                (
                    entry.service.key(),
                    entry.name.as_str(),
                    instance.as_str(),
                    n,
                )
            };
            for row in captures
                .range(of(0)..=of(u64::MAX))
                .map_err(redb::Error::from)?
            {
                let (key, value) = row.map_err(redb::Error::from)?;
                let capture: Capture = serde_json::from_slice(value.value())?;
                known.captures.push_back((key.value().3, capture));
            }
        }
    }
    Ok(entries)
}

/// Creates an empty database with the tables.
fn begin(db: &Database) -> Result<(), redb::Error> {
    let transaction = db.begin_write()?;
    transaction.open_table(META)?.insert("schema", SCHEMA)?;
    transaction.open_table(VERSIONS)?;
    transaction.open_table(CAPTURES)?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests;
