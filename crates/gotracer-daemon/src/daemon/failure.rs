//! Failures of captures and files, counted by reason.

use std::fmt;
use std::io::ErrorKind::{FileTooLarge, UnexpectedEof};

use crate::source::scrape::ScrapeError;
use crate::trace::{ErrorKind, ReadError};

/// Failure of a capture or of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Failure {
    /// Reason by which the failure is counted.
    pub reason: Reason,
    /// Error message.
    pub message: String,
}

impl Failure {
    /// Creates a failure.
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { reason, message }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.name(), self.message)
    }
}

impl From<&ReadError> for Failure {
    fn from(error: &ReadError) -> Self {
        Self::new(Reason::from(error), error.to_string())
    }
}

impl From<&ScrapeError> for Failure {
    fn from(error: &ScrapeError) -> Self {
        Self::new(Reason::from(error), error.to_string())
    }
}

/// Declares the reasons: the enum, their names and the list of names.
macro_rules! reasons {
    ($($(#[$doc:meta])* $reason:ident = $name:literal,)+) => {
        /// Reason why a trace is missing or incomplete: the label `reason` of
        /// `gotracer_trace_failures_total`.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(super) enum Reason {
            $($(#[$doc])* $reason,)+
        }

        /// Names of all reasons.
        pub(super) const REASONS: &[&str] = &[$($name),+];

        impl Reason {
            /// Name of the reason as the value of a label.
            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Self::$reason => $name,)+
                }
            }
        }
    };
}

reasons! {
    /// The file could not be opened or read.
    Unreadable = "unreadable",
    /// There are no bytes or no events.
    Empty = "empty",
    /// The file is not a trace.
    NotATrace = "not_a_trace",
    /// The version of the trace is unknown.
    UnsupportedVersion = "unsupported_version",
    /// The trace is truncated.
    BrokeOff = "broke_off",
    /// The bytes do not follow the format.
    Corrupt = "corrupt",
    /// The events contradict each other.
    Inconsistent = "inconsistent",
    /// A defect of gotracer itself.
    Panic = "panic",
    /// The process died each time it read the trace.
    Crashed = "crashed",
    /// The target refuses the connection.
    Refused = "refused",
    /// The target cannot be reached or resolved.
    Unreachable = "unreachable",
    /// The credentials for the target cannot be read.
    Credentials = "credentials",
    /// The TLS handshake failed.
    Tls = "tls",
    /// The target took too long.
    Timeout = "timeout",
    /// The target's HTTP server has a write timeout that would truncate the trace.
    WriteTimeout = "write_timeout",
    /// Another client traces the target.
    AlreadyTracing = "already_tracing",
    /// The target answered with another HTTP error.
    HttpStatus = "http_status",
    /// The trace is larger than allowed, or takes more memory.
    TooLarge = "too_large",
    /// The maximum number of streams runs already.
    Overloaded = "overloaded",
    /// The stream sends no data.
    Stalled = "stalled",
    /// Programs of this Go version cannot be streamed.
    NotLive = "not_live",
}

impl From<&ReadError> for Reason {
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

impl From<&ScrapeError> for Reason {
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
