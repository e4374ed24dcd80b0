//! The targets, and how the last capture of each went.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::failure::Failure;
use crate::labels::Labels;
use crate::source::scrape::{Options, Target};

/// The last capture of a target.
#[derive(Clone, Debug)]
pub struct Last {
    /// When it ended.
    pub at: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// Why it gave nothing, or only a part.
    pub failure: Option<(Failure, String)>,
}

/// The targets there are, by their labels and URL; without a last capture,
/// none is over yet.
#[derive(Default)]
pub struct Board(Mutex<Targets>);

type Targets = BTreeMap<(Labels, String), Row>;

struct Row {
    target: Target,
    options: Options,
    last: Option<Last>,
    turn: Turn,
    /// Why somebody wants what a stream just sent to be kept.
    request: Option<String>,
}

/// Held by whoever captures a target: one at a time.
pub type Turn = Arc<tokio::sync::Mutex<()>>;

fn key(target: &Target) -> (Labels, String) {
    ((*target.labels).clone(), target.url().to_string())
}

impl Board {
    /// A target is there.
    pub fn add(&self, target: &Target, options: Options) {
        let new = || Row {
            target: target.clone(),
            options: options.clone(),
            last: None,
            turn: Turn::default(),
            request: None,
        };
        self.lock().entry(key(target)).or_insert_with(new).options = options.clone();
    }

    /// The target with that instance, host and port, or URL; of that job, if
    /// one is named.
    pub fn find(&self, name: &str, job: &str) -> Option<(Target, Options, Turn)> {
        let targets = self.lock();
        let row = targets.values().find(|row| {
            let url = row.target.url();
            let host = url.authority().is_some_and(|a| a.as_str() == name);
            let labels = &row.target.labels;
            (host || labels.get("instance") == name || *url == *name)
                && (job.is_empty() || labels.get("job") == job)
        })?;
        let turn = Arc::clone(&row.turn);
        Some((row.target.clone(), row.options.clone(), turn))
    }

    /// The targets that labels mean, as those of an alert do: what both have of
    /// job, instance and service is the same, and that is at least one of the
    /// latter two.
    pub fn meant(&self, labels: &BTreeMap<String, String>) -> Vec<(Target, Options, Turn)> {
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
                    row.options.clone(),
                    Arc::clone(&row.turn),
                )
            })
            .collect()
    }

    /// To be held while a target is captured.
    pub fn turn(&self, target: &Target) -> Turn {
        let targets = self.lock();
        let row = targets.get(&key(target));
        row.map_or_else(Turn::default, |row| Arc::clone(&row.turn))
    }

    /// A target is no longer there.
    pub fn remove(&self, target: &Target) {
        self.lock().remove(&key(target));
    }

    /// A capture is over; of a target that has gone meanwhile, nobody asks.
    pub fn captured(&self, target: &Target, last: Last) {
        if let Some(entry) = self.lock().get_mut(&key(target)) {
            entry.last = Some(last);
        }
    }

    /// Somebody wants what a target's stream just sent to be kept, and says
    /// why.
    pub fn request(&self, target: &Target, why: &str) {
        if let Some(entry) = self.lock().get_mut(&key(target)) {
            entry.request = Some(why.into());
        }
    }

    /// What was asked for, once.
    pub fn take_request(&self, target: &Target) -> Option<String> {
        self.lock().get_mut(&key(target))?.request.take()
    }

    /// All targets.
    pub fn all(&self) -> Vec<(Labels, String, Option<Last>)> {
        let targets = self.lock();
        let all = targets.iter();
        all.map(|((labels, url), row)| (labels.clone(), url.clone(), row.last.clone()))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Targets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
