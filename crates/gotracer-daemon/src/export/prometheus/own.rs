//! The exporter itself: what it has to do, and by which configuration.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use crate::build::Build;

use super::head::{Head, Valued};
use super::settings::InForce;

/// Its families, each with its value.
pub static FAMILIES: [Valued<State>; 9] = [
    (
        Head::new(
            "gotracer_queue_length",
            MetricType::Gauge,
            "Traces that are complete and wait to be analysed.",
        ),
        |s| count(&s.queue),
    ),
    (
        Head::new(
            "gotracer_stalled_reads",
            MetricType::Gauge,
            "Reads of files that hang because their file system does not answer. Other files go on.",
        ),
        |s| count(&s.stalled),
    ),
    (
        Head::within(
            "gotracer_memory_budget",
            Unit::Bytes,
            MetricType::Gauge,
            "What all traces being read may take together; see --memory.budget.",
        ),
        |s| count(&s.budget),
    ),
    (
        Head::within(
            "gotracer_memory_reserved",
            Unit::Bytes,
            MetricType::Gauge,
            "What the traces being read are expected to take. At the budget, more traces wait.",
        ),
        |s| count(&s.reserved),
    ),
    (
        Head::new(
            "gotracer_config_last_reload_successful",
            MetricType::Gauge,
            "Whether the last attempt to read the configuration succeeded.",
        ),
        |s| count(&s.reloaded),
    ),
    (
        Head::within(
            "gotracer_config_last_reload_success_timestamp",
            Unit::Seconds,
            MetricType::Gauge,
            "When the configuration in force was read, as Unix time.",
        ),
        |s| count(&s.reloaded_at_ms) / 1e3,
    ),
    (
        Head::new(
            "gotracer_shard_ordinal",
            MetricType::Gauge,
            "Which of the daemons that share all targets this one is, from 0; see --shard.",
        ),
        |s| count(&s.shard),
    ),
    (
        Head::new(
            "gotracer_shards",
            MetricType::Gauge,
            "How many daemons share all targets; where they don't agree, targets are captured twice or not at all.",
        ),
        |s| count(&s.shards),
    ),
    (
        Head::new(
            "gotracer_label_sets_evicted",
            MetricType::Counter,
            "Label sets of traces whose series ended because there were 1,000 others with newer \
                traces.",
        ),
        |s| count(&s.evicted),
    ),
];

/// Family of the build information.
pub static BUILD: Head = Head::new(
    "gotracer_build",
    MetricType::Info,
    "Version, Git revision, rustc version and features of this gotracer.",
);

/// What the families tell.
#[derive(Debug, Default)]
pub struct State {
    /// Traces that wait.
    pub queue: AtomicU64,
    /// Reads that hang.
    pub stalled: AtomicU64,
    /// Bytes.
    pub budget: AtomicU64,
    /// Bytes.
    pub reserved: AtomicU64,
    /// From 0.
    pub shard: AtomicU64,
    /// Together.
    pub shards: AtomicU64,
    /// Label sets.
    pub evicted: AtomicU64,
    /// Labels of `gotracer_build_info`.
    pub build: OnceLock<Build>,
    reloaded: AtomicU64,
    reloaded_at_ms: AtomicU64,
}

fn count(of: &AtomicU64) -> f64 {
    of.load(Ordering::Relaxed) as f64
}

impl State {
    /// The configuration was read, or could not be.
    pub fn reloaded(&self, successfully: bool) {
        self.reloaded.store(successfully.into(), Ordering::Relaxed);
        if successfully {
            let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
            self.reloaded_at_ms
                .store(now.as_millis() as u64, Ordering::Relaxed);
        }
    }
}

/// Writes them.
#[derive(Debug)]
pub struct Own(pub Arc<State>, pub InForce);

impl Collector for Own {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let settings = self.1.get();
        for (head, value) in &FAMILIES {
            if let Some(family) = head.begin(&mut encoder, &settings)? {
                match head.kind {
                    MetricType::Counter => ConstCounter::new(value(&self.0)).encode(family)?,
                    _ => ConstGauge::new(value(&self.0)).encode(family)?,
                }
            }
        }
        if let Some(mut family) = BUILD.begin(&mut encoder, &settings)? {
            let build = self.0.build.get().copied().unwrap_or_default();
            family.encode_info(&[
                ("version", env!("CARGO_PKG_VERSION")),
                ("revision", build.revision),
                ("rustc", build.rustc),
                ("features", build.features),
            ])?;
        }
        Ok(())
    }
}
