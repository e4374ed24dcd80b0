//! Analyses one trace after the other and tells everyone what came of it.
//!
//! All of this blocks, and runs on threads made for that.

use std::any::Any;
use std::collections::HashMap;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

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
use crate::releases::Releases;
use crate::report::Report;
use crate::rules::Settings;
use crate::source::activity::{Activity, Observed};
use crate::source::directory::{After, FileTrace, Shelf, Watches};
use crate::source::scrape::ScrapeError;
use crate::source::{Limits, decompressed, from_reader, from_seekable};
use crate::trace::{ErrorKind, Input, ReadError};

/// What analysing needs, and those who want to hear of it.
pub struct Analyst {
    thresholds: RwLock<Arc<Thresholds>>,
    /// Held while a trace is counted.
    counting: Mutex<()>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Knows the targets.
    pub board: Board,
    /// Sends, if there is somebody to send to.
    otlp: Option<otlp::Exporter>,
    /// What of it to send.
    sending: RwLock<otlp::Settings>,
    /// Knows what became of each release.
    pub releases: Arc<Releases>,
    /// Keeps traces, if any are to be kept.
    pub evidence: evidence::InForce,
    /// Decides how many traces are read at once.
    pub memory: Memory,
    /// Remembers for people.
    pub recent: Recent,
    /// Knows which files were done.
    pub seen: Arc<Seen>,
    /// Knows how the watched directories are.
    pub watches: Arc<Watches>,
}

/// What is too much.
#[derive(PartialEq, Default)]
pub struct Thresholds {
    usual: Settings,
    /// The same for single services.
    services: HashMap<String, Settings>,
}

impl Thresholds {
    /// Those of a target.
    pub fn of(&self, target: &Labels) -> &Settings {
        self.of_service(target.get("service"))
    }

    /// Those of a service.
    pub fn of_service(&self, service: &str) -> &Settings {
        self.services.get(service).unwrap_or(&self.usual)
    }
}

/// What the analysis of a trace gave: an outcome, nothing, or a panic by its
/// message.
pub type Analysed = Result<Result<Outcome, ReadError>, String>;

impl Analyst {
    /// One with the usual thresholds.
    pub fn new(
        metrics: Arc<Metrics>,
        otlp: Option<otlp::Exporter>,
        seen: Arc<Seen>,
        memory: Memory,
        evidence: evidence::InForce,
        releases: Arc<Releases>,
        watches: Arc<Watches>,
    ) -> Self {
        Self {
            thresholds: RwLock::default(),
            counting: Mutex::default(),
            metrics,
            board: Board::default(),
            otlp,
            sending: RwLock::default(),
            memory,
            releases,
            evidence,
            recent: Recent::default(),
            seen,
            watches,
        }
    }

    /// From the next trace on, these are the thresholds.
    pub fn judge_by(&self, usual: Settings, services: HashMap<String, Settings>) {
        let new = Thresholds { usual, services };
        let mut thresholds = self
            .thresholds
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if new != **thresholds {
            *thresholds = Arc::new(new);
        }
    }

    /// The thresholds in force.
    pub fn thresholds(&self) -> Arc<Thresholds> {
        let thresholds = self.thresholds.read();
        Arc::clone(&thresholds.unwrap_or_else(PoisonError::into_inner))
    }

    /// From the next trace on, this is sent.
    pub fn send(&self, settings: otlp::Settings) {
        *self.sending.write().unwrap_or_else(PoisonError::into_inner) = settings;
    }

    /// A target is gone, and so is what was counted of it.
    pub fn forget(&self, target: &Labels) {
        self.metrics.forget(target);
        self.releases.forget(target);
    }

