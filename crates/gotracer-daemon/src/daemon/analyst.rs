//! Analyzes traces and passes each result to the exporters and stores.
//!
//! Everything here blocks and runs on blocking threads.

use std::any::Any;
use std::collections::HashMap;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use parking_lot::Mutex;

use super::board::Board;
use super::ended::{Ended, is_incomplete, is_lasting, is_too_large, passing, verdict};
use super::failure::Failure;
use super::identity::{Identity, changed};
use super::memory::{BASE, Memory, Reservation};
use super::recent::{Entry, Recent};
use super::seen::{Claim, Seen, Verdict};
use crate::analysis::{Outcome, analyze, analyze_all};
use crate::evidence::{self, Again, Kept, Recording};
use crate::export::Metrics;
use crate::export::otlp;
use crate::labels::Labels;
use crate::live::Live;
use crate::releases::Releases;
use crate::report::Report;
use crate::rules::Settings;
use crate::source::activity::{Activity, Observed};
use crate::source::directory::{After, FileTrace, Shelf, Watches};
use crate::source::scrape::ScrapeError;
use crate::source::{Limits, decompressed, from_reader, from_seekable};
use crate::trace::{ErrorKind, Input, ReadError};

/// Analysis of traces, and the sinks of its results.
pub struct Analyst {
    thresholds: Live<Thresholds>,
    /// Held while a trace is counted.
    counting: Mutex<()>,
    /// Metrics of targets and of the daemon.
    pub metrics: Arc<Metrics>,
    /// Table of the scraped targets.
    pub board: Board,
    /// OTLP exporter, if one is configured.
    otlp: Option<otlp::Exporter>,
    /// Settings of the OTLP exporter.
    sending: Live<otlp::Settings>,
    /// Registry of the versions of each service.
    pub releases: Arc<Releases>,
    /// Store of kept traces, if one is configured.
    pub evidence: evidence::LiveEvidence,
    /// Memory budget of the traces being read.
    pub memory: Memory,
    /// Latest reports and failures for the web pages.
    pub recent: Recent,
    /// Record of the files that were analyzed.
    pub seen: Arc<Seen>,
    /// Health of the watched directories.
    pub watches: Arc<Watches>,
}

/// Rule settings, by default and per service.
#[derive(PartialEq, Default)]
pub struct Thresholds {
    usual: Settings,
    /// Overrides by the label `service`.
    services: HashMap<String, Settings>,
}

impl Thresholds {
    /// Returns the settings for a target.
    pub fn of(&self, target: &Labels) -> &Settings {
        self.of_service(target.get("service"))
    }

    /// Returns the settings for a service.
    pub fn of_service(&self, service: &str) -> &Settings {
        self.services.get(service).unwrap_or(&self.usual)
    }
}

/// Result of an analysis: an outcome, a read error, or the message of a panic.
pub type Analysed = Result<Result<Outcome, ReadError>, String>;

impl Analyst {
    /// Creates a pipeline with default rule settings.
    pub fn new(
        metrics: Arc<Metrics>,
        otlp: Option<otlp::Exporter>,
        seen: Arc<Seen>,
        memory: Memory,
        evidence: evidence::LiveEvidence,
        releases: Arc<Releases>,
        watches: Arc<Watches>,
    ) -> Self {
        Self {
            thresholds: Live::default(),
            counting: Mutex::default(),
            metrics,
            board: Board::default(),
            otlp,
            sending: Live::default(),
            memory,
            releases,
            evidence,
            recent: Recent::default(),
            seen,
            watches,
        }
    }

    /// Sets the rule settings that apply from the next trace on.
    pub fn judge_by(&self, usual: Settings, services: HashMap<String, Settings>) {
        self.thresholds.update(Thresholds { usual, services });
    }

    /// Returns the rule settings in force.
    pub fn thresholds(&self) -> Arc<Thresholds> {
        self.thresholds.get()
    }

    /// Sets the OTLP settings that apply from the next trace on.
    pub fn send(&self, settings: otlp::Settings) {
        self.sending.set(settings);
    }

    /// Ends the series of a target that was removed.
    pub fn forget(&self, target: &Labels) {
        self.metrics.forget(target);
        self.releases.forget(target);
    }

