//! Pipeline from a trace to the sinks of its result.
//!
//! [`Analyzer`] turns the bytes of a trace into a report. [`Pipeline`] passes the result to each of
//! the [`Sinks`]. [`Files`] adds the rule that every trace in a file counts once. All of these
//! block; they run on blocking threads.

mod analyzer;
mod files;
mod memory;
mod otlp;
mod outcome;
mod queue;
mod reads;

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};

pub(super) use self::analyzer::{Analyzer, Thresholds};
pub(super) use self::files::Files;
pub(super) use self::memory::{BASE, Memory, Reservation, STREAM};
pub(super) use self::otlp::Otlp;
pub(super) use self::outcome::{Analyzed, CaptureOutcome};
pub(super) use self::queue::work;
use super::ignored::Ignored;
use super::recent_reports::{Entry, RecentReports};
use crate::daemon::failure::Failure;
use crate::daemon::plan::Plan;
use crate::evidence::{self, Again, Evidence, EvidenceError, Kept, LiveEvidence, Next, Recording};
use crate::export::Metrics;
use crate::labels::Labels;
use crate::pprof::Profiles;
use crate::profiles::ProfileStore;
use crate::releases::{News, Releases};
use crate::report::Report;
use crate::source::Limits;
use crate::trace::Input;

/// Receivers of the results.
pub(super) struct Sinks {
    /// Metrics of targets and of the daemon.
    pub metrics: Arc<Metrics>,
    /// OTLP exporter.
    pub otlp: Otlp,
    /// Store of kept traces.
    pub evidence: Arc<LiveEvidence>,
    /// Versions of each service.
    pub releases: Arc<Releases>,
    /// Profiles of each target.
    pub profiles: Arc<ProfileStore>,
    /// Latest reports and failures.
    pub reports: Arc<RecentReports>,
    /// Use of the entries of `ignore`.
    pub ignored: Arc<Ignored>,
}

/// Analyzer and sinks.
pub(super) struct Pipeline {
    analyzer: Analyzer,
    sinks: Sinks,
    /// Held while a trace is counted.
    counting: Mutex<()>,
    /// A permit for each core.
    turns: Semaphore,
}

impl Pipeline {
    /// Creates a pipeline with default rule settings.
    pub(super) fn new(sinks: Sinks) -> Self {
        Self {
            analyzer: Analyzer::default(),
            sinks,
            counting: Mutex::default(),
            turns: Semaphore::new(available_parallelism().map_or(1, NonZero::get)),
        }
    }

    /// Returns the analyzer.
    pub(super) fn analyzer(&self) -> &Analyzer {
        &self.analyzer
    }

