//! A trace that is still being written, analysed a generation at a time.

use super::portion::Portion;
use super::{Analysis, Read};
use crate::report::Report;
use crate::rules::Settings;
use crate::trace::internal::{is_in_generations, peek_version};
use crate::trace::{ErrorKind, Input, ReadError, Reader, Stats};

/// Frames of stacks that are remembered before everything is forgotten: about
/// 64 MiB. Only programs that make up stacks without end have so many.
const FRAMES: usize = 4 << 20;

/// What a live trace told.
#[derive(Debug)]
pub struct Heard {
    /// What is new.
    pub report: Report,
    /// The offset in the trace at which the generation ends that told it.
    pub end: u64,
    /// No generation told it, but the trace's end.
    pub last: bool,
}

/// Follows a trace until it ends or breaks off, and hands on what is new after
/// each generation, as soon as the generation is there, and once more at the
/// end, when what is under way counts with the time it was seen. `hear` says
/// whether to go on.
///
/// # Errors
/// If nothing, or no more, can be read.
pub fn follow(
    mut input: Input<'_>,
    source: &str,
    settings: &Settings,
    mut hear: impl FnMut(Heard) -> bool,
) -> Result<(), ReadError> {
    let version = peek_version(&mut input).map_err(|e| ReadError::new(ErrorKind::Io(e)))?;
    if let Some(old) = version.filter(|v| !is_in_generations(*v)) {
        return Err(ReadError::new(ErrorKind::NotLive(old)));
    }
    let mut reader = Reader::new(input)?;
    let version = reader.version();
    let mut analysis = Analysis::of(&reader, settings);
    let mut events = Portion::new(&reader);
    let mut told = Stats::default();
    let error = loop {
        match events.read(&mut reader) {
            Ok(true) => {
                if let Err(e) = analysis.portion(&events, &reader) {
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
            let heard = Heard {
                report: analysis.report_news(&read, false),
                end: reader.generation_end(),
                last: false,
            };
            if !hear(heard) || analysis.frames() > FRAMES {
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
        hear(Heard {
            report: analysis.report_news(&read, true),
            end: reader.generation_end(),
            last: true,
        });
    }
    error.map_or(Ok(()), Err)
}
