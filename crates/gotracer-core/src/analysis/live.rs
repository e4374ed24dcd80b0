//! Analysis of a trace that is still being written, one generation at a time.

use super::event_batch::EventBatch;
use super::{Analysis, Read};
use crate::pprof::Profiles;
use crate::report::Report;
use crate::rules::Settings;
use crate::trace::internal::{is_in_generations, peek_version};
use crate::trace::{ErrorKind, Input, ReadError, Reader, Stats};

/// Maximum number of frames in remembered stacks, about 64 MiB. Above it, the analysis starts anew. Only programs with
/// ever new stacks have so many.
const FRAMES: usize = 4 << 20;

/// Report of a part of a live trace.
#[derive(Debug)]
pub struct Heard {
    /// Findings and measurements since the last report.
    pub report: Report,
    /// Profiles since the last report, if the settings request them.
    pub profiles: Option<Box<Profiles>>,
    /// End of the generation, as an offset into the trace.
    pub end: u64,
    /// Whether the trace ended.
    pub last: bool,
}

/// Follows a trace until it ends or breaks off. Calls `on_report` with a report
/// after each generation and once at the end, when open intervals count up to
/// that time. `on_report` returns whether to continue.
///
/// # Errors
/// If nothing, or no more, can be read.
pub fn follow(
    mut input: Input<'_>,
    source: &str,
    settings: &Settings,
    mut on_report: impl FnMut(Heard) -> bool,
) -> Result<(), ReadError> {
    let version = peek_version(&mut input).map_err(|e| ReadError::new(ErrorKind::Io(e)))?;
    if let Some(old) = version.filter(|v| !is_in_generations(*v)) {
        return Err(ReadError::new(ErrorKind::NotLive(old)));
    }
    let mut reader = Reader::new(input)?;
    let version = reader.version();
    let mut analysis = Analysis::of(&reader, settings);
    let mut events = EventBatch::new(&reader);
    let mut told = Stats::default();
    let error = loop {
        match events.read(&mut reader) {
            Ok(true) => {
                if let Err(e) = analysis.batch(&events, &reader) {
                    break Some(e);
                }
            }
            Ok(false) => break None,
            Err(e) => break Some(e),
        }
        if reader.is_between_generations() {
            let stats = reader.stats();
            let read = Read {
                source,
                version,
                stats: stats.since(told),
                error: None,
            };
            told = stats;
            let (report, profiles) = analysis.report_news(&read, false);
            let report = Heard {
                report,
                profiles,
                end: reader.generation_end(),
                last: false,
            };
            if !on_report(report) || analysis.frames() > FRAMES {
                break None;
            }
        }
    };
    if told.generations > 0 {
        let read = Read {
            source,
            version,
            stats: reader.stats().since(told),
            error: error.as_ref(),
        };
        let (report, profiles) = analysis.report_news(&read, true);
        on_report(Heard {
            report,
            profiles,
            end: reader.generation_end(),
            last: true,
        });
    }
    error.map_or(Ok(()), Err)
}
