//! Totals of all targets.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::totals::Totals;
use crate::labels::Labels;

/// Limit of label sets that come with traces. File names create label sets, and writers of files
/// may not know that each label set has its own series.
const MOST: usize = 1000;

/// The targets' counters, shared between those who count and those who scrape.
#[derive(Clone, Debug, Default)]
pub(super) struct Targets(Arc<Mutex<Known>>);

/// One target. Its lock is held while a report is counted or one family is read, never while an
/// exposition is written.
pub(super) type Shared = Arc<Mutex<Totals>>;

/// The targets by their labels.
#[derive(Debug, Default)]
pub(super) struct Known {
    all: BTreeMap<Arc<Labels>, Entry>,
    /// Logical time of the last access to a target.
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
    /// Adds a configured target if it is missing.
    pub(super) fn add(&mut self, labels: &Arc<Labels>, new: impl FnOnce() -> Totals) {
        self.entry(Arc::clone(labels), new).configured = true;
    }

    /// Returns the target of a trace, adding it if it is missing.
    pub(super) fn heard_of(&mut self, labels: &Labels, new: impl FnOnce() -> Totals) -> Shared {
        let known = self.all.get_key_value(labels);
        let known = known.map(|(labels, _)| Arc::clone(labels));
        let labels = known.unwrap_or_else(|| Arc::new(labels.clone()));
        Arc::clone(&self.entry(labels, new).target)
    }

    fn entry(&mut self, labels: Arc<Labels>, new: impl FnOnce() -> Totals) -> &mut Entry {
        self.time += 1;
        let entry = self.all.entry(labels);
        let entry = entry.or_insert_with(|| Entry {
            target: Arc::new(Mutex::new(new())),
            configured: false,
            last_heard: 0,
        });
        entry.last_heard = self.time;
        entry
    }

    /// Returns the least recently used target to evict for this one, if there are too many.
    pub(super) fn in_the_way_of(&self, labels: &Labels) -> Option<Arc<Labels>> {
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
    pub(super) fn known(&self) -> Vec<Labels> {
        self.all.keys().map(|labels| (**labels).clone()).collect()
    }

    /// Forgets a target.
    pub(super) fn remove(&mut self, labels: &Labels) {
        self.all.remove(labels);
    }
}

impl Targets {
    /// Lets `f` look at or change which targets there are.
    pub(super) fn with<T>(&self, f: impl FnOnce(&mut Known) -> T) -> T {
        f(&mut self.0.lock())
    }

    /// All targets with their labels.
    pub(super) fn all(&self) -> Vec<(Arc<Labels>, Shared)> {
        self.with(|targets| {
            let all = targets.all.iter();
            all.map(|(labels, entry)| (Arc::clone(labels), Arc::clone(&entry.target)))
                .collect()
        })
    }
}
