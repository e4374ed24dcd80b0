//! Reports as Prometheus metrics.
//!
//! `gotrace_*` is what was seen in the Go programs, `gotracer_*` is the
//! exporter itself. Label sets are bounded: a target's labels, rules,
//! severities and reasons. A target's series start at 0 when it becomes known
//! and end when it is forgotten.

mod births;
mod delivery;
mod encoder;
mod evidence;
mod families;
mod format;
mod head;
mod histogram;
mod names;
mod own;
mod places;
mod process;
mod refreshes;
mod releases;
mod sample;
mod server;
mod settings;
mod signals;
mod storage;
mod stream;
mod target;
mod targets;
mod text;
mod watches;

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use prometheus_client::encoding::prometheus_protobuf;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use self::births::{Births, View};
use self::encoder::Encoder;
use self::refreshes::Refreshes;
use self::settings::InForce;
use self::target::{Limits, Target};
use self::targets::{Targets, lock};
use crate::build::Build;
use crate::evidence::Stats;
use crate::export::otlp;
use crate::labels::Labels;
use crate::releases::Release;
use crate::report::Report;

pub(in crate::export) use families::help;
pub use format::{Encoding, Format};
pub use names::Escaping;
pub use server::ServerStats;
pub use settings::{Settings, SettingsError};
pub(in crate::export) use signals::bounds;
pub use storage::Stores;
pub use stream::{Gap, Stream};
pub use watches::Watched;

/// Counts what reports tell and writes it for Prometheus.
pub struct Exporter {
    targets: Targets,
    /// Metrics of the exporter itself.
    registry: Registry,
    releases: Option<releases::Releases>,
    settings: InForce,
    births: Births,
    /// When its own counters stood at 0.
    created: SystemTime,
    reasons: &'static [&'static str],
    own: Arc<own::State>,
    refreshes: Refreshes,
}