    /// Analyzes the trace in a file unless it was analyzed before. `room` waits for memory and
    /// returns `None` when the daemon stops.
    pub fn file(
        self: &Arc<Self>,
        trace: &FileTrace,
        activity: &Arc<Activity>,
        room: impl Fn(u64) -> Option<Reservation>,
    ) {
        let source = trace.source();
        let opened = activity.call(|| trace.open()).and_then(|file| {
            let Some(file) = file else { return Ok(None) };
            let changed = changed(&file)?;
            let mut file = Observed::new(file, Arc::clone(activity));
            Ok(Some((Identity::of(&mut file)?, changed, file)))
        });
        let (identity, changed, file) = match opened {
            Ok(Some(opened)) => opened,
            // The file changed after it was listed; the watcher reports it again.
            Ok(None) => return,
            // A trace that is deleted before it was read is skipped.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => return self.put_off(trace, source, &error),
        };
        let again = match self.seen.claim(identity, changed) {
            Claim::Granted => false,
            Claim::Counted => true,
            Claim::Crashed => return self.set_aside(trace, identity, source),
            // The copy may have to be put away as well, or read if the other reader fails.
            Claim::Taken => return trace.taken(),
            Claim::Done(verdict) => {
                tracing::debug!(source, "trace skipped: it was analyzed before");
                put_away(trace, verdict);
                return;
            }
        };
        let mut wanted = BASE;
        let (started, room, mut traces) = loop {
            let Some(room) = room(wanted) else {
                return self.seen.release(identity);
            };
            let turn = self.seen.begin(identity);
            let started = Instant::now();
            let limits = Limits::of_memory(room.allowance());
            let traces = match from_seekable(file.clone(), trace.length(), &limits) {
                Ok(input) => self.run_all(input, &source, &trace.labels),
                Err(error) => vec![(source.clone(), Ok(Err(unread(error))))],
            };
            drop(turn);
            // If other traces held the memory that this one needs, it waits for that memory and
            // holds none meanwhile.
            let too_large = traces.iter().any(|(_, outcome)| is_too_large(outcome));
            match room.lacked().filter(|_| too_large) {
                Some(lacked) => wanted = lacked.saturating_mul(2),
                None => break (started, room, traces),
            }
        };
        if matches!(activity.call(|| trace.is_unchanged()), Ok(false)) {
            tracing::info!(source, "file changed while it was read; it is read again");
            return self.seen.release(identity);
        }
        if !trace.is_final && traces.iter().any(|(_, outcome)| is_incomplete(outcome)) {
            tracing::debug!(source, "trace is truncated and may still be written");
            self.seen.release(identity);
            return trace.incomplete();
        }
        if let Some(error) = traces.iter().find_map(|(_, outcome)| passing(outcome)) {
            self.seen.release(identity);
            return self.put_off(trace, source, error);
        }
        let verdict = traces.iter().map(|(_, outcome)| verdict(outcome)).max();
        let verdict = verdict.unwrap_or(Verdict::Failed);
        let lasting = traces.iter().all(|(_, outcome)| is_lasting(outcome));
        let more = traces.split_off(traces.len().min(1));
        let Some((source, outcome)) = traces.pop() else {
            return self.seen.release(identity);
        };
        for (source, outcome) in more {
            let ended = Ended::of(&trace.labels, source, started.elapsed(), outcome, None);
            match again {
                true => self.note(ended),
                false => self.tell(ended),
            }
        }
        let mut ended = Ended::of(&trace.labels, source, started.elapsed(), outcome, None);
        let pushed = trace.pushed.as_ref();
        ended.number = pushed.and_then(|pushed| pushed.report);
        if !again {
            // The file may be deleted or moved soon.
            let limits = Limits::of_memory(room.allowance());
            let asked = pushed.and_then(|pushed| pushed.reason.as_deref());
            self.keep(&mut ended, asked, &limits, || {
                let mut recording = self.evidence.now()?.record()?;
                let mut reader = decompressed(file, &limits).ok()?;
                let read = std::io::copy(&mut reader, &mut recording);
                // A trace that exceeds the size limit counts as lost. One that cannot be read to
                // its end is not kept.
                (read.is_ok() || recording.bytes().is_err()).then_some(recording)
            });
            self.count(&ended);
        }
        // This comes last: if the daemon is killed before, the trace is analyzed again.
        let (analyst, trace) = (Arc::clone(self), trace.clone());
        let done = move || {
            analyst.seen.done(identity, verdict, lasting);
            if lasting {
                put_away(&trace, verdict);
            }
        };
        match self.sends() {
            Some((otlp, settings)) => {
                if lasting && !again {
                    self.seen.counted(identity);
                }
                let receipt = Some(otlp::Receipt::new(done));
                otlp.record(&ended.capture(), &settings, receipt);
            }
            None => done(),
        }
        self.note(ended);
    }

