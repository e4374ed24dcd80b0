//! Evidence without the program's names in it.

use std::io::{self, BufWriter, Write};

use super::recording::{Incomplete, Recording};
use crate::report::Report;
use crate::source::{Limits, open};
use crate::timeline::is_standard;
use crate::trace::{ErrorKind, Input, ReadError, anonymize};

/// Analysis to run on a copy: the one that made the original report.
#[derive(Clone, Copy)]
pub struct Again<'a> {
    /// Returns the report of a trace, or `None` if the analysis fails.
    pub report: &'a dyn Fn(Input<'_>) -> Option<Report>,
    /// Limits of reading.
    pub limits: &'a Limits,
}

/// Reason for a failed anonymization.
#[derive(Debug, thiserror::Error)]
pub(super) enum AnonymousError {
    /// A file can't be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The trace cannot be copied.
    #[error("its names can't be replaced: {0}")]
    Names(#[from] ReadError),
    /// The copy cannot be recorded.
    #[error(transparent)]
    Incomplete(#[from] Incomplete),
    /// The copy cannot be analyzed.
    #[error("the copy without names can't be analysed")]
    Unreadable,
}

/// Copies a trace without names and returns the report of the copy. Of a damaged trace, the intact
/// part is copied.
pub(super) fn copy(
    trace: &Recording,
    mut copy: Recording,
    again: Again<'_>,
) -> Result<(Recording, Report), AnonymousError> {
    let mut out = BufWriter::new(&mut copy);
    let copied = anonymize(open(trace.path(), again.limits)?, &mut out, is_standard);
    let flushed = out.flush();
    drop(out);
    // An incomplete recording is the cause of any later error.
    copy.bytes()?;
    match copied {
        Err(error) if !matches!(error.kind(), ErrorKind::Truncated(_)) => return Err(error.into()),
        _ => flushed?,
    }
    let copied = open(copy.path(), again.limits)?;
    let report = (again.report)(copied).ok_or(AnonymousError::Unreadable)?;
    Ok((copy, report))
}