impl Exporter {
    /// Nothing counted yet. `reasons` are the reasons for failures that there
    /// can be, so that each can start at 0.
    pub fn new(reasons: &'static [&'static str]) -> Self {
        let mut exporter = Self::of_targets(reasons);
        let own = own::Own(Arc::clone(&exporter.own), exporter.settings.clone());
        exporter.registry.register_collector(Box::new(own));
        let refreshes = Box::new(exporter.refreshes.clone());
        exporter.registry.register_collector(refreshes);
        exporter
    }

    fn of_targets(reasons: &'static [&'static str]) -> Self {
        let settings = InForce::default();
        Self {
            targets: Targets::default(),
            registry: Registry::default(),
            releases: None,
            births: Births::default(),
            created: SystemTime::now(),
            reasons,
            own: Arc::default(),
            refreshes: Refreshes::new(settings.clone()),
            settings,
        }
    }

    /// Adds revision, compiler and features to `gotracer_build_info`.
    #[must_use]
    pub fn with_build(self, build: Build) -> Self {
        self.own.build.get_or_init(|| build);
        self
    }

    /// Tells about this process as well.
    #[must_use]
    pub fn with_process(mut self) -> Self {
        let process = process::Process(self.settings.clone());
        self.registry.register_collector(Box::new(process));
        self
    }

    /// One that tells of the targets alone, and of how one attempt to capture
    /// went.
    pub fn of_probe(
        reasons: &'static [&'static str],
        settings: Settings,
        success: bool,
        took: Duration,
    ) -> Self {
        let mut exporter = Self::of_targets(reasons);
        exporter.configure(settings);
        let succeeded = Gauge::<u64, AtomicU64>::default();
        succeeded.set(success.into());
        exporter.registry.register(
            "probe_success",
            "Whether a whole trace was captured",
            succeeded,
        );
        let duration = Gauge::<f64, AtomicU64>::default();
        duration.set(took.as_secs_f64());
        let help = "How long the capture and its analysis took";
        exporter
            .registry
            .register_with_unit("probe_duration", help, Unit::Seconds, duration);
        exporter
    }

    /// Tells what became of what is sent by OTLP.
    #[must_use]
    pub fn with_otlp(mut self, stats: Arc<otlp::Stats>) -> Self {
        let delivery = delivery::Delivery(stats, self.settings.clone());
        self.registry.register_collector(Box::new(delivery));
        self
    }

    /// Tells what became of releases as well: those that `running` gives at
    /// each scrape.
    #[must_use]
    pub fn with_releases(
        mut self,
        running: impl Fn() -> Vec<Release> + Send + Sync + 'static,
    ) -> Self {
        self.releases = Some(releases::Releases(Arc::new(running)));
        self
    }

    /// Tells what became of what is kept.
    #[must_use]
    pub fn with_evidence(mut self, stats: Arc<Stats>) -> Self {
        let evidence = evidence::Evidence(stats, self.settings.clone());
        self.registry.register_collector(Box::new(evidence));
        self
    }

    /// Adds whether what outlives the daemon can be written.
    #[must_use]
    pub fn with_storage(mut self, stores: Stores, evidence: Arc<Stats>) -> Self {
        let storage = storage::Storage(stores, evidence, self.settings.clone());
        self.registry.register_collector(Box::new(storage));
        self
    }

    /// Exposes how the watched directories are: those that `all` gives at each
    /// scrape.
    #[must_use]
    pub fn with_watches(mut self, all: impl Fn() -> Vec<Watched> + Send + Sync + 'static) -> Self {
        let watches = watches::Watches(Arc::new(all), self.settings.clone());
        self.registry.register_collector(Box::new(watches));
        self
    }

    /// Tells about the HTTP server as well.
    #[must_use]
    pub fn with_server(mut self, stats: Arc<ServerStats>) -> Self {
        let server = server::Server(stats, self.settings.clone());
        self.registry.register_collector(Box::new(server));
        self
    }

    /// From now on, these settings are in force.
    pub fn configure(&self, settings: Settings) {
        self.settings.set(settings);
    }

    /// The settings in force.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.get()
    }

    /// Makes a target known: all its counters stand at 0, and count at once.
    pub fn add(&self, target: &Labels) {
        self.targets.with(|targets| {
            let new = || Target::new(self.reasons, self.births.beforehand(), &self.births);
            targets.add(target, new);
        });
    }

    /// Makes room for a target that was not known beforehand: of too many such
    /// label sets, returns the one not heard of for longest, which is to be
    /// [forgotten](Self::forget).
    pub fn make_room(&self, target: &Labels) -> Option<Arc<Labels>> {
        let oldest = self.targets.with(|targets| targets.in_the_way_of(target))?;
        let evicted = self.own.evicted.fetch_add(1, Ordering::Relaxed);
        if evicted == 0 {
            tracing::warn!(
                labels = %oldest,
                "label sets of traces reached their bound; those without a trace for longest are \
                 evicted and counted in gotracer_label_sets_evicted_total"
            );
        }
        Some(oldest)
    }

    /// The targets that have series.
    pub fn known(&self) -> Vec<Labels> {
        self.targets.with(|targets| targets.known())
    }

    /// Forgets a target: its series end.
    pub fn forget(&self, target: &Labels) {
        self.targets.with(|targets| targets.remove(target));
    }

    /// Counts what a trace told, which took so long to find out, at that time.
    pub fn record(&self, target: &Labels, report: &Report, took: Duration, at: SystemTime) {
        self.count(target, |t, limits| t.record(report, took, at, limits));
    }

    /// Counts what a generation of a stream told, so long after its end; the
    /// `first` of its trace.
    pub fn record_generation(
        &self,
        target: &Labels,
        report: &Report,
        at: SystemTime,
        delay: Option<Duration>,
        first: bool,
    ) {
        self.count(target, |t, limits| {
            t.traces += u64::from(first);
            t.take_in(report, at, limits);
            if let Some(stream) = &mut t.stream {
                stream.generations += report.trace.generations;
                stream.delay = delay.or(stream.delay);
            }
        });
    }

    /// Notes how a target's stream goes.
    pub fn stream(&self, target: &Labels, note: impl FnOnce(&mut Stream)) {
        self.on(target, |t| note(t.stream.get_or_insert_default()));
    }

    fn count(&self, target: &Labels, count: impl FnOnce(&mut Target, &Limits<'_>)) {
        let settings = self.settings();
        let limits = Limits {
            settings: &settings,
            fixed: families::fixed_series(&settings),
        };
        let full = self.on(target, |t| {
            let before = t.dropped_series;
            count(t, &limits);
            before == 0 && t.dropped_series > 0
        });
        if full {
            tracing::warn!(
                %target,
                series_limit = settings.series_limit,
                "a target has as many series as it may; more are left out and counted in \
                 gotracer_dropped_series_total"
            );
        }
    }

    /// Counts a trace that could not be had or read, or only in part.
    pub fn failed(&self, target: &Labels, reason: &'static str) {
        self.on(target, |t| *t.failures.entry(reason).or_default() += 1);
    }

    /// Counts turns of a target in which no trace was captured, though no attempt
    /// failed.
    pub fn missed(&self, target: &Labels, turns: u64) {
        self.on(target, |t| t.missed += turns);
    }

    /// Traces that wait to be analysed.
    pub fn set_queue_length(&self, length: usize) {
        self.own.queue.store(length as u64, Ordering::Relaxed);
    }

    /// Reads of files that hang.
    pub fn set_stalled_reads(&self, reads: usize) {
        self.own.stalled.store(reads as u64, Ordering::Relaxed);
    }

    /// Bytes that traces being read may hold, and those reserved for what they
    /// hold now.
    pub fn set_memory(&self, budget: u64, reserved: u64) {
        self.own.budget.store(budget, Ordering::Relaxed);
        self.own.reserved.store(reserved, Ordering::Relaxed);
    }

    /// Which of several daemons this one is, and how many they are.
    pub fn set_shard(&self, ordinal: u32, total: u32) {
        self.own.shard.store(ordinal.into(), Ordering::Relaxed);
        self.own.shards.store(total.into(), Ordering::Relaxed);
    }

    /// The configuration was read, or could not be.
    pub fn reloaded(&self, successfully: bool) {
        self.own.reloaded(successfully);
    }

    /// A job's targets were refreshed at a time, or could not be.
    pub fn refreshed(&self, mechanism: &'static str, job: &str, at: Option<SystemTime>) {
        self.refreshes.count(mechanism, job, at);
    }

    /// A job's targets are no longer refreshed.
    pub fn forget_refreshes(&self, mechanism: &'static str, job: &str) {
        self.refreshes.forget(mechanism, job);
    }

    /// The whole exposition in memory: everything counts.
    ///
    /// # Errors
    /// If it could not be written; nothing of it is of use then.
    pub fn encode(&self, encoding: Encoding) -> io::Result<Vec<u8>> {
        self.write(encoding, self.births.everything(), Vec::new())
    }

    /// An exposition for a scraper, by whatever tells it from others.
    pub fn exposition(self: &Arc<Self>, encoding: Encoding, scraper: String) -> Exposition {
        Exposition {
            exporter: Arc::clone(self),
            view: self.births.view(&scraper),
            encoding,
            scraper,
        }
    }

    fn write<W: Write>(&self, encoding: Encoding, view: View, out: W) -> io::Result<W> {
        let settings = self.settings();
        let mut encoder = Encoder::new(out, encoding, settings.created_series);
        self.targets.write(&mut encoder, &settings, view)?;
        let own = prometheus_protobuf::encode(&self.registry).map_err(io::Error::other)?;
        for mut family in own {
            let counters = family.metric.iter_mut().filter_map(|m| m.counter.as_mut());
            counters.for_each(|counter| counter.start_timestamp = Some(self.created.into()));
            encoder.whole(family)?;
        }
        if let Some(releases) = &self.releases {
            releases.write(&mut encoder, &settings)?;
        }
        encoder.finish()
    }

    fn on<T>(&self, target: &Labels, f: impl FnOnce(&mut Target) -> T) -> T {
        let target = self.targets.with(|targets| {
            let new = || Target::new(self.reasons, self.births.with_a_trace(), &self.births);
            targets.heard_of(target, new)
        });
        f(&mut lock(&target))
    }
}

/// One exposition for one scraper.
pub struct Exposition {
    exporter: Arc<Exporter>,
    encoding: Encoding,
    view: View,
    scraper: String,
}

impl Exposition {
    /// Writes it, and gives back what it was written to. No lock is held while
    /// `out` takes its time.
    ///
    /// # Errors
    /// If it could not be written; nothing of it is of use then.
    pub fn write<W: Write>(&self, out: W) -> io::Result<W> {
        self.exporter.write(self.encoding, self.view, out)
    }

    /// The scraper has all of it: series that it shows at 0 since they are new
    /// count in the scraper's next one.
    pub fn delivered(&self) {
        self.exporter.births.delivered(&self.scraper, self.view);
    }
}