    /// Counts a trace that is not read again because gotracer died each time it read it.
    fn set_aside(&self, trace: &FileTrace, identity: Identity, source: String) {
        let why = "gotracer died twice while it read this trace; `gotracer analyze` shows why. \
                   Touch the file, or upgrade gotracer, to retry";
        self.failed(&trace.labels, source, (Failure::Crashed, why.into()));
        self.seen.done(identity, Verdict::Crashed, true);
        put_away(trace, Verdict::Crashed);
    }

    /// Schedules a file that cannot be read for another attempt. Only the first attempt counts as a
    /// failure.
    fn put_off(&self, trace: &FileTrace, source: String, error: &std::io::Error) {
        if trace.tries == 0 {
            let failure = (Failure::Unreadable, error.to_string());
            self.failed(&trace.labels, source, failure);
        } else {
            tracing::debug!(source, %error, tries = trace.tries, "file still cannot be read");
        }
        trace.retry();
    }

    /// Analyzes a trace while it is received.
    pub fn stream(
        &self,
        reader: impl Read + Send + 'static,
        source: &str,
        labels: &Labels,
        limits: &Limits,
    ) -> Analysed {
        match from_reader(reader, limits) {
            Ok(input) => self.run(input, source, labels),
            Err(error) => Ok(Err(unread(error))),
        }
    }

    /// Analyzes every trace of an upload.
    pub fn upload(
        &self,
        reader: impl Read + Send + 'static,
        source: &str,
        limits: &Limits,
    ) -> Vec<Analysed> {
        match from_reader(reader, limits) {
            Ok(input) => {
                let traces = self.run_all(input, source, &Labels::new());
                traces.into_iter().map(|(_, outcome)| outcome).collect()
            }
            Err(error) => vec![Ok(Err(unread(error)))],
        }
    }

    /// Counts a capture that returned no trace, and returns the failure.
    pub fn no_capture(
        &self,
        labels: &Arc<Labels>,
        source: String,
        error: &ScrapeError,
    ) -> Option<(Failure, String)> {
        let failure = (Failure::from(error), error.to_string());
        self.failed(labels, source, failure.clone());
        Some(failure)
    }

    /// Counts a failure without a report.
    pub fn failed(&self, labels: &Arc<Labels>, source: String, failure: (Failure, String)) {
        self.tell(Ended {
            failure: Some(failure),
            ..Ended::new(labels, source, Duration::ZERO)
        });
    }

    /// Publishes the report of one generation of a stream. `at` is the generation's end, `delay`
    /// the time from there to now. The list of recent reports only gets those with findings.
    pub fn heard(
        &self,
        labels: &Arc<Labels>,
        source: String,
        report: Report,
        (at, delay): (SystemTime, Option<Duration>),
        (first, last): (bool, bool),
    ) {
        self.metrics
            .record_generation(labels, &report, at, delay, first);
        self.releases.hear(labels, &report, at, last);
        let found = !report.findings.is_empty();
        let heard = Ended {
            at,
            took: delay.unwrap_or_default(),
            report: Some(report),
            ..Ended::new(labels, source, Duration::ZERO)
        };
        if let Some((otlp, settings)) = self.sends() {
            otlp.record(&heard.capture(), &settings, None);
        }
        if found {
            self.note(heard);
        }
    }

    /// Analyzes a copy of a trace.
    pub fn again(&self, input: Input<'_>, source: &str, labels: &Labels) -> Option<Report> {
        let outcome = self.run(input, source, labels);
        Some(outcome.ok()?.ok()?.report)
    }

    fn run(&self, input: Input<'_>, source: &str, labels: &Labels) -> Analysed {
        let thresholds = self.thresholds();
        let settings = thresholds.of(labels);
        // The analysis changes nothing that outlives it.
        let analysis = AssertUnwindSafe(|| analyze(input, source, settings, |_| ()));
        catch_unwind(analysis).map_err(defect)
    }

    /// Analyzes every trace of an input. Returns each with its name.
    fn run_all(&self, input: Input<'_>, source: &str, labels: &Labels) -> Vec<(String, Analysed)> {
        let thresholds = self.thresholds();
        let settings = thresholds.of(labels);
        let mut traces = Vec::new();
        let each = |name, outcome| traces.push((name, Ok(outcome)));
        let analysis =
            AssertUnwindSafe(|| analyze_all(input, source, settings, false, |_| (), each));
        if let Err(panic) = catch_unwind(analysis) {
            traces.push((source.to_owned(), Err(defect(panic))));
        }
        traces
    }

