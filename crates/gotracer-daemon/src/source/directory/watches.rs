//! How the watched directories are, for metrics and for `/-/ready`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The state of a watched directory.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Health {
    /// Why the directory can't be looked into, if it can't.
    pub down: Option<String>,
    /// Files that break off and whose writer may go on.
    pub incomplete: u64,
    /// How often a file was put off that could not be read, moved or deleted.
    pub retries: u64,
}

/// The watched directories, by their paths as the user wrote them.
#[derive(Debug, Default)]
pub struct Watches(Mutex<BTreeMap<PathBuf, Health>>);

impl Watches {
    /// Every directory, in the order of the paths.
    pub fn all(&self) -> Vec<(PathBuf, Health)> {
        let all = self.lock();
        all.iter().map(|(d, h)| (d.clone(), h.clone())).collect()
    }

    /// A directory is watched from now on.
    pub fn add(&self, directory: &Path) {
        self.lock().entry(directory.into()).or_default();
    }

    /// A directory is no longer watched.
    pub fn forget(&self, directory: &Path) {
        self.lock().remove(directory);
    }

    /// Notes a change of a watched directory's health.
    pub(super) fn note(&self, directory: &Path, note: impl FnOnce(&mut Health)) {
        if let Some(health) = self.lock().get_mut(directory) {
            note(health);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Health>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
