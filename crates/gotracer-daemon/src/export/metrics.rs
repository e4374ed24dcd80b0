//! All metrics of the daemon: it counts reports, and exporters read.

use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use super::births::{Birth, Births, View};
use super::catalog::refreshes::Refreshes;
use super::catalog::{
    self, Desc, Emit, IgnoreEntries, Metric, Part, Point, Value, daemon, delivery, evidence,
    ignore, process, server, storage, watches,
};
use super::settings::Settings;
use super::targets::{Shared, Targets};
use super::totals::{LeakProfile, Limits, Stream, Totals};
use crate::build::Build;
use crate::evidence::Stats;
use crate::labels::Labels;
use crate::live::Live;
use crate::releases::Release;
use crate::report::Report;
use crate::rules::Distribution;

/// Metrics of all targets and of the daemon.
pub struct Metrics {
    targets: Targets,
    /// Parts of the daemon with metrics of their own.
    parts: Vec<Box<dyn Part>>,
    settings: Arc<Live<Settings>>,
    births: Births,
    /// Start of the daemon's own series.
    started: Birth,
    reasons: &'static [&'static str],
    state: Arc<daemon::State>,
    refreshes: Refreshes,
}

impl Metrics {
    /// Returns metrics that are all 0. `reasons` are all reasons of failures, so that
    /// each starts at 0.
    pub fn new(reasons: &'static [&'static str]) -> Self {
        let mut metrics = Self::of_targets(reasons);
        let (state, refreshes) = (Arc::clone(&metrics.state), metrics.refreshes.clone());
        metrics.parts.push(Box::new(daemon::part(state)));
        metrics.parts.push(Box::new(refreshes.part()));
        metrics
    }

    /// Returns metrics of targets alone, without those of the daemon.
    pub fn of_targets(reasons: &'static [&'static str]) -> Self {
        let births = Births::default();
        Self {
            targets: Targets::default(),
            parts: Vec::new(),
            settings: Arc::default(),
            started: births.beforehand(),
            births,
            reasons,
            state: Arc::default(),
            refreshes: Refreshes::default(),
        }
    }

    /// Adds a part of the daemon.
    #[must_use]
    fn with(mut self, part: impl Part + 'static) -> Self {
        self.parts.push(Box::new(part));
        self
    }

    /// Adds revision, compiler and features to `gotracer_build_info`.
    #[must_use]
    pub fn with_build(self, build: Build) -> Self {
        self.state.build.get_or_init(|| build);
        self
    }

    /// Sets the address at which people reach the daemon.
    pub fn set_url(&self, url: &str) {
        self.state.url.get_or_init(|| url.to_owned());
    }

    /// Adds this process.
    #[must_use]
    pub fn with_process(self) -> Self {
        self.with(process::part())
    }

    /// Adds the delivery by OTLP.
    #[must_use]
    pub fn with_otlp(self, stats: Arc<delivery::Stats>) -> Self {
        self.with(delivery::part(stats))
    }

    /// Adds the releases that `running` returns at each collection.
    #[must_use]
    pub fn with_releases(self, running: impl Fn() -> Vec<Release> + Send + Sync + 'static) -> Self {
        self.with(catalog::releases::part(running))
    }

    /// Adds the evidence.
    #[must_use]
    pub fn with_evidence(self, stats: Arc<Stats>) -> Self {
        self.with(evidence::part(stats))
    }

    /// Adds whether what outlives the daemon can be written.
    #[must_use]
    pub fn with_storage(self, stores: storage::Stores, evidence: Arc<Stats>) -> Self {
        self.with(storage::part(stores, evidence))
    }

    /// Adds the watched directories that `all` returns at each collection.
    #[must_use]
    pub fn with_watches(
        self,
        all: impl Fn() -> Vec<watches::Watched> + Send + Sync + 'static,
    ) -> Self {
        self.with(watches::part(all))
    }

    /// Adds the entries of `ignore` that `count` returns at each collection.
    #[must_use]
    pub fn with_ignored(self, count: impl Fn() -> IgnoreEntries + Send + Sync + 'static) -> Self {
        self.with(ignore::part(count))
    }

    /// Adds the HTTP server.
    #[must_use]
    pub fn with_server(self, stats: Arc<server::ServerStats>) -> Self {
        self.with(server::part(stats))
    }

    /// Replaces the settings.
    pub fn configure(&self, settings: Settings) {
        self.settings.set(settings);
    }

    /// The settings in force.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.get()
    }

    /// Makes a target known: all its counters are 0, and count at once.
    pub fn add(&self, target: &Arc<Labels>) {
        self.targets.with(|targets| {
            let new = || Totals::new(self.reasons, self.births.beforehand(), &self.births);
            targets.add(target, new);
        });
    }

    /// Makes a target known that is captured at an interval: its gauges end when three captures in
    /// a row gave no trace.
    pub fn add_scraped(&self, target: &Arc<Labels>, interval: Duration) {
        self.add(target);
        self.on(target, |t| t.set_interval(interval));
    }

    /// Makes room for a target that was not known beforehand: of too many such label sets, returns
    /// the one without a trace for longest, which the caller has to [forget](Self::forget).
    pub fn make_room(&self, target: &Labels) -> Option<Arc<Labels>> {
        let oldest = self.targets.with(|targets| targets.in_the_way_of(target))?;
        let evicted = self.state.evicted.fetch_add(1, Ordering::Relaxed);
        if evicted == 0 {
            tracing::warn!(
                labels = %oldest,
                "label sets of traces reached their bound; those without a trace for longest are \
                 evicted and counted in gotracer_label_sets_evicted_total"
            );
        }
        Some(oldest)
    }

    /// Targets that have series.
    pub fn known(&self) -> Vec<Labels> {
        self.targets.with(|targets| targets.known())
    }

    /// Forgets a target: its series end.
    pub fn forget(&self, target: &Labels) {
        self.targets.with(|targets| targets.remove(target));
    }

    /// Counts the report of a trace, whose analysis took so long and ended at that time.
    pub fn record(&self, target: &Labels, report: &Report, took: Duration, at: SystemTime) {
        self.count(target, |t, limits| t.record(report, took, at, limits));
    }

    /// Counts the report of a generation of a stream, `delay` after its end; `first` of its trace.
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
            t.record_part(report, at, limits);
            if let Some(stream) = &mut t.stream {
                stream.generations += report.trace.generations;
                stream.delay = delay.or(stream.delay);
            }
        });
    }

    /// Changes the state of a target's stream.
    pub fn stream(&self, target: &Labels, note: impl FnOnce(&mut Stream)) {
        self.on(target, |t| note(t.stream.get_or_insert_default()));
    }

    fn count(&self, target: &Labels, count: impl FnOnce(&mut Totals, &Limits<'_>)) {
        let settings = self.settings();
        let limits = catalog::limits(&settings);
        let full = self.on(target, |t| {
            let before = t.dropped_series();
            count(t, &limits);
            before == 0 && t.dropped_series() > 0
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

    /// Counts a trace that could not be captured or read, or only in part.
    pub fn failed(&self, target: &Labels, reason: &'static str) {
        self.on(target, |t| *t.failures.entry(reason).or_default() += 1);
    }

    /// Counts a capture whose CPU profile the target refused.
    pub fn profile_refused(&self, target: &Labels) {
        self.on(target, |t| t.profiles_refused += 1);
    }

    /// Counts a request for the target's profile of leaked goroutines.
    pub fn leak_profile(&self, target: &Labels, result: LeakProfile) {
        self.on(target, |t| t.leaks.get_or_insert_default().record(result));
    }

    /// Counts turns of a target in which no trace was captured, though no attempt failed.
    pub fn missed(&self, target: &Labels, turns: u64) {
        self.on(target, |t| t.missed += turns);
    }

    /// Sets the number of traces that wait to be analyzed.
    pub fn set_queue_length(&self, length: usize) {
        self.state.queue.store(length as u64, Ordering::Relaxed);
    }

    /// Sets the number of reads of files that hang.
    pub fn set_stalled_reads(&self, reads: usize) {
        self.state.stalled.store(reads as u64, Ordering::Relaxed);
    }

    /// Sets the bytes that traces being read may hold, and those reserved for what they hold now.
    pub fn set_memory(&self, budget: u64, reserved: u64) {
        self.state.budget.store(budget, Ordering::Relaxed);
        self.state.reserved.store(reserved, Ordering::Relaxed);
    }

    /// Sets which of several daemons this one is, and how many they are.
    pub fn set_shard(&self, ordinal: u32, total: u32) {
        self.state.shard.store(ordinal.into(), Ordering::Relaxed);
        self.state.shards.store(total.into(), Ordering::Relaxed);
    }

    /// Notes that the configuration was read, or could not be.
    pub fn reloaded(&self, successfully: bool) {
        self.state.reloaded(successfully);
    }

    /// Counts a refresh of a job's targets, which succeeded at that time or failed.
    pub fn refreshed(&self, mechanism: &'static str, job: &str, at: Option<SystemTime>) {
        self.refreshes.count(mechanism, job, at);
    }

    /// Ends the series of the refreshes of a job.
    pub fn forget_refreshes(&self, mechanism: &'static str, job: &str) {
        self.refreshes.forget(mechanism, job);
    }

    fn on<T>(&self, target: &Labels, f: impl FnOnce(&mut Totals) -> T) -> T {
        let target = self.targets.with(|targets| {
            let new = || Totals::new(self.reasons, self.births.with_a_trace(), &self.births);
            targets.heard_of(target, new)
        });
        f(&mut target.lock())
    }

    /// Starts of series, and which of them each reader knows.
    pub(super) fn births(&self) -> &Births {
        &self.births
    }

    /// All targets with their labels.
    pub(super) fn targets(&self) -> Vec<(Arc<Labels>, Shared)> {
        self.targets.all()
    }

    /// Reads the series of a target's metric. The target is locked meanwhile.
    pub(super) fn read_target(
        metric: &Metric<Totals>,
        target: &Shared,
        view: View,
        emit: &mut dyn FnMut(Sample<'_>),
    ) {
        let totals = target.lock();
        let birth = totals.birth;
        metric.read(&totals, &mut |point| {
            emit(Sample::of(&metric.desc, point, birth, view));
        });
    }

    /// Reads the metrics of the daemon. `each` gets each metric and a function that emits its
    /// series.
    pub(super) fn read_daemon(&self, view: View, each: &mut ReadSamples<'_>) {
        for part in &self.parts {
            part.read(&mut |desc, read| {
                each(desc, &|emit| {
                    let emit: &mut Emit<'_> = &mut |point| {
                        emit(Sample::of(desc, point, self.started, view));
                    };
                    read(emit);
                });
            });
        }
    }
}

/// Receives a metric and the function that emits its series.
pub(super) type ReadSamples<'r> = dyn FnMut(&Desc, &dyn Fn(&mut dyn FnMut(Sample<'_>))) + 'r;

/// Series as a reader sees it.
#[derive(Clone, Copy)]
pub(super) struct Sample<'a> {
    /// Series. It is 0 if the reader does not know it yet.
    pub point: Point<'a>,
    /// Start of the series.
    pub birth: Birth,
}

impl<'a> Sample<'a> {
    fn of(desc: &Desc, mut point: Point<'a>, birth: Birth, view: View) -> Self {
        static NOTHING: LazyLock<Distribution> = LazyLock::new(Distribution::default);
        let birth = point.birth.unwrap_or(birth);
        if desc.counts() && !view.counts(&birth) {
            point.exemplar = None;
            point.value = match point.value {
                Value::Distribution(_) => Value::Distribution(&NOTHING),
                Value::Whole(_) => Value::Whole(0),
                Value::Number(_) => Value::Number(0.0),
            };
        }
        Self { point, birth }
    }
}
