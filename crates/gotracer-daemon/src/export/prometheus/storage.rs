//! Whether what outlives the daemon can be written, as metrics of the exporter
//! itself.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::head::Head;
use super::settings::InForce;
use crate::evidence::Stats;
use crate::storage::Health;

/// Whether a store is up.
pub static UP: Head = Head::new(
    "gotracer_storage_up",
    MetricType::Gauge,
    "Whether the last write succeeded: of the journal of analyzed traces, of releases, of evidence.",
);

/// Failed writes.
pub static FAILURES: Head = Head::new(
    "gotracer_storage_failures",
    MetricType::Counter,
    "Writes to a store that failed. Journal and releases are written again until it succeeds.",
);

/// Stores by name, with their health.
#[derive(Clone, Debug, Default)]
pub struct Stores(Arc<Mutex<Vec<Store>>>);

type Store = (&'static str, Arc<Health>);

impl Stores {
    /// Adds a store. Returns the health to keep up to date.
    pub fn add(&self, name: &'static str) -> Arc<Health> {
        let health = Arc::<Health>::default();
        let mut stores = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stores.push((name, Arc::clone(&health)));
        health
    }

    fn all(&self) -> Vec<Store> {
        let stores = self.0.lock();
        stores.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reads the state of the stores at each scrape.
#[derive(Debug)]
pub struct Storage(pub Stores, pub Arc<Stats>, pub InForce);

impl Collector for Storage {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (mut stores, settings) = (self.0.all(), self.2.get());
        if self.1.on.load(Ordering::Relaxed) {
            stores.push(("evidence", Arc::clone(&self.1.disk)));
        }
        if stores.is_empty() {
            return Ok(());
        }
        if let Some(mut family) = UP.begin(&mut encoder, &settings)? {
            for (name, health) in &stores {
                let gauge = ConstGauge::new(u64::from(health.is_up()));
                gauge.encode(family.encode_family(&[("store", *name)])?)?;
            }
        }
        if let Some(mut family) = FAILURES.begin(&mut encoder, &settings)? {
            for (name, health) in &stores {
                let counter = ConstCounter::new(health.failures());
                counter.encode(family.encode_family(&[("store", *name)])?)?;
            }
        }
        Ok(())
    }
}
