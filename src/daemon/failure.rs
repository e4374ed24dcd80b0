//! Reasons for which a trace could not be had or read, each counted apart.

use crate::trace::{ErrorKind, ReadError};

/// A reason, as it stands in `gotracer_trace_failures_total{reason}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The file could not be opened or read.
    Unreadable,
    /// No bytes at all.
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
}

/// The names of all reasons.
pub const REASONS: [&str; 8] = [
    Failure::Unreadable.name(),
    Failure::Empty.name(),
    Failure::NotATrace.name(),
    Failure::UnsupportedVersion.name(),
    Failure::BrokeOff.name(),
    Failure::Corrupt.name(),
    Failure::Inconsistent.name(),
    Failure::Panic.name(),
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
        }
    }
}

impl From<&ReadError> for Failure {
    fn from(error: &ReadError) -> Self {
        match error.kind {
            ErrorKind::Empty => Self::Empty,
            ErrorKind::NotATrace(_) => Self::NotATrace,
            ErrorKind::UnsupportedVersion(_) => Self::UnsupportedVersion,
            ErrorKind::Truncated(_) => Self::BrokeOff,
            ErrorKind::Corrupt(_) => Self::Corrupt,
            ErrorKind::Inconsistent(_) => Self::Inconsistent,
            _ => Self::Unreadable,
        }
    }
}
