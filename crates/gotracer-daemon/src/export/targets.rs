//! Totals of all targets.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::totals::Totals;
use crate::labels::Labels;

/// Most label sets that come with traces and have series. File names make label sets, and who
/// names files need not know that each is a set of series.
const MOST: usize = 1000;

/// The targets' counters, shared between those who count and those who scrape.
#[derive(Clone, Debug, Default)]
pub struct Targets(Arc<Mutex<Known>>);

/// One target. Its lock is held while it counts, and while one family of it
/// is read: never while an exposition is written, which may take long.
pub type Shared = Arc<Mutex<Totals>>;

/// The lock of a target.
pub fn lock(target: &Shared) -> MutexGuard<'_, Totals> {
    // Counters are whole whenever the lock is released, even by a panic.
    target.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The targets by their labels.
#[derive(Debug, Default)]
pub struct Known {
    all: BTreeMap<Arc<Labels>, Entry>,
    /// Grows with each time a target is heard of.
    time: u64,
}

#[derive(Debug)]
struct Entry {
    target: Shared,
    /// Whether the configuration has it: such a target stays.
    configured: bool,
    last_heard: u64,
}

impl Known {
    /// Makes sure that a target of the configuration is there.
    pub fn add(&mut self, labels: &Labels, new: impl FnOnce() -> Totals) {
        self.entry(labels, new).configured = true;
    }

    /// The target of which a trace tells.
    pub fn heard_of(&mut self, labels: &Labels, new: impl FnOnce() -> Totals) -> Shared {
        Arc::clone(&self.entry(labels, new).target)
    }

    fn entry(&mut self, labels: &Labels, new: impl FnOnce() -> Totals) -> &mut Entry {
        self.time += 1;
        let entry = self.all.entry(Arc::new(labels.clone()));
        let entry = entry.or_insert_with(|| Entry {
            target: Arc::new(Mutex::new(new())),
            configured: false,
            last_heard: 0,
        });
        entry.last_heard = self.time;
        entry
    }

    /// Of too many label sets to add these, the one not heard of for longest.
    pub fn in_the_way_of(&self, labels: &Labels) -> Option<Arc<Labels>> {
        if self.all.contains_key(labels) {
            return None;
        }
        let traces = || self.all.iter().filter(|(_, entry)| !entry.configured);
        if traces().count() < MOST {
            return None;
        }
        let oldest = traces().min_by_key(|(_, entry)| entry.last_heard);
        oldest.map(|(labels, _)| Arc::clone(labels))
    }

    /// All their labels.
    pub fn known(&self) -> Vec<Labels> {
        self.all.keys().map(|labels| (**labels).clone()).collect()
    }

    /// Forgets a target.
    pub fn remove(&mut self, labels: &Labels) {
        self.all.remove(labels);
    }
}

impl Targets {
    /// Lets `f` look at or change which targets there are.
    pub fn with<T>(&self, f: impl FnOnce(&mut Known) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// All targets with their labels.
    pub fn all(&self) -> Vec<(Arc<Labels>, Shared)> {
        self.with(|targets| {
            let all = targets.all.iter();
            all.map(|(labels, entry)| (Arc::clone(labels), Arc::clone(&entry.target)))
                .collect()
        })
    }
}
