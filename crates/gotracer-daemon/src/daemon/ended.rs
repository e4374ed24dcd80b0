//! What became of a trace: a report, a failure, or both.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::analyst::Analysed;
use super::failure::Failure;
use super::seen::Verdict;
use crate::analysis::Outcome;
use crate::export::otlp;
use crate::labels::Labels;
use crate::report::{Report, Severity};
use crate::trace::{ErrorKind, ReadError};

/// What became of a trace.
pub struct Ended {
    /// Whose it is.
    pub labels: Arc<Labels>,
    /// Path or URL.
    pub source: String,
    /// When its analysis ended.
    pub at: SystemTime,
    /// How long it took, with the capture.
    pub took: Duration,
    /// Number of its report, if one was promised.
    pub number: Option<u64>,
    /// What it told, if it could be read.
    pub report: Option<Report>,
    /// What failed.
    pub failure: Option<(Failure, String)>,
}

impl Ended {
    /// One of which nothing is known but its end, now.
    pub fn new(labels: &Arc<Labels>, source: String, took: Duration) -> Self {
        Self {
            labels: Arc::clone(labels),
            source,
            at: SystemTime::now(),
            took,
            number: None,
            report: None,
            failure: None,
        }
    }

    /// One by what its analysis gave. `early` is why its source ended before the
    /// trace did.
    pub fn of(
        labels: &Arc<Labels>,
        source: String,
        took: Duration,
        outcome: Analysed,
        early: Option<(Failure, String)>,
    ) -> Self {
        let failed = |e: ReadError| (Failure::from(&e), e.to_string());
        let (report, failure) = match outcome {
            Ok(Ok(Outcome { report, error })) => (Some(report), early.or(error.map(failed))),
            Ok(Err(error)) => (None, early.or(Some(failed(error)))),
            Err(panicked) => (None, Some((Failure::Panic, panicked))),
        };
        Self {
            report,
            failure,
            ..Self::new(labels, source, took)
        }
    }

    /// The same for OTLP.
    pub fn capture(&self) -> otlp::Capture<'_> {
        let failure = self.failure.as_ref();
        otlp::Capture {
            target: &self.labels,
            source: &self.source,
            started: self.at.checked_sub(self.took).unwrap_or(self.at),
            ended: self.at,
            report: self.report.as_ref(),
            failure: failure.map(|(reason, text)| (reason.name(), text.as_str())),
        }
    }
}

/// What to remember of a trace.
pub fn verdict(outcome: &Analysed) -> Verdict {
    match outcome {
        Ok(Ok(Outcome {
            report,
            error: None,
        })) if report.worst() >= Some(Severity::Warn) => Verdict::Found,
        Ok(Ok(Outcome { error: None, .. })) => Verdict::Clean,
        _ => Verdict::Failed,
    }
}

/// Whether the trace ends too early: its writer may not be done.
pub fn is_incomplete(outcome: &Analysed) -> bool {
    let reason = error(outcome).map(Failure::from);
    matches!(reason, Some(Failure::BrokeOff | Failure::Empty))
}

/// Why the file could not be read, if it may be readable at another time.
pub fn passing(outcome: &Analysed) -> Option<&io::Error> {
    let error = error(outcome)?;
    match error.kind() {
        ErrorKind::Io(cause) if Failure::from(error) == Failure::Unreadable => Some(cause),
        _ => None,
    }
}

/// Whether reading ended because it would have taken too much memory.
pub fn is_too_large(outcome: &Analysed) -> bool {
    error(outcome).is_some_and(|e| Failure::from(e) == Failure::TooLarge)
}

fn error(outcome: &Analysed) -> Option<&ReadError> {
    match outcome {
        Ok(Ok(outcome)) => outcome.error.as_ref(),
        Ok(Err(error)) => Some(error),
        Err(_) => None,
    }
}

/// Whether the outcome lies in the trace. A disk may read better the next
/// time, and a newer gotracer may know the version.
pub fn is_lasting(outcome: &Analysed) -> bool {
    let reason = error(outcome).map(Failure::from);
    !matches!(
        reason,
        Some(Failure::Unreadable | Failure::UnsupportedVersion)
    )
}
