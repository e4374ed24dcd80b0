//! Reasons why a trace is missing or incomplete, each with its own count.

use std::io::ErrorKind::{FileTooLarge, UnexpectedEof};

use crate::source::scrape::ScrapeError;
use crate::trace::{ErrorKind, ReadError};

/// Value of the label `reason` of `gotracer_trace_failures_total`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The file could not be opened or read.
    Unreadable,
    /// There are no bytes or no events.
    Empty,
    /// The file is not a trace.
    NotATrace,
    /// The version of the trace is unknown.
    UnsupportedVersion,
    /// The trace is truncated.
    BrokeOff,
    /// The bytes do not follow the format.
    Corrupt,
    /// The events contradict each other.
    Inconsistent,
    /// A defect of gotracer itself.
    Panic,
    /// The process died each time it read the trace.
    Crashed,
    /// The target refuses the connection.
    Refused,
    /// The target cannot be reached or resolved.
    Unreachable,
    /// The credentials for the target cannot be read.
    Credentials,
    /// The TLS handshake failed.
    Tls,
    /// The target took too long.
    Timeout,
    /// The target's HTTP server has a write timeout that would truncate the trace.
    WriteTimeout,
    /// Another client traces the target.
    AlreadyTracing,
    /// The target answered with another HTTP error.
    HttpStatus,
    /// The trace is larger than allowed, or takes more memory.
    TooLarge,
    /// The maximum number of streams runs already.
    Overloaded,
    /// The stream sends no data.
    Stalled,
    /// Programs of this Go version cannot be streamed.
    NotLive,
}

/// Names of all reasons.
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
    /// Name of the reason as the value of a label.
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
            // A decompressor reports this, not the system.
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
