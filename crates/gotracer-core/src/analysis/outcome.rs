//! Outcome of the analysis of one trace.

use super::{Analysis, Read};
use crate::pprof::Profiles;
use crate::report::Report;
use crate::trace::{Input, ReadError, Reader};

/// Outcome of reading and analyzing one trace.
#[derive(Debug)]
pub struct Outcome {
    /// Report of all events that could be read.
    pub report: Report,
    /// Profiles, if the settings request them.
    pub profiles: Option<Box<Profiles>>,
    /// Reason why reading stopped before the trace's end.
    pub error: Option<ReadError>,
}

/// Outcome of one trace, and the input after it.
pub(super) type Step<'a> = (Result<Outcome, ReadError>, Option<Input<'a>>);

/// Returns the outcome of a trace after its last readable event.
pub(super) fn conclude<'a>(
    analysis: &mut Analysis,
    source: &str,
    reader: Reader<'a>,
    error: Option<ReadError>,
) -> Step<'a> {
    let (version, stats) = (reader.version(), reader.stats());
    let outcome = match error {
        // A trace without any readable event must not pass for a clean one.
        Some(error) if stats.is_silent() => Err(error),
        error => Ok(Outcome {
            report: analysis.report(&Read {
                source,
                version,
                stats,
                error: error.as_ref(),
            }),
            profiles: analysis.take_profiles(false),
            error,
        }),
    };
    (outcome, reader.following().unwrap_or_default())
}
