//! Analyses one trace after the other and tells everyone what came of it.
//!
//! All of this blocks, and runs on threads made for that.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use super::board::Board;
use super::failure::Failure;
use super::identity::Identity;
use super::recent::{Entry, Recent};
use super::seen::{Claim, Seen, Verdict};
use crate::analysis::{Outcome, analyze};
use crate::export::otlp;
use crate::export::prometheus::Exporter;
use crate::labels::Labels;
use crate::report::Severity;
use crate::rules::Settings;
use crate::source::directory::{FileTrace, Shelf, Stamp};
use crate::source::scrape::ScrapeError;
use crate::source::{from_reader, open};
use crate::trace::{ErrorKind, Input, ReadError};

/// What analysing needs, and those who want to hear of it.
pub struct Analyst {
    /// What is too much, and the same for single services.
    thresholds: RwLock<Arc<(Settings, HashMap<String, Settings>)>>,
    /// Counts.
    pub exporter: Arc<Exporter>,
    /// Knows the targets.
    pub board: Board,
    /// Sends, if there is somebody to send to.
    pub otlp: Option<otlp::Exporter>,
    /// Remembers for people.
    pub recent: Recent,
    /// Knows which files were done.
    pub seen: Seen,
}

/// What the analysis of a trace gave: an outcome, nothing, or a panic by its
/// message.
pub type Analysed = Result<Result<Outcome, ReadError>, String>;

impl Analyst {
    /// One with the usual thresholds.
    pub fn new(exporter: Arc<Exporter>, otlp: Option<otlp::Exporter>, seen: Seen) -> Self {
        Self {
            thresholds: RwLock::default(),
            exporter,
            board: Board::default(),
            otlp,
            recent: Recent::default(),
            seen,
        }
    }

    /// From the next trace on, these are the thresholds.
    pub fn judge_by(&self, settings: Settings, services: HashMap<String, Settings>) {
        let mut thresholds = self
            .thresholds
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *thresholds = Arc::new((settings, services));
    }

