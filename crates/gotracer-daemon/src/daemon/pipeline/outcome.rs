//! Results of analyses and captures.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::analysis::Outcome;
use crate::daemon::failure::{Failure, Reason};
use crate::daemon::processed::Verdict;
use crate::export::otlp;
use crate::labels::Labels;
use crate::pprof::Profiles;
use crate::report::{Report, Severity};
use crate::trace::{ErrorKind, ReadError};

/// Result of the analysis of one trace.
pub(crate) enum Analyzed {
    /// The trace was read, in full or in part.
    Read(Box<Outcome>),
    /// Nothing of the trace could be read.
    Unreadable(ReadError),
    /// The analysis panicked with this message.
    Panicked(String),
}

impl Analyzed {
    /// Result of a source that cannot be read.
    pub(crate) fn io(error: io::Error) -> Self {
        Self::Unreadable(ReadError::new(ErrorKind::Io(error)))
    }

    /// Error at which reading ended.
    pub(crate) fn error(&self) -> Option<&ReadError> {
        match self {
            Self::Read(outcome) => outcome.error.as_ref(),
            Self::Unreadable(error) => Some(error),
            Self::Panicked(_) => None,
        }
    }

    /// Returns report, profiles and failure. `early` is the reason why the source ended before the
    /// trace did; it replaces the read error that follows from it.
    fn into_parts(self, early: Option<Failure>) -> Parts {
        match self {
            Self::Read(outcome) => {
                let Outcome {
                    report,
                    profiles,
                    error,
                } = *outcome;
                let failure = early.or(error.as_ref().map(Failure::from));
                (Some(report), profiles, failure)
            }
            Self::Unreadable(error) => (None, None, early.or(Some((&error).into()))),
            Self::Panicked(message) => (None, None, Some(Failure::new(Reason::Panic, message))),
        }
    }

    /// Returns the verdict to record for a trace.
    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::Read(outcome) if outcome.error.is_some() => Verdict::Failed,
            Self::Read(outcome) if outcome.report.worst() >= Some(Severity::Warn) => Verdict::Found,
            Self::Read(_) => Verdict::Clean,
            Self::Unreadable(_) | Self::Panicked(_) => Verdict::Failed,
        }
    }

    /// Whether the trace ends early, which may mean that its writer is not done.
    pub(crate) fn is_incomplete(&self) -> bool {
        matches!(self.reason(), Some(Reason::BrokeOff | Reason::Empty))
    }

    /// Whether reading ended because the trace would have taken too much memory.
    pub(crate) fn is_too_large(&self) -> bool {
        self.reason() == Some(Reason::TooLarge)
    }

    /// Whether the same file would give the same result. A disk may recover, and a newer gotracer
    /// may know the version.
    pub(crate) fn is_lasting(&self) -> bool {
        !matches!(
            self.reason(),
            Some(Reason::Unreadable | Reason::UnsupportedVersion)
        )
    }

    /// Returns the I/O error of a file that may be readable at another time.
    pub(crate) fn transient_error(&self) -> Option<&io::Error> {
        let error = self.error()?;
        match error.kind() {
            ErrorKind::Io(cause) if Reason::from(error) == Reason::Unreadable => Some(cause),
            _ => None,
        }
    }

    fn reason(&self) -> Option<Reason> {
        self.error().map(Reason::from)
    }
}

/// Report, profiles and failure of an analysis.
type Parts = (Option<Report>, Option<Box<Profiles>>, Option<Failure>);

/// Result of a capture or a file: a report, a failure, or both.
pub(crate) struct CaptureOutcome {
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
    /// Profiles, if they are gathered.
    pub profiles: Option<Box<Profiles>>,
    /// Failure, if any.
    pub failure: Option<Failure>,
}

impl CaptureOutcome {
    /// Creates an outcome that ends now, without report and failure.
    pub(crate) fn new(labels: &Arc<Labels>, source: String, took: Duration) -> Self {
        Self {
            labels: Arc::clone(labels),
            source,
            at: SystemTime::now(),
            took,
            number: None,
            report: None,
            profiles: None,
            failure: None,
        }
    }

    /// Adds report, profiles and failure of an analysis. `early` is the reason why the source ended before
    /// the trace did.
    #[must_use]
    pub(crate) fn with(mut self, analyzed: Analyzed, early: Option<Failure>) -> Self {
        (self.report, self.profiles, self.failure) = analyzed.into_parts(early);
        self
    }

    /// Converts the outcome for the OTLP exporter.
    pub(crate) fn capture(&self) -> otlp::Capture<'_> {
        let failure = self.failure.as_ref();
        otlp::Capture {
            target: &self.labels,
            source: &self.source,
            started: self.at.checked_sub(self.took).unwrap_or(self.at),
            ended: self.at,
            report: self.report.as_ref(),
            failure: failure.map(|f| (f.reason.name(), f.message.as_str())),
        }
    }
}
