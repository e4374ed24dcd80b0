//! Evidence without the program's names in it.

use std::io::{self, BufWriter, Write};

use super::recording::Recording;
use crate::report::Report;
use crate::source::open;
use crate::timeline::is_standard;
use crate::trace::{ErrorKind, Input, ReadError, anonymize};

/// Analyses a trace as the one that is kept was; nothing if that fails.
pub type Analyse<'a> = &'a dyn Fn(Input<'_>) -> Option<Report>;

/// Why there is no copy without names.
#[derive(Debug, thiserror::Error)]
pub enum AnonymousError {
    /// A file can't be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It can't be copied.
    #[error("its names can't be replaced: {0}")]
    Names(#[from] ReadError),
    /// The copy is no trace.
    #[error("the copy without names can't be analysed")]
    Unreadable,
}

/// Copies a trace without names, and gives the report of the copy, in which
/// there are none either. Of a trace that breaks off, what is whole is copied.
pub fn copy(
    trace: &Recording,
    mut copy: Recording,
    analyse: Analyse<'_>,
) -> Result<(Recording, Report), AnonymousError> {
    let mut out = BufWriter::new(&mut copy);
    match anonymize(open(trace.path())?, &mut out, is_standard) {
        Err(error) if !matches!(error.kind, ErrorKind::Truncated(_)) => return Err(error.into()),
        _ => out.flush()?,
    }
    drop(out);
    let report = analyse(open(copy.path())?).ok_or(AnonymousError::Unreadable)?;
    Ok((copy, report))
}
