//! Export of traces as pprof profiles.
//!
//! The types net, sync, syscall and sched are those of `go tool trace -pprof=`. The others are gotracer's own: profiles
//! of the program's goroutines, from the intervals of the timeline.

mod collector;
mod decode;
mod encode;
mod kind;
mod profiles;
mod records;
mod reference;
mod schema;
mod values;

use std::io::{self, Write};

use crate::timeline::Timeline;
use crate::trace::{ClockSnapshot, EventKind, ReadError, Reader, Stats};

pub use collector::Collector;
pub use decode::{Counted, DecodeError, decode};
pub use encode::Window;
pub use kind::{Part, Type};
pub use profiles::{Limits, Profiles, RecordId};
pub use values::Values;

/// Outcome of reading a trace for a profile.
#[derive(Debug)]
pub struct Exported {
    /// Reason why the trace could not be read to its end.
    pub error: Option<ReadError>,
    /// Whether no event could be read.
    pub silent: bool,
    /// Offset at which another trace begins in the input.
    pub another: Option<u64>,
}

/// Reads as much of a trace as possible and writes its profile. Calls `progress` about once per generation.
///
/// # Errors
/// If writing fails.
pub fn export(
    mut reader: Reader<'_>,
    out: impl Write,
    kind: Type,
    mut progress: impl FnMut(Stats),
) -> io::Result<Exported> {
    let (mut collector, mut timeline) = (Collector::default(), Timeline::default());
    let mut snapshot = None;
    let (mut first, mut last) = (None, 0);
    let error = loop {
        match reader.advance() {
            Ok(true) => {}
            Ok(false) => break None,
            Err(error) => break Some(error),
        }
        let event = reader.event();
        if let EventKind::Sync { .. } = event.kind {
            snapshot = snapshot.or(reader.clock_snapshot());
            progress(reader.stats());
        }
        first.get_or_insert(event.time);
        last = event.time;
        let tables = reader.tables();
        collector.event(event, tables, &mut timeline);
        timeline.event(event, tables, &mut collector);
    };
    let start = first.unwrap_or(last);
    let window = Window {
        start: snapshot.map_or(0, |snapshot| wall_clock(&snapshot, start)),
        duration: last.saturating_sub(start),
    };
    collector.take(&timeline, false).write(out, kind, window)?;
    let silent = reader.stats().is_silent();
    let following = reader.following().unwrap_or_default();
    Ok(Exported {
        error,
        silent,
        another: following.map(|input| input.pos()),
    })
}

/// Converts a time of the trace to ns since the Unix epoch; 0 if it is out of range.
fn wall_clock(snapshot: &ClockSnapshot, time: i64) -> i64 {
    let wall = i128::from(snapshot.wall_sec) * 1_000_000_000 + i128::from(snapshot.wall_nsec);
    let since = i128::from(time) - i128::from(snapshot.trace);
    i64::try_from(wall + since).unwrap_or(0)
}
