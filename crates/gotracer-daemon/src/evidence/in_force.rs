//! The evidence store in force, which a reload replaces.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;

use super::item::Item;
use super::settings::Settings;
use super::stats::Stats;
use super::store::{Evidence, EvidenceError};

/// The evidence of the configuration in force, if it wants any.
#[derive(Debug)]
pub struct InForce {
    /// URL of gotracer's pages.
    url: String,
    stats: Arc<Stats>,
    now: RwLock<Option<Arc<Evidence>>>,
}

/// Store that can be in force next.
pub struct Next(Option<Arc<Evidence>>, Settings);

impl InForce {
    /// Nothing is kept yet. `url` is where gotracer's pages are.
    pub fn new(url: &str, stats: Arc<Stats>) -> Self {
        Self {
            url: url.trim_end_matches('/').into(),
            stats,
            now: RwLock::default(),
        }
    }

    /// The store in force.
    pub fn now(&self) -> Option<Arc<Evidence>> {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        now.clone()
    }

    /// All that is kept, the newest first.
    pub fn all(&self) -> Vec<Item> {
        self.now().map_or_else(Vec::new, |now| now.all())
    }

    /// Deletes traces that are too old.
    pub fn sweep(&self) {
        if let Some(now) = self.now() {
            now.sweep(Timestamp::now());
        }
    }

    /// Waits until everything is where it is to be, but no longer than that.
    pub fn flush(&self, longest: Duration) {
        if let Some(now) = self.now() {
            now.flush(longest);
        }
    }

    /// What would be in force by these settings. What is kept stays known if
    /// they say the same place.
    ///
    /// # Errors
    /// If the place can't be used.
    pub fn prepare(&self, settings: &Settings) -> Result<Next, EvidenceError> {
        let next = match self.now() {
            Some(now) if now.is_at(settings) => Some(now),
            now => Evidence::open(settings, &self.url, &self.stats, now.as_deref())?.map(Arc::new),
        };
        Ok(Next(next, settings.clone()))
    }

    /// From now on, this is in force.
    pub fn set(&self, Next(next, settings): Next) {
        self.stats.on.store(next.is_some(), Ordering::Relaxed);
        if let Some(next) = &next {
            next.configure(settings);
        }
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = next;
    }
}
