//! Result of one trace: a report, a failure, or both.

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

/// Result of one trace.
pub struct Ended {
    /// Labels of the target.
    pub labels: Arc<Labels>,
    /// Path or URL.
    pub source: String,
    /// End of the analysis.
    pub at: SystemTime,
    /// Duration of capture and analysis.
    pub took: Duration,
    /// Number of the report, if one was reserved.
    pub number: Option<u64>,
    /// Report, if the trace could be read.
    pub report: Option<Report>,
    /// Failure, if any.
    pub failure: Option<(Failure, String)>,
}

impl Ended {
    /// Creates a result that ends now, without report and failure.
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

    /// Creates the result of an analysis. `early` is the reason why the source ended before the
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

    /// Converts the result for the OTLP exporter.
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

/// Returns the verdict to record for a trace.
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

/// Whether the trace ends early, which may mean that its writer is not done.
pub fn is_incomplete(outcome: &Analysed) -> bool {
    let reason = error(outcome).map(Failure::from);
    matches!(reason, Some(Failure::BrokeOff | Failure::Empty))
}

/// Returns the I/O error of a file that may be readable at another time.
pub fn passing(outcome: &Analysed) -> Option<&io::Error> {
    let error = error(outcome)?;
    match error.kind() {
        ErrorKind::Io(cause) if Failure::from(error) == Failure::Unreadable => Some(cause),
        _ => None,
    }
}

/// Whether reading ended because the trace would have taken too much memory.
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

/// Whether the same file would give the same result. A disk may recover, and a newer gotracer may
/// know the version.
pub fn is_lasting(outcome: &Analysed) -> bool {
    let reason = error(outcome).map(Failure::from);
    !matches!(
        reason,
        Some(Failure::Unreadable | Failure::UnsupportedVersion)
    )
}
