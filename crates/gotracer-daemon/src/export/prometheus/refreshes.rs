//! How well lists of targets can be had, by mechanism and job.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use super::head::Head;
use super::settings::InForce;

/// The label of a job here: `job` would be that of a traced program.
const JOB: &str = "config";

/// Failures, and the last success.
type Count = (u64, Option<SystemTime>);

/// Counts refreshes.
#[derive(Clone, Debug)]
pub struct Refreshes {
    counts: Arc<Mutex<BTreeMap<(&'static str, String), Count>>>,
    settings: InForce,
}

/// What failed.
pub static FAILURES: Head = Head::new(
    "gotracer_sd_refresh_failures",
    MetricType::Counter,
    "Lists of targets that could not be read; the targets that were known stay.",
);

/// What succeeded last.
pub static LAST: Head = Head::within(
    "gotracer_sd_last_refresh_success_timestamp",
    Unit::Seconds,
    MetricType::Gauge,
    "When lists of targets were last read, as Unix time.",
);

impl Refreshes {
    /// Nothing counted yet.
    pub fn new(settings: InForce) -> Self {
        Self {
            counts: Arc::default(),
            settings,
        }
    }

    /// Counts one, successful at that time or failed.
    pub fn count(&self, mechanism: &'static str, job: &str, at: Option<SystemTime>) {
        let mut all = self.lock();
        let (failures, last) = all.entry((mechanism, job.into())).or_default();
        match at {
            Some(_) => *last = at,
            None => *failures += 1,
        }
    }

    /// Ends a job's series.
    pub fn forget(&self, mechanism: &'static str, job: &str) {
        self.lock().remove(&(mechanism, job.into()));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(&'static str, String), Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Refreshes {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let all = self.lock();
        if all.is_empty() {
            return Ok(());
        }
        let settings = self.settings.get();
        if let Some(mut family) = FAILURES.begin(&mut encoder, &settings)? {
            for ((mechanism, job), (failures, _)) in &*all {
                let labels = [("mechanism", *mechanism), (JOB, job)];
                ConstCounter::new(*failures).encode(family.encode_family(&labels)?)?;
            }
        }
        let Some(mut family) = LAST.begin(&mut encoder, &settings)? else {
            return Ok(());
        };
        for ((mechanism, job), (_, last)) in &*all {
            let Some(since) = last.and_then(|at| at.duration_since(UNIX_EPOCH).ok()) else {
                continue;
            };
            let labels = [("mechanism", *mechanism), (JOB, job)];
            let value = ConstGauge::new(since.as_secs_f64());
            value.encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
