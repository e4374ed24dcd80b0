//! Reports as Prometheus metrics.
//!
//! `gotrace_*` is what was seen in the Go programs, `gotracer_*` is the
//! exporter itself. Label sets are bounded: a target's labels, rules,
//! severities and reasons. A target's series start at 0 when it becomes known
//! and end when it is forgotten.

mod collector;
mod delivery;
mod format;
mod histogram;
mod process;
mod refreshes;
mod signals;
mod target;
mod text;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use prometheus_client::encoding::prometheus_protobuf;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use self::collector::Targets;
use self::refreshes::Refreshes;
use self::target::Target;
use crate::export::otlp;
use crate::labels::Labels;
use crate::report::Report;

pub use format::Format;
pub(in crate::export) use signals::SIGNALS;

/// Why an exposition could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the metrics could not be encoded")]
pub struct EncodeError;

impl From<fmt::Error> for EncodeError {
    fn from(_: fmt::Error) -> Self {
        Self
    }
}

impl From<prometheus_protobuf::EncodeError> for EncodeError {
    fn from(_: prometheus_protobuf::EncodeError) -> Self {
        Self
    }
}

/// Counts what reports tell and writes it for Prometheus.
pub struct Exporter {
    registry: Registry,
    targets: Targets,
    reasons: &'static [&'static str],
    queue: Gauge<u64, AtomicU64>,
    reloaded: Gauge<u64, AtomicU64>,
    reloaded_at: Gauge<f64, AtomicU64>,
    refreshes: Refreshes,
}

impl Exporter {
    /// Nothing counted yet. `reasons` are the reasons for failures that there
    /// can be, so that each can start at 0.
    pub fn new(reasons: &'static [&'static str]) -> Self {
        let mut registry = Registry::default();
        let targets = Targets::default();
        registry.register_collector(Box::new(targets.clone()));
        let queue = Gauge::default();
        let reloaded = Gauge::default();
        let reloaded_at = Gauge::default();
        registry.register(
            "gotracer_queue_length",
            "Traces that are complete and wait to be analysed",
            queue.clone(),
        );
        registry.register(
            "gotracer_config_last_reload_successful",
            "Whether the last attempt to read the configuration succeeded",
            reloaded.clone(),
        );
        registry.register_with_unit(
            "gotracer_config_last_reload_success_timestamp",
            "When the configuration in force was read, as Unix time",
            Unit::Seconds,
            reloaded_at.clone(),
        );
        registry.register(
            "gotracer_build",
            "What this gotracer is",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        let refreshes = Refreshes::default();
        registry.register_collector(Box::new(refreshes.clone()));
        Self {
            registry,
            targets,
            reasons,
            queue,
            reloaded,
            reloaded_at,
            refreshes,
        }
    }

    /// Tells about this process as well.
    #[must_use]
    pub fn with_process(mut self) -> Self {
        self.registry.register_collector(Box::new(process::Process));
        self
    }

    /// One that tells of the targets alone, and of how one attempt to capture
    /// went.
    pub fn of_probe(reasons: &'static [&'static str], success: bool, took: Duration) -> Self {
        let mut registry = Registry::default();
        let targets = Targets::default();
        registry.register_collector(Box::new(targets.clone()));
        let succeeded = Gauge::<u64, AtomicU64>::default();
        succeeded.set(success.into());
        registry.register(
            "probe_success",
            "Whether a whole trace was captured",
            succeeded,
        );
        let duration = Gauge::<f64, AtomicU64>::default();
        duration.set(took.as_secs_f64());
        let help = "How long the capture and its analysis took";
        registry.register_with_unit("probe_duration", help, Unit::Seconds, duration);
        Self {
            registry,
            targets,
            reasons,
            queue: Gauge::default(),
            reloaded: Gauge::default(),
            reloaded_at: Gauge::default(),
            refreshes: Refreshes::default(),
        }
    }

    /// Tells what became of what is sent by OTLP.
    #[must_use]
    pub fn with_otlp(mut self, stats: Arc<otlp::Stats>) -> Self {
        let delivery = Box::new(delivery::Delivery(stats));
        self.registry.register_collector(delivery);
        self
    }

    /// Makes a target known: all its counters stand at 0.
    pub fn add(&self, target: &Labels) {
        self.on(target, |_| ());
    }

    /// The targets that have series.
    pub fn known(&self) -> Vec<Labels> {
        self.targets
            .with(|targets| targets.keys().cloned().collect())
    }

    /// Forgets a target: its series end.
    pub fn forget(&self, target: &Labels) {
        self.targets.with(|targets| targets.remove(target));
    }

    /// Counts what a trace told, which took so long to find out, at that time.
    pub fn record(&self, target: &Labels, report: &Report, took: Duration, at: SystemTime) {
        self.on(target, |t| t.record(report, took, at));
    }

    /// Counts a trace that could not be had or read, or only in part.
    pub fn failed(&self, target: &Labels, reason: &'static str) {
        self.on(target, |t| *t.failures.entry(reason).or_default() += 1);
    }

    /// Traces that wait to be analysed.
    pub fn set_queue_length(&self, length: usize) {
        self.queue.set(length as u64);
    }

    /// The configuration was read, or could not be.
    pub fn reloaded(&self, successfully: bool) {
        self.reloaded.set(successfully.into());
        if successfully {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            self.reloaded_at.set(now.unwrap_or_default().as_secs_f64());
        }
    }

    /// A job's targets were refreshed at a time, or could not be.
    pub fn refreshed(&self, mechanism: &'static str, job: &str, at: Option<SystemTime>) {
        self.refreshes.count(mechanism, job, at);
    }

    /// A job's targets are no longer refreshed.
    pub fn forget_refreshes(&self, mechanism: &'static str, job: &str) {
        self.refreshes.forget(mechanism, job);
    }

    /// The whole exposition.
    ///
    /// # Errors
    /// If it could not be written; nothing of it is of use then.
    pub fn encode(&self, format: Format) -> Result<Vec<u8>, EncodeError> {
        Ok(match format {
            Format::Protobuf => prometheus_protobuf::encode_to_vec(&self.registry)?,
            Format::Text => {
                text::encode(&prometheus_protobuf::encode(&self.registry)?)?.into_bytes()
            }
            Format::OpenMetrics => {
                let mut out = String::new();
                prometheus_client::encoding::text::encode(&mut out, &self.registry)?;
                out.into_bytes()
            }
        })
    }

    fn on(&self, target: &Labels, f: impl FnOnce(&mut Target)) {
        self.targets.with(|targets| {
            if let Some(known) = targets.get_mut(target) {
                f(known);
            } else {
                let new = || Target::new(self.reasons);
                f(targets.entry(target.clone()).or_insert_with(new));
            }
        });
    }
}
