//! Health of the watched directories, for metrics and `/-/ready`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use parking_lot::{Mutex, MutexGuard};

/// The state of a watched directory.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Health {
    /// Error of the last scan.
    pub down: Option<String>,
    /// Number of truncated files whose writer may continue.
    pub incomplete: u64,
    /// Number of retries after a file could not be read, moved or deleted.
    pub retries: u64,
}

/// The watched directories, by their paths as the user wrote them.
#[derive(Debug, Default)]
pub struct Watches(Mutex<BTreeMap<PathBuf, Health>>);

impl Watches {
    /// Returns every directory, sorted by path.
    pub fn all(&self) -> Vec<(PathBuf, Health)> {
        let all = self.lock();
        all.iter().map(|(d, h)| (d.clone(), h.clone())).collect()
    }

    /// Adds a directory.
    pub fn add(&self, directory: &Path) {
        self.lock().entry(directory.into()).or_default();
    }

    /// Removes a directory.
    pub fn forget(&self, directory: &Path) {
        self.lock().remove(directory);
    }

    /// Updates a watched directory's health.
    pub(super) fn note(&self, directory: &Path, note: impl FnOnce(&mut Health)) {
        if let Some(health) = self.lock().get_mut(directory) {
            note(health);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Health>> {
        self.0.lock()
    }
}
