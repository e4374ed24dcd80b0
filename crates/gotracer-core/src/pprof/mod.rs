//! Export of a trace as a pprof profile.
//!
//! The types in [`Reference`] are those of `go tool trace -pprof=`; the types in [`Own`] are gotracer's own.

mod own;
mod profile;
mod reference;
mod schema;

use std::io::{self, Write};

use crate::trace::{ClockSnapshot, EventKind, ReadError, Reader, Stats};
use profile::{Names, Window};

pub use own::Own;
pub use reference::Reference;

/// Kind of a profile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    /// A type of `go tool trace`.
    Reference(Reference),
    /// A type of gotracer's own.
    Own(Own),
}

impl Type {
    /// All types, with their names on the command line.
    pub const ALL: [(&'static str, Self); 12] = [
        ("net", Self::Reference(Reference::Net)),
        ("sync", Self::Reference(Reference::Sync)),
        ("syscall", Self::Reference(Reference::Syscall)),
        ("sched", Self::Reference(Reference::Sched)),
        ("wait", Self::Own(Own::Wait)),
        ("runnable", Self::Own(Own::Runnable)),
        ("lock", Self::Own(Own::Lock)),
        ("assist", Self::Own(Own::Assist)),
        ("stw", Self::Own(Own::Stw)),
        ("creations", Self::Own(Own::Creations)),
        ("cpu", Self::Own(Own::Cpu)),
        ("wall", Self::Own(Own::Wall)),
    ];

    /// Returns the type with a name.
    pub fn from_name(name: &str) -> Option<Self> {
        let named = Self::ALL.into_iter().find(|(known, _)| *known == name);
        named.map(|(_, kind)| kind)
    }

    fn names(self) -> Names {
        let names = |count, time| Names { count, time };
        match self {
            Self::Own(Own::Creations) => names("goroutines", None),
            Self::Own(Own::Cpu) => names("samples", Some("cpu")),
            _ => names("contentions", Some("delay")),
        }
    }

    fn collector(self) -> Collector {
        match self {
            Self::Reference(kind) => {
                Collector::Reference(Box::new(reference::Collector::new(kind)))
            }
            Self::Own(kind) => Collector::Own(Box::new(own::Collector::new(kind))),
        }
    }
}

/// Collector of a profile's records.
enum Collector {
    Reference(Box<reference::Collector>),
    Own(Box<own::Collector>),
}

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
    let mut collector = kind.collector();
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
        match &mut collector {
            Collector::Reference(collector) => collector.event(event, reader.tables()),
            Collector::Own(collector) => collector.event(event, reader.tables()),
        }
    };
    let start = first.unwrap_or(last);
    let window = Window {
        start: snapshot.map_or(0, |snapshot| wall_clock(&snapshot, start)),
        duration: last.saturating_sub(start),
    };
    match collector {
        Collector::Reference(collector) => {
            let (records, stacks) = collector.finish();
            profile::write(out, &records, &stacks, kind.names(), window)?;
        }
        Collector::Own(collector) => {
            let (records, timeline) = collector.finish();
            profile::write(out, &records, timeline.stacks(), kind.names(), window)?;
        }
    }
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
