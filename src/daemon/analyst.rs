//! Analyses one trace after the other and tells everyone what came of it.
//!
//! All of this blocks, and runs on threads made for that.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::failure::Failure;
use super::recent::{Entry, Recent};
use super::seen::{Identity, Seen};
use crate::analysis::{Outcome, analyze};
use crate::export::prometheus::Exporter;
use crate::labels::Labels;
use crate::rules::Settings;
use crate::source::directory::{FileTrace, Stamp};
use crate::source::open;
use crate::trace::{Input, ReadError};

/// What analysing needs, and those who want to hear of it.
pub struct Analyst {
    /// What is too much.
    pub settings: Settings,
    /// Counts.
    pub exporter: Arc<Exporter>,
    /// Remembers for people.
    pub recent: Recent,
    /// Knows which files were done.
    pub seen: Seen,
}

/// A panic of the analysis, by its message.
type Panicked = String;

impl Analyst {
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
        if !self.seen.claim(identity) {
            tracing::debug!(source, "this trace was analysed before");
            return;
        }
        let outcome = self.run(input, &source);
        if Stamp::of(&trace.path).is_ok_and(|now| now != Some(trace.stamp)) {
            tracing::info!(source, "changed while it was read; it will be read again");
            self.seen.release(identity);
            return;
        }
        self.conclude(&trace.labels, source, started.elapsed(), outcome);
    }

    fn run(&self, input: Input<'_>, source: &str) -> Result<Result<Outcome, ReadError>, Panicked> {
        // Nothing that the analysis changes outlives it.
        let analysis = AssertUnwindSafe(|| analyze(input, source, &self.settings, |_| ()));
        catch_unwind(analysis).map_err(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            format!("gotracer has a defect: {}", text.unwrap_or("panic"))
        })
    }

    fn conclude(
        &self,
        labels: &Arc<Labels>,
        source: String,
        took: Duration,
        outcome: Result<Result<Outcome, ReadError>, Panicked>,
    ) {
        match outcome {
            Ok(Ok(Outcome { report, error })) => {
                let failure = error.map(|e| (Failure::from(&e), e.to_string()));
                self.tell(labels, source, took, Some(report), failure);
            }
            Ok(Err(error)) => {
                let failure = Some((Failure::from(&error), error.to_string()));
                self.tell(labels, source, took, None, failure);
            }
            Err(panicked) => {
                let failure = Some((Failure::Panic, panicked));
                self.tell(labels, source, took, None, failure);
            }
        }
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
            source,
            labels: Arc::clone(labels),
            at,
            report: report.map(Arc::new),
            failure,
        });
    }
}
