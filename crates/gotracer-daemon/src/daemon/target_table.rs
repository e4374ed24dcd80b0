//! Table of the scraped targets with the last capture of each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::{Mutex, MutexGuard};

use super::failure::Failure;
use super::leaks::Leaks;
use crate::labels::Labels;
use crate::source::scrape::{Options, Target};

/// Last capture of a target.
#[derive(Clone, Debug)]
pub(super) struct Last {
    /// End of the capture.
    pub at: SystemTime,
    /// Duration of the capture.
    pub took: Duration,
    /// Reason why the capture has no trace or only a part of it.
    pub failure: Option<Failure>,
}

/// Target with what its last capture and profile said.
#[derive(Clone, Debug)]
pub(super) struct Status {
    /// Labels.
    pub labels: Labels,
    /// URL.
    pub url: String,
    /// Last capture.
    pub last: Option<Last>,
    /// Leaked goroutines of the last profile that the target sent.
    pub leaks: Option<Leaks>,
}

/// Scraped targets by labels and URL.
#[derive(Default)]
pub(super) struct TargetTable(Mutex<Targets>);

type Targets = BTreeMap<(Arc<Labels>, String), Row>;

struct Row {
    target: Target,
    options: Arc<Options>,
    last: Option<Last>,
    /// Leaked goroutines of the last profile that the target sent.
    leaks: Option<Leaks>,
    turn: CaptureLock,
    /// Reason to keep the next trace of the stream, if a client asked for that.
    request: Option<String>,
}

/// Lock of a target: one capture runs at a time.
pub(super) type CaptureLock = Arc<tokio::sync::Mutex<()>>;

fn key(target: &Target) -> (Arc<Labels>, String) {
    (Arc::clone(&target.labels), target.url().to_string())
}

impl TargetTable {
    /// Adds a target.
    pub(super) fn add(&self, target: &Target, options: &Arc<Options>) {
        let new = || Row {
            target: target.clone(),
            options: Arc::clone(options),
            last: None,
            leaks: None,
            turn: CaptureLock::default(),
            request: None,
        };
        self.lock().entry(key(target)).or_insert_with(new).options = Arc::clone(options);
    }

    /// Finds the target with this instance, host and port, or URL. A job that is not empty has to
    /// match too.
    pub(super) fn find(
        &self,
        name: &str,
        job: &str,
    ) -> Option<(Target, Arc<Options>, CaptureLock)> {
        let targets = self.lock();
        let row = targets.values().find(|row| {
            let (target, labels) = (&row.target, &row.target.labels);
            (target.address() == name || labels.get("instance") == name || target.url() == name)
                && (job.is_empty() || labels.get("job") == job)
        })?;
        let turn = Arc::clone(&row.turn);
        Some((row.target.clone(), Arc::clone(&row.options), turn))
    }

    /// Returns the targets that the labels of an alert select: of `job`, `instance` and `service`,
    /// every label that both have is equal, and at least one of the latter two is.
    pub(super) fn meant(
        &self,
        labels: &BTreeMap<String, String>,
    ) -> Vec<(Target, Arc<Options>, CaptureLock)> {
        let targets = self.lock();
        let meant = targets.values().filter(|row| {
            let same = |name: &&str| {
                let own = row.target.labels.get(name);
                let asked = labels.get(*name).map_or("", String::as_str);
                (!own.is_empty() && !asked.is_empty()).then(|| own == asked)
            };
            let [job, instance, service] = ["job", "instance", "service"].map(|n| same(&n));
            let told = [instance, service].contains(&Some(true));
            told && ![job, instance, service].contains(&Some(false))
        });
        meant
            .map(|row| {
                (
                    row.target.clone(),
                    Arc::clone(&row.options),
                    Arc::clone(&row.turn),
                )
            })
            .collect()
    }

    /// Returns the lock of a target.
    pub(super) fn turn(&self, target: &Target) -> CaptureLock {
        let targets = self.lock();
        let row = targets.get(&key(target));
        row.map_or_else(CaptureLock::default, |row| Arc::clone(&row.turn))
    }

    /// Removes a target.
    pub(super) fn remove(&self, target: &Target) {
        self.lock().remove(&key(target));
    }

    /// Records a capture, unless the target was removed meanwhile.
    pub(super) fn captured(&self, target: &Target, last: Last) {
        if let Some(entry) = self.lock().get_mut(&key(target)) {
            entry.last = Some(last);
        }
    }

    /// Records the leaked goroutines of a target, unless it was removed meanwhile. `None` is for a program that has no
    /// such profile.
    pub(super) fn leaked(&self, target: &Target, leaks: Option<Leaks>) {
        if let Some(entry) = self.lock().get_mut(&key(target)) {
            entry.leaks = leaks;
        }
    }

    /// Asks for the next trace of a target's stream to be kept, for this reason.
    pub(super) fn request(&self, target: &Target, why: &str) {
        if let Some(entry) = self.lock().get_mut(&key(target)) {
            entry.request = Some(why.into());
        }
    }

    /// Takes the reason that [`request`](Self::request) left, if any.
    pub(super) fn take_request(&self, target: &Target) -> Option<String> {
        self.lock().get_mut(&key(target))?.request.take()
    }

    /// Returns all targets.
    pub(super) fn all(&self) -> Vec<Status> {
        let targets = self.lock();
        let all = targets.iter().map(|((labels, url), row)| Status {
            labels: (**labels).clone(),
            url: url.clone(),
            last: row.last.clone(),
            leaks: row.leaks.clone(),
        });
        all.collect()
    }

    fn lock(&self) -> MutexGuard<'_, Targets> {
        self.0.lock()
    }
}
