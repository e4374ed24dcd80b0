//! A whole trace to a report.

use super::portion::Portion;
use super::{Analysis, Read};
use crate::report::Report;
use crate::rules::Settings;
use crate::trace::{Input, ReadError, Reader, Stats};

/// What became of one trace.
#[derive(Debug)]
pub struct Outcome {
    /// All that could be read told this.
    pub report: Report,
    /// Why reading stopped before the trace's end.
    pub error: Option<ReadError>,
}

/// Reads a whole trace and applies the rules. `source` is its name in the
/// report; `progress` is called about once a generation.
///
/// # Errors
/// If the input is no trace, or not even its first generation can be read. A
/// trace that breaks off later is an [`Outcome`] with an error.
pub fn analyze(
    input: Input<'_>,
    source: &str,
    settings: &Settings,
    progress: impl FnMut(Stats),
) -> Result<Outcome, ReadError> {
    let reader = Reader::new(input).map_err(|e| *e)?;
    let events = Portion::new(&reader);
    analyze_by(events, reader, source, settings, progress)
}

/// As [`analyze`], with the same result, but slower: every event is read as it
/// is. What the quick ways are compared with.
///
/// # Errors
/// As [`analyze`].
#[doc(hidden)]
pub fn analyze_plainly(
    input: Input<'_>,
    source: &str,
    settings: &Settings,
) -> Result<Outcome, ReadError> {
    let reader = Reader::new(input).map_err(|e| *e)?;
    analyze_by(Portion::plain(), reader, source, settings, |_| ())
}

fn analyze_by(
    mut events: Portion,
    mut reader: Reader<'_>,
    source: &str,
    settings: &Settings,
    mut progress: impl FnMut(Stats),
) -> Result<Outcome, ReadError> {
    let mut analysis = Analysis::new(settings);
    let error = loop {
        match events.read(&mut reader) {
            Ok(true) => {}
            Ok(false) => break None,
            Err(e) => break Some(*e),
        }
        if events.begins() {
            progress(reader.stats());
        }
        analysis.portion(&events, &reader);
    };
    let (version, stats) = (reader.version(), reader.stats());
    conclude(&analysis, source, version, stats, error)
}

/// The outcome of a trace of which `stats` was read.
pub(super) fn conclude(
    analysis: &Analysis,
    source: &str,
    version: u32,
    stats: Stats,
    error: Option<ReadError>,
) -> Result<Outcome, ReadError> {
    if stats.generations == 0
        && let Some(e) = error
    {
        // Nothing was seen of it: that must not pass for a clean bill.
        return Err(e);
    }
    let report = analysis.report(&Read {
        source,
        version,
        stats,
        error: error.as_ref(),
    });
    Ok(Outcome { report, error })
}