    /// Analyses a trace in a file, if it was not before.
    pub fn file(&self, trace: &FileTrace) {
        let source = trace.path.display().to_string();
        let started = Instant::now();
        let opened = File::open(&trace.path)
            .and_then(|mut file| Ok((Identity::of(&mut file)?, open(&trace.path)?)));
        let (identity, input) = match opened {
            Ok(opened) => opened,
            // Who deletes a trace before it was read does not want it read.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => {
                let failure = Some((Failure::Unreadable, error.to_string()));
                self.tell(&trace.labels, source, started.elapsed(), None, failure);
                return;
            }
        };
        match self.seen.claim(identity) {
            Claim::Granted => {}
            Claim::Taken => return,
            Claim::Done(verdict) => {
                tracing::debug!(source, "this trace was analysed before");
                put_away(trace, verdict);
                return;
            }
        }
        let outcome = self.run(input, &source, &trace.labels);
        if Stamp::of(&trace.path).is_ok_and(|now| now != Some(trace.stamp)) {
            tracing::info!(source, "changed while it was read; it will be read again");
            self.seen.release(identity);
            return;
        }
        let verdict = verdict(&outcome);
        let lasting = is_lasting(&outcome);
        self.conclude(&trace.labels, source, started.elapsed(), outcome, None);
        // Last of all: killed before, the trace is analysed again.
        self.seen.done(identity, verdict, lasting);
        if lasting {
            put_away(trace, verdict);
        }
    }

    /// Analyses a trace that comes in.
    pub fn stream(
        &self,
        reader: impl Read + Send + 'static,
        source: &str,
        labels: &Labels,
    ) -> Analysed {
        match from_reader(reader) {
            Ok(input) => self.run(input, source, labels),
            Err(error) => Ok(Err(ReadError {
                kind: ErrorKind::Io(error),
                offset: 0,
                generation: None,
                lost_bytes: 0,
            })),
        }
    }

    /// Counts a capture that gave nothing, and says why in the end.
    pub fn no_capture(
        &self,
        labels: &Arc<Labels>,
        source: String,
        error: &ScrapeError,
    ) -> Option<(Failure, String)> {
        let failure = Some((Failure::from(error), error.to_string()));
        self.tell(labels, source, Duration::ZERO, None, failure.clone());
        failure
    }

    fn run(&self, input: Input<'_>, source: &str, labels: &Labels) -> Analysed {
        let thresholds = self
            .thresholds
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let thresholds = Arc::clone(&thresholds);
        let own = thresholds.1.get(labels.get("service"));
        let settings = own.unwrap_or(&thresholds.0);
        // Nothing that the analysis changes outlives it.
        let analysis = AssertUnwindSafe(|| analyze(input, source, settings, |_| ()));
        catch_unwind(analysis).map_err(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            format!("gotracer has a defect: {}", text.unwrap_or("panic"))
        })
    }

    /// Tells everyone what became of a trace, and gives what failed. `early` is why its source ended
    /// before the trace did: what the reader says of that is only what follows
    /// from it.
    pub fn conclude(
        &self,
        labels: &Arc<Labels>,
        source: String,
        took: Duration,
        outcome: Analysed,
        early: Option<(Failure, String)>,
    ) -> Option<(Failure, String)> {
        let failed = |e: ReadError| (Failure::from(&e), e.to_string());
        let (report, failure) = match outcome {
            Ok(Ok(Outcome { report, error })) => (Some(report), early.or(error.map(failed))),
            Ok(Err(error)) => (None, early.or(Some(failed(error)))),
            Err(panicked) => (None, Some((Failure::Panic, panicked))),
        };
        self.tell(labels, source, took, report, failure.clone());
        failure
    }

    fn tell(
        &self,
        labels: &Arc<Labels>,
        source: String,
        took: Duration,
        report: Option<crate::report::Report>,
        failure: Option<(Failure, String)>,
    ) {
        let at = SystemTime::now();
        if let Some(report) = &report {
            self.exporter.record(labels, report, took, at);
            if let Some(otlp) = &self.otlp {
                otlp.record(labels, report, at);
            }
            tracing::info!(
                source,
                %labels,
                events = report.trace.events,
                bytes = report.trace.bytes,
                findings = report.findings.len(),
                worst = report.worst().map(|s| s.name()),
                took = ?took,
                "trace analysed"
            );
        }
        if let Some((reason, error)) = &failure {
            self.exporter.failed(labels, reason.name());
            let reason = reason.name();
            tracing::warn!(source, %labels, reason, error, "trace failed");
        }
        self.recent.add(Entry {
            id: 0,
            source,
            labels: Arc::clone(labels),
            at,
            report: report.map(Arc::new),
            failure,
        });
    }
}

fn put_away(trace: &FileTrace, verdict: Verdict) {
    let shelf = match verdict {
        Verdict::Clean => Shelf::Done,
        Verdict::Found => Shelf::Findings,
        Verdict::Failed => Shelf::Failed,
    };
    if let Err(error) = trace.put_away(shelf) {
        tracing::error!(source = %trace.path.display(), %error, "cannot move or delete the trace");
    }
}

fn verdict(outcome: &Analysed) -> Verdict {
    match outcome {
        Ok(Ok(Outcome {
            report,
            error: None,
        })) if report.worst() >= Some(Severity::Warn) => Verdict::Found,
        Ok(Ok(Outcome { error: None, .. })) => Verdict::Clean,
        _ => Verdict::Failed,
    }
}

/// Whether the outcome lies in the trace. A disk may read better the next
/// time, and a newer gotracer may know the version.
fn is_lasting(outcome: &Analysed) -> bool {
    let error = match outcome {
        Ok(Ok(outcome)) => outcome.error.as_ref(),
        Ok(Err(error)) => Some(error),
        Err(_) => None,
    };
    let reason = error.map(Failure::from);
    !matches!(
        reason,
        Some(Failure::Unreadable | Failure::UnsupportedVersion)
    )
}
