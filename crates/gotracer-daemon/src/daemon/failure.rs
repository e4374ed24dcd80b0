//! Reasons for which a trace could not be had or read, each counted apart.

use std::io::ErrorKind::{FileTooLarge, UnexpectedEof};

use crate::source::scrape::ScrapeError;
use crate::trace::{ErrorKind, ReadError};

/// A reason, as it stands in `gotracer_trace_failures_total{reason}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The file could not be opened or read.
    Unreadable,
    /// No bytes at all, or no events.
    Empty,
    /// Something else than a trace.
    NotATrace,
    /// A trace of a version that is not known.
    UnsupportedVersion,
    /// The trace ends within something.
    BrokeOff,
    /// The bytes do not follow the format.
    Corrupt,
    /// The events contradict each other.
    Inconsistent,
    /// A defect of gotracer itself.
    Panic,
    /// The process died each time it read the trace.
    Crashed,
    /// Nobody listens at the target.
    Refused,
    /// The target can't be reached or is not known.
    Unreachable,
    /// What is to be said to the target can't be had.
    Credentials,
    /// The target and gotracer do not trust each other.
    Tls,
    /// The target took too long.
    Timeout,
    /// The target's HTTP server would cut the trace off.
    WriteTimeout,
    /// Somebody else traces the target.
    AlreadyTracing,
    /// The target answered with another error.
    HttpStatus,
    /// The trace is larger than allowed, or takes more memory.
    TooLarge,
    /// More targets are to be streamed than there is room for.
    Overloaded,
    /// The stream is silent.
    Stalled,
    /// Programs of that Go version can't be streamed.
    NotLive,
}

/// The names of all reasons.
pub const REASONS: [&str; 21] = [
    Failure::Unreadable.name(),
    Failure::Empty.name(),
    Failure::NotATrace.name(),
    Failure::UnsupportedVersion.name(),
    Failure::BrokeOff.name(),
    Failure::Corrupt.name(),
    Failure::Inconsistent.name(),
    Failure::Panic.name(),
    Failure::Crashed.name(),
    Failure::Refused.name(),
    Failure::Unreachable.name(),
    Failure::Credentials.name(),
    Failure::Tls.name(),
    Failure::Timeout.name(),
    Failure::WriteTimeout.name(),
    Failure::AlreadyTracing.name(),
    Failure::HttpStatus.name(),
    Failure::TooLarge.name(),
    Failure::Overloaded.name(),
    Failure::Stalled.name(),
    Failure::NotLive.name(),
];

impl Failure {
    /// Its name as a label's value.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Empty => "empty",
            Self::NotATrace => "not_a_trace",
            Self::UnsupportedVersion => "unsupported_version",
            Self::BrokeOff => "broke_off",
            Self::Corrupt => "corrupt",
            Self::Inconsistent => "inconsistent",
            Self::Panic => "panic",
            Self::Crashed => "crashed",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Credentials => "credentials",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::WriteTimeout => "write_timeout",
            Self::AlreadyTracing => "already_tracing",
            Self::HttpStatus => "http_status",
            Self::TooLarge => "too_large",
            Self::Overloaded => "overloaded",
            Self::Stalled => "stalled",
            Self::NotLive => "not_live",
        }
    }
}

impl From<&ReadError> for Failure {
    fn from(error: &ReadError) -> Self {
        match error.kind() {
            ErrorKind::Empty | ErrorKind::NothingRecorded => Self::Empty,
            ErrorKind::TooLarge(_) => Self::TooLarge,
            ErrorKind::Io(error) if error.kind() == FileTooLarge => Self::TooLarge,
            ErrorKind::NotATrace(_) => Self::NotATrace,
            ErrorKind::UnsupportedVersion(_) | ErrorKind::NewerVersion { .. } => {
                Self::UnsupportedVersion
            }
            ErrorKind::NotLive(_) => Self::NotLive,
            ErrorKind::Truncated(_) => Self::BrokeOff,
            // Not the system says so, but a decompressor of what it read.
            ErrorKind::Io(error) if error.kind() == UnexpectedEof => Self::BrokeOff,
            ErrorKind::Io(error) if error.raw_os_error().is_none() => Self::Corrupt,
            ErrorKind::Corrupt(_) => Self::Corrupt,
            ErrorKind::Inconsistent(_) | ErrorKind::CgoCallback(_) => Self::Inconsistent,
            _ => Self::Unreadable,
        }
    }
}

impl From<&ScrapeError> for Failure {
    fn from(error: &ScrapeError) -> Self {
        match error {
            ScrapeError::Refused => Self::Refused,
            ScrapeError::Unreachable(_) => Self::Unreachable,
            ScrapeError::Credentials(_) => Self::Credentials,
            ScrapeError::Tls(_) => Self::Tls,
            ScrapeError::Timeout(_) => Self::Timeout,
            ScrapeError::Stalled(_) => Self::Stalled,
            ScrapeError::WriteTimeout => Self::WriteTimeout,
            ScrapeError::AlreadyTracing => Self::AlreadyTracing,
            ScrapeError::Status { .. } => Self::HttpStatus,
            ScrapeError::BrokeOff(_) | ScrapeError::NoAnswer(_) => Self::BrokeOff,
            ScrapeError::TooLarge(_) => Self::TooLarge,
        }
    }
}
