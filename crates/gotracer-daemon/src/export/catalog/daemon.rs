//! Metrics of the daemon itself: its work and its configuration.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::SystemTime;

use super::{Emit, Group, Kind, Metric, Point, Unit, counter, gauge};
use crate::build::Build;

/// Metrics of the daemon.
pub static METRICS: LazyLock<Vec<Metric<Arc<State>>>> = LazyLock::new(|| {
    vec![
        gauge(
            "gotracer_queue_length",
            "Traces that are complete and wait to be analyzed.",
            |s: &Arc<State>| Some(load(&s.queue)),
        ),
        gauge(
            "gotracer_stalled_reads",
            "Reads of files that hang because their file system does not answer. Other files go \
             on.",
            |s: &Arc<State>| Some(load(&s.stalled)),
        ),
        gauge(
            "gotracer_memory_budget",
            "Memory that all traces being read may hold together; see --memory.budget.",
            |s: &Arc<State>| Some(load(&s.budget)),
        )
        .unit(Unit::Bytes),
        gauge(
            "gotracer_memory_reserved",
            "Memory that the traces being read hold, in steps of 1 MiB. At the budget, more \
             traces wait.",
            |s: &Arc<State>| Some(load(&s.reserved)),
        )
        .unit(Unit::Bytes),
        gauge(
            "gotracer_config_last_reload_successful",
            "Whether the last attempt to read the configuration succeeded.",
            |s: &Arc<State>| Some(load(&s.reloaded)),
        ),
        gauge(
            "gotracer_config_last_reload_success_timestamp",
            "Unix time at which the configuration in force was read.",
            |s: &Arc<State>| Some(load(&s.reloaded_at_ms) as f64 / 1e3),
        )
        .unit(Unit::Seconds),
        gauge(
            "gotracer_shard_ordinal",
            "Number of this daemon among those that share all targets, from 0; see --shard.",
            |s: &Arc<State>| Some(load(&s.shard)),
        ),
        gauge(
            "gotracer_shards",
            "Number of daemons that share all targets. Where daemons disagree, targets are \
             captured twice or not at all.",
            |s: &Arc<State>| Some(load(&s.shards)),
        ),
        counter(
            "gotracer_label_sets_evicted",
            "Label sets of traces whose series ended because 1,000 others had newer traces.",
            |s: &Arc<State>| load(&s.evicted),
        ),
        Metric::new(
            Kind::Info,
            "gotracer_build",
            "Version, Git revision, rustc version and features of this gotracer.",
            |s: &Arc<State>, emit: &mut Emit<'_>| {
                let build = s.build.get().copied().unwrap_or_default();
                let labels = [
                    ("version", env!("CARGO_PKG_VERSION")),
                    ("revision", build.revision),
                    ("rustc", build.rustc),
                    ("features", build.features),
                ];
                emit(Point::new(&labels, 1u64));
            },
        )
        .labels(&["version", "revision", "rustc", "features"]),
        Metric::new(
            Kind::Info,
            "gotracer_external_url",
            "Address at which people reach this gotracer (--web.external-url), for links to its \
             reports.",
            |s: &Arc<State>, emit: &mut Emit<'_>| {
                if let Some(url) = s.url.get() {
                    emit(Point::new(&[("url", url)], 1u64));
                }
            },
        )
        .labels(&["url"]),
    ]
});

/// State of the daemon.
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
    /// Number of this daemon, from 0.
    pub shard: AtomicU64,
    /// Number of all daemons.
    pub shards: AtomicU64,
    /// Label sets.
    pub evicted: AtomicU64,
    /// Labels of `gotracer_build_info`.
    pub build: OnceLock<Build>,
    /// Label of `gotracer_external_url_info`.
    pub url: OnceLock<String>,
    reloaded: AtomicU64,
    reloaded_at_ms: AtomicU64,
}

fn load(of: &AtomicU64) -> u64 {
    of.load(Ordering::Relaxed)
}

impl State {
    /// Notes that the configuration was read, or could not be.
    pub fn reloaded(&self, successfully: bool) {
        self.reloaded.store(successfully.into(), Ordering::Relaxed);
        if successfully {
            let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
            self.reloaded_at_ms
                .store(now.as_millis() as u64, Ordering::Relaxed);
        }
    }
}

/// The daemon's metrics.
pub fn part(state: Arc<State>) -> Group<Arc<State>> {
    Group::new(&METRICS, move || Some(Arc::clone(&state)))
}