    /// Waits until a core is free for the analysis of a trace that is complete, so that those that wait hold their bytes
    /// and nothing more.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.turns.acquire().await.ok()
    }

    /// Returns the evidence store in force, if there is one.
    pub(super) fn evidence(&self) -> Option<Arc<Evidence>> {
        self.sinks.evidence.now()
    }

    /// Opens the evidence store of new settings without using it yet.
    ///
    /// # Errors
    /// If the store cannot be opened.
    pub(super) fn prepare(&self, settings: &evidence::Settings) -> Result<Next, EvidenceError> {
        self.sinks.evidence.prepare(settings)
    }

    /// Applies a plan to the analysis and to the sinks from the next trace on.
    pub(super) fn configure(&self, plan: &Plan, evidence: Next) {
        self.sinks.evidence.set(evidence);
        let (mut usual, mut services) = (plan.settings.clone(), plan.services.clone());
        for settings in services.values_mut().chain([&mut usual]) {
            settings.profiles = plan.profiles.enabled;
        }
        let all = std::iter::once(&usual).chain(services.values());
        self.sinks.ignored.load(all);
        self.analyzer.configure(usual, services);
        self.sinks.profiles.configure(plan.profiles.clone());
        self.sinks.metrics.configure(plan.prometheus.clone());
        self.sinks.otlp.configure(plan.otlp.clone());
        self.sinks.releases.configure(plan.releases.clone());
    }

    /// Interval of metric exports by OTLP, if metrics are exported.
    pub(super) fn export_interval(&self) -> Option<Duration> {
        self.sinks.otlp.interval()
    }

    /// Exports all metrics by OTLP, if enabled.
    pub(super) fn export_metrics(&self) {
        self.sinks.otlp.export(&self.sinks.metrics);
    }

    /// Compares and stores the releases that changed. Returns the regressions.
    pub(super) fn settle_releases(&self) -> Vec<News> {
        let thresholds = self.analyzer.thresholds();
        let of = |service: &str| thresholds.of_service(service).clone();
        self.sinks.releases.settle(of)
    }

    /// Ends the series of a target that was removed.
    pub(super) fn forget(&self, target: &Labels) {
        self.sinks.metrics.forget(target);
        self.sinks.releases.forget(target);
        self.sinks.profiles.forget(target);
    }

    /// Publishes the result of a capture. The recording is taken and kept if a finding or a request
    /// (`asked`) justifies it.
    pub(super) fn conclude(
        &self,
        mut outcome: CaptureOutcome,
        recording: &mut Option<Recording>,
        asked: Option<&str>,
        limits: &Limits,
    ) {
        self.keep(&mut outcome, asked, limits, || recording.take());
        self.publish(outcome);
    }

    /// Publishes a failure without a report.
    pub(super) fn fail(&self, labels: &Arc<Labels>, source: String, failure: Failure) {
        self.publish(CaptureOutcome {
            failure: Some(failure),
            ..CaptureOutcome::new(labels, source, Duration::ZERO)
        });
    }

    /// Publishes the report of one generation of a stream. `at` is the generation's end, `delay`
    /// the time from there to now. The list of recent reports only gets those with findings.
    pub(super) fn publish_generation(
        &self,
        labels: &Arc<Labels>,
        source: String,
        (report, profiles): (Report, Option<Box<Profiles>>),
        (at, delay): (SystemTime, Option<Duration>),
        (first, last): (bool, bool),
    ) {
        self.sinks
            .metrics
            .record_generation(labels, &report, at, delay, first);
        self.sinks.ignored.note(&report.suppressed);
        self.sinks.releases.hear(labels, &report, at, last);
        if let Some(profiles) = profiles {
            self.sinks.profiles.record(labels, &profiles, &report.trace);
        }
        let found = !report.findings.is_empty();
        let outcome = CaptureOutcome {
            at,
            took: delay.unwrap_or_default(),
            report: Some(report),
            ..CaptureOutcome::new(labels, source, Duration::ZERO)
        };
        self.sinks.otlp.record(&outcome, None);
        if found {
            self.remember(outcome);
        }
    }

    /// Passes a result to every sink.
    pub(super) fn publish(&self, outcome: CaptureOutcome) {
        self.count(&outcome);
        self.sinks.otlp.record(&outcome, None);
        self.remember(outcome);
    }

    /// Keeps a trace if a finding or a request justifies it, and sets the report's evidence URL.
    fn keep(
        &self,
        outcome: &mut CaptureOutcome,
        asked: Option<&str>,
        limits: &Limits,
        trace: impl FnOnce() -> Option<Recording>,
    ) {
        let (Some(evidence), Some(report)) = (self.evidence(), &mut outcome.report) else {
            return;
        };
        let (target, now) = (&outcome.labels, Timestamp::now());
        let asked = || Some(evidence.item(target, report, now, asked?));
        if let Some(item) = evidence.judge(target, report, now).or_else(asked) {
            let Some(trace) = trace() else {
                return evidence.lose(&item);
            };
            let url = evidence.url(&item.id);
            let source = &outcome.source;
            let report_of = |input: Input<'_>| self.analyzer.report(input, source, target);
            let again = Again {
                report: &report_of,
                limits,
            };
            let kept = evidence.keep(item, report, Kept::Recording(trace), &again);
            report.evidence = kept.then_some(url);
        } else {
            report.evidence = evidence.recent(target, report);
        }
    }

    /// Adds a result to the metrics and releases.
    fn count(&self, outcome: &CaptureOutcome) {
        let Sinks {
            metrics,
            releases,
            profiles,
            ..
        } = &self.sinks;
        // Two new label sets must not evict the same old one.
        let _turn = self.counting.lock();
        if let Some(evicted) = metrics.make_room(&outcome.labels) {
            self.forget(&evicted);
        }
        if let Some(report) = &outcome.report {
            self.sinks.ignored.note(&report.suppressed);
            metrics.record(&outcome.labels, report, outcome.took, outcome.at);
            releases.record(&outcome.labels, report, outcome.at);
            if let Some(of_trace) = &outcome.profiles {
                profiles.record(&outcome.labels, of_trace, &report.trace);
            }
        }
        if let Some(failure) = &outcome.failure {
            metrics.failed(&outcome.labels, failure.reason.name());
        }
    }

    /// Logs a result and adds it to the recent reports.
    fn remember(&self, outcome: CaptureOutcome) {
        let CaptureOutcome { source, labels, .. } = &outcome;
        if let Some(report) = &outcome.report {
            tracing::info!(
                source,
                %labels,
                events = report.trace.events,
                bytes = report.trace.bytes,
                findings = report.findings.len(),
                worst = report.worst().map(|s| s.name()),
                took = ?outcome.took,
                "trace analyzed"
            );
        }
        if let Some(Failure { reason, message }) = &outcome.failure {
            let reason = reason.name();
            tracing::warn!(source, %labels, reason, error = message, "trace failed");
        }
        self.sinks.reports.add(Entry {
            id: outcome.number.unwrap_or_default(),
            source: outcome.source,
            labels: outcome.labels,
            at: outcome.at,
            report: outcome.report.map(Arc::new),
            failure: outcome.failure,
        });
    }
}