    /// Analyzes a trace in a file, if it was not before. `room` waits for memory
    /// until the daemon ends.
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
            // It changed since it was looked at, and will be looked at again.
            Ok(None) => return,
            // Who deletes a trace before it was read does not want it read.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => return self.put_off(trace, source, &error),
        };
        let again = match self.seen.claim(identity, changed) {
            Claim::Granted => false,
            Claim::Counted => true,
            Claim::Crashed => return self.set_aside(trace, identity, source),
            // It may have to be put away as well, or to be read after all.
            Claim::Taken => return trace.taken(),
            Claim::Done(verdict) => {
                tracing::debug!(source, "this trace was analyzed before");
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
            // If others had the memory that it takes, it waits for that, and
            // holds nothing meanwhile.
            let too_large = traces.iter().any(|(_, outcome)| is_too_large(outcome));
            match room.lacked().filter(|_| too_large) {
                Some(lacked) => wanted = lacked.saturating_mul(2),
                None => break (started, room, traces),
            }
        };
        if matches!(activity.call(|| trace.is_unchanged()), Ok(false)) {
            tracing::info!(source, "changed while it was read; it will be read again");
            return self.seen.release(identity);
        }
        if !trace.is_final && traces.iter().any(|(_, outcome)| is_incomplete(outcome)) {
            tracing::debug!(source, "breaks off, and may still be written to");
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
            // It may be deleted or moved soon.
            let limits = Limits::of_memory(room.allowance());
            let asked = pushed.and_then(|pushed| pushed.reason.as_deref());
            self.keep(&mut ended, asked, &limits, || {
                let mut recording = self.evidence.now()?.record()?;
                let mut reader = decompressed(file, &limits).ok()?;
                let read = std::io::copy(&mut reader, &mut recording);
                // What is not recorded because of its size counts as lost; what
                // can't be read to its end is not kept.
                (read.is_ok() || recording.bytes().is_err()).then_some(recording)
            });
            self.count(&ended);
        }
        // Last of all: killed before, the trace is analyzed again.
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

    /// Counts a trace that must not be read again, since gotracer died each time
    /// it read it.
    fn set_aside(&self, trace: &FileTrace, identity: Identity, source: String) {
        let why = "gotracer died twice while it read this trace; `gotracer analyze` shows why. \
                   Touch the file, or upgrade gotracer, to have it read again";
        self.failed(&trace.labels, source, (Failure::Crashed, why.into()));
        self.seen.done(identity, Verdict::Crashed, true);
        put_away(trace, Verdict::Crashed);
    }

    /// A file could not be read now. The first time that counts as a failure.
    fn put_off(&self, trace: &FileTrace, source: String, error: &std::io::Error) {
        if trace.tries == 0 {
            let failure = (Failure::Unreadable, error.to_string());
            self.failed(&trace.labels, source, failure);
        } else {
            tracing::debug!(source, %error, tries = trace.tries, "still cannot be read");
        }
        trace.retry();
    }

    /// Analyses a trace that comes in.
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

    /// Analyzes every trace of what comes in.
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

    /// Counts a capture that gave nothing, and says why in the end.
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

    /// Counts what was not to be had.
    pub fn failed(&self, labels: &Arc<Labels>, source: String, failure: (Failure, String)) {
        self.tell(Ended {
            failure: Some(failure),
            ..Ended::new(labels, source, Duration::ZERO)
        });
    }

    /// Tells everyone what a generation of a stream told, at that time and so
    /// long after its end; the first or the last of its trace. For people, only
    /// what has findings is worth keeping.
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

    /// Analyses a copy of a trace.
    pub fn again(&self, input: Input<'_>, source: &str, labels: &Labels) -> Option<Report> {
        let outcome = self.run(input, source, labels);
        Some(outcome.ok()?.ok()?.report)
    }

    fn run(&self, input: Input<'_>, source: &str, labels: &Labels) -> Analysed {
        let thresholds = self.thresholds();
        let settings = thresholds.of(labels);
        // Nothing that the analysis changes outlives it.
        let analysis = AssertUnwindSafe(|| analyze(input, source, settings, |_| ()));
        catch_unwind(analysis).map_err(defect)
    }

    /// Analyzes every trace of an input, with its name.
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

    /// Tells everyone what became of a trace, and gives what failed. `early` is
    /// why its source ended before the trace did: what the reader says of that
    /// is only what follows from it. What was recorded of it may be worth
    /// keeping, and is if somebody asked for it and said why.
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

    /// Keeps a trace if its findings are worth it, and says where.
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

    /// Time from one collection of metrics for OTLP to the next, if metrics are sent.
    pub fn interval(&self) -> Option<Duration> {
        self.otlp.as_ref()?.interval()
    }

    /// Sends all metrics by OTLP, if that is wanted now.
    pub fn send_metrics(&self) {
        if let Some((otlp, settings)) = self.sends() {
            otlp.collect(&self.metrics, &settings);
        }
    }

    /// Who sends what, if anything is sent.
    fn sends(&self) -> Option<(&otlp::Exporter, otlp::Settings)> {
        let settings = self.sending.read().unwrap_or_else(PoisonError::into_inner);
        let settings = settings.clone();
        let otlp = self.otlp.as_ref().filter(|_| settings.enabled)?;
        Some((otlp, settings))
    }

    fn count(&self, ended: &Ended) {
        // Two new label sets must not take the same one's place.
        let _turn = self.counting.lock().unwrap_or_else(PoisonError::into_inner);
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
                "trace analysed"
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

/// A panic by its message.
fn defect(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("gotracer has a defect: {}", text.unwrap_or("panic"))
}

fn put_away(trace: &FileTrace, verdict: Verdict) {
    let shelf = match verdict {
        Verdict::Clean => Shelf::Done,
        Verdict::Found => Shelf::Findings,
        // The trace is needed to find out why.
        Verdict::Crashed if trace.after == After::Delete => return,
        Verdict::Failed | Verdict::Crashed => Shelf::Failed,
    };
    if let Err(error) = trace.put_away(shelf) {
        if trace.tries == 0 {
            let source = trace.source();
            tracing::error!(source, %error, "cannot move or delete the trace; this is tried again");
        }
        trace.retry();
    }
}
