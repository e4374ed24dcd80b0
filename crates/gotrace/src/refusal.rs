//! Reasons for which a scheduler model does not accept an event.

use super::error::{Corruption, ErrorKind};
use super::violation::Violation;

/// Reason for which an event is not accepted.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// An event of another thread, or another P, must come first.
    NotReady,
    /// The event contradicts the trace before it.
    Invalid(Box<ErrorKind>),
}

impl From<Violation> for Refusal {
    #[cold]
    fn from(v: Violation) -> Self {
        Self::Invalid(Box::new(ErrorKind::Inconsistent(v)))
    }
}

impl From<Corruption> for Refusal {
    #[cold]
    fn from(c: Corruption) -> Self {
        Self::Invalid(Box::new(ErrorKind::Corrupt(c)))
    }
}
