//! Metrics of what outlives the daemon: whether it can be written.

use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;

use super::{Emit, Group, Kind, Metric, Point};
use crate::evidence::Stats;
use crate::storage::Health;

/// Metrics of the stores.
pub static METRICS: LazyLock<Vec<Metric<Vec<Store>>>> = LazyLock::new(|| {
    vec![
        Metric::new(
            Kind::Gauge,
            "gotracer_storage_up",
            "Whether the last write succeeded: of the journal of analyzed traces, of releases, of \
             evidence.",
            |stores: &Vec<Store>, emit: &mut Emit<'_>| {
                for (name, health) in stores {
                    emit(Point::new(&[("store", name)], health.is_up()));
                }
            },
        )
        .labels(&["store"]),
        Metric::new(
            Kind::Counter,
            "gotracer_storage_failures",
            "Writes to a store that failed. Journal and releases are written again until it \
             succeeds.",
            |stores: &Vec<Store>, emit: &mut Emit<'_>| {
                for (name, health) in stores {
                    emit(Point::new(&[("store", name)], health.failures()));
                }
            },
        )
        .labels(&["store"]),
    ]
});

/// Stores by name, with their health.
#[derive(Clone, Debug, Default)]
pub struct Stores(Arc<Mutex<Vec<Store>>>);

type Store = (&'static str, Arc<Health>);

impl Stores {
    /// Adds a store. Returns the health to keep up to date.
    pub fn add(&self, name: &'static str) -> Arc<Health> {
        let health = Arc::<Health>::default();
        let mut stores = self.0.lock();
        stores.push((name, Arc::clone(&health)));
        health
    }

    fn all(&self) -> Vec<Store> {
        self.0.lock().clone()
    }
}

/// The metrics of the stores, and of evidence while any is kept.
pub fn part(stores: Stores, evidence: Arc<Stats>) -> Group<Vec<Store>> {
    Group::new(&METRICS, move || {
        let mut all = stores.all();
        if evidence.on.load(Ordering::Relaxed) {
            all.push(("evidence", Arc::clone(&evidence.disk)));
        }
        Some(all)
    })
}
