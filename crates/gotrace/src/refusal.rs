//! Why an event that is offered to a scheduler model is not taken.

use super::error::{Corruption, ErrorKind};
use super::violation::Violation;

/// Why an event is not taken.
#[derive(Debug)]
pub enum Refusal {
    /// An event of another thread, or another P, must come first.
    Later,
    /// It can't be right.
    Never(Box<ErrorKind>),
}

impl From<Violation> for Refusal {
    #[cold]
    fn from(v: Violation) -> Self {
        Self::Never(Box::new(ErrorKind::Inconsistent(v)))
    }
}

impl From<Corruption> for Refusal {
    #[cold]
    fn from(c: Corruption) -> Self {
        Self::Never(Box::new(ErrorKind::Corrupt(c)))
    }
}
