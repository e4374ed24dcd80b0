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