    /// Publishes the result of a capture, and returns its failure. `early` is the reason why the
    /// source ended before the trace did; it replaces the read error that follows from it. The
    /// recording is kept if a finding or a request (`asked`) justifies it.
    pub fn conclude(
        &self,
        labels: &Arc<Labels>,
        source: String,
        took: Duration,
        outcome: Analysed,
        early: Option<(Failure, String)>,
        (recording, asked, limits): (Option<Recording>, Option<&str>, &Limits),
    ) -> Option<(Failure, String)> {
        let mut ended = Ended::of(labels, source, took, outcome, early);
        self.keep(&mut ended, asked, limits, || recording);
        let failure = ended.failure.clone();
        self.tell(ended);
        failure
    }

    /// Keeps a trace if a finding or a request justifies it, and sets the report's evidence URL.
    fn keep(
        &self,
        ended: &mut Ended,
        asked: Option<&str>,
        limits: &Limits,
        trace: impl FnOnce() -> Option<Recording>,
    ) {
        let (Some(evidence), Some(report)) = (self.evidence.now(), &mut ended.report) else {
            return;
        };
        let (target, now) = (&ended.labels, Timestamp::now());
        let asked = || Some(evidence.item(target, report, now, asked?));
        if let Some(item) = evidence.judge(target, report, now).or_else(asked) {
            let Some(trace) = trace() else {
                return evidence.lose(&item);
            };
            let url = evidence.url(&item.id);
            let report_of = |input: Input<'_>| self.again(input, &ended.source, target);
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

    fn tell(&self, ended: Ended) {
        self.count(&ended);
        if let Some((otlp, settings)) = self.sends() {
            otlp.record(&ended.capture(), &settings, None);
        }
        self.note(ended);
    }

    /// Returns the interval of metric exports by OTLP, if metrics are exported.
    pub fn interval(&self) -> Option<Duration> {
        self.otlp.as_ref()?.interval()
    }

    /// Exports all metrics by OTLP, if enabled.
    pub fn send_metrics(&self) {
        if let Some((otlp, settings)) = self.sends() {
            otlp.collect(&self.metrics, &settings);
        }
    }

    /// Returns the OTLP exporter and its settings, if enabled.
    fn sends(&self) -> Option<(&otlp::Exporter, Arc<otlp::Settings>)> {
        let settings = self.sending.get();
        let otlp = self.otlp.as_ref().filter(|_| settings.enabled)?;
        Some((otlp, settings))
    }

    fn count(&self, ended: &Ended) {
        // Two new label sets must not evict the same old one.
        let _turn = self.counting.lock();
        if let Some(evicted) = self.metrics.make_room(&ended.labels) {
            self.forget(&evicted);
        }
        if let Some(report) = &ended.report {
            self.metrics
                .record(&ended.labels, report, ended.took, ended.at);
            self.releases.record(&ended.labels, report, ended.at);
        }
        if let Some((reason, _)) = &ended.failure {
            self.metrics.failed(&ended.labels, reason.name());
        }
    }

    fn note(&self, ended: Ended) {
        let Ended { source, labels, .. } = &ended;
        if let Some(report) = &ended.report {
            tracing::info!(
                source,
                %labels,
                events = report.trace.events,
                bytes = report.trace.bytes,
                findings = report.findings.len(),
                worst = report.worst().map(|s| s.name()),
                took = ?ended.took,
                "trace analyzed"
            );
        }
        if let Some((reason, error)) = &ended.failure {
            let reason = reason.name();
            tracing::warn!(source, %labels, reason, error, "trace failed");
        }
        self.recent.add(Entry {
            id: ended.number.unwrap_or_default(),
            source: ended.source,
            labels: ended.labels,
            at: ended.at,
            report: ended.report.map(Arc::new),
            failure: ended.failure,
        });
    }
}

fn unread(error: std::io::Error) -> ReadError {
    ReadError::new(ErrorKind::Io(error))
}

/// Returns the message of a panic.
fn defect(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("gotracer has a defect: {}", text.unwrap_or("panic"))
}

fn put_away(trace: &FileTrace, verdict: Verdict) {
    let shelf = match verdict {
        Verdict::Clean => Shelf::Done,
        Verdict::Found => Shelf::Findings,
        // The trace is needed to find the cause.
        Verdict::Crashed if trace.after == After::Delete => return,
        Verdict::Failed | Verdict::Crashed => Shelf::Failed,
    };
    if let Err(error) = trace.put_away(shelf) {
        if trace.tries == 0 {
            let source = trace.source();
            tracing::error!(source, %error, "cannot move or delete the trace; retrying");
        }
        trace.retry();
    }
}
