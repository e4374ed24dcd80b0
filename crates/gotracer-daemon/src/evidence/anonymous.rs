//! Evidence without the program's names in it.

use std::io::{self, BufWriter, Write};

use super::recording::{Incomplete, Recording};
use crate::report::Report;
use crate::source::{Limits, open};
use crate::timeline::is_standard;
use crate::trace::{ErrorKind, Input, ReadError, anonymize};

/// How to analyse a copy as the trace that is kept was.
#[derive(Clone, Copy)]
pub struct Again<'a> {
    /// Makes the report; nothing if that fails.
    pub report: &'a dyn Fn(Input<'_>) -> Option<Report>,
    /// Limits of reading.
    pub limits: &'a Limits,
}

/// Why there is no copy without names.
#[derive(Debug, thiserror::Error)]
pub enum AnonymousError {
    /// A file can't be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It can't be copied.
    #[error("its names can't be replaced: {0}")]
    Names(#[from] ReadError),
    /// The copy can't be recorded.
    #[error(transparent)]
    Incomplete(#[from] Incomplete),
    /// The copy is no trace.
    #[error("the copy without names can't be analysed")]
    Unreadable,
}

/// Copies a trace without names, and gives the report of the copy, in which
/// there are none either. Of a trace that breaks off, what is whole is copied.
pub fn copy(
    trace: &Recording,
    mut copy: Recording,
    again: Again<'_>,
) -> Result<(Recording, Report), AnonymousError> {
    let mut out = BufWriter::new(&mut copy);
    let copied = anonymize(open(trace.path(), again.limits)?, &mut out, is_standard);
    let flushed = out.flush();
    drop(out);
    // What can't be recorded is why the rest fails.
    copy.bytes()?;
    match copied {
        Err(error) if !matches!(error.kind(), ErrorKind::Truncated(_)) => return Err(error.into()),
        _ => flushed?,
    }
    let copied = open(copy.path(), again.limits)?;
    let report = (again.report)(copied).ok_or(AnonymousError::Unreadable)?;
    Ok((copy, report))
}
