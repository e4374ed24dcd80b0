//! Evidence store of the current configuration, which a reload replaces.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;

use super::error::EvidenceError;
use super::item::Item;
use super::settings::Settings;
use super::stats::Stats;
use super::store::Evidence;
use crate::live::Live;

/// Evidence store of the current configuration, if evidence is enabled.
#[derive(Debug)]
pub struct LiveEvidence {
    /// URL of gotracer's pages.
    url: String,
    stats: Arc<Stats>,
    now: Live<Option<Arc<Evidence>>>,
}

/// Store to switch to, with its settings.
pub struct Next(Option<Arc<Evidence>>, Settings);

impl LiveEvidence {
    /// Creates a holder without a store. `url` is the external URL of gotracer's pages.
    pub fn new(url: &str, stats: Arc<Stats>) -> Self {
        Self {
            url: url.trim_end_matches('/').into(),
            stats,
            now: Live::default(),
        }
    }

    /// Returns the current store.
    pub fn now(&self) -> Option<Arc<Evidence>> {
        (*self.now.get()).clone()
    }

    /// Lists all kept traces, newest first.
    pub fn all(&self) -> Vec<Item> {
        self.now().map_or_else(Vec::new, |now| now.all())
    }

    /// Deletes traces that are too old.
    pub fn sweep(&self) {
        if let Some(now) = self.now() {
            now.sweep(Timestamp::now());
        }
    }

    /// Waits for pending uploads, at most `longest`.
    pub fn flush(&self, longest: Duration) {
        if let Some(now) = self.now() {
            now.flush(longest);
        }
    }

    /// Opens the store for these settings. Kept traces stay listed if the location is the same.
    ///
    /// # Errors
    /// If the location cannot be used.
    pub fn prepare(&self, settings: &Settings) -> Result<Next, EvidenceError> {
        let next = match self.now() {
            Some(now) if now.is_at(settings) => Some(now),
            now => Evidence::open(settings, &self.url, &self.stats, now.as_deref())?.map(Arc::new),
        };
        Ok(Next(next, settings.clone()))
    }

    /// Switches to a prepared store.
    pub fn set(&self, Next(next, settings): Next) {
        self.stats.on.store(next.is_some(), Ordering::Relaxed);
        if let Some(next) = &next {
            next.configure(settings);
        }
        self.now.set(next);
    }
}
