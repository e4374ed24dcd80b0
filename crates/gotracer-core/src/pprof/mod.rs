//! A trace as a profile for pprof.
//!
//! Those of [`Reference`] hold what `go tool trace -pprof=` gives; those of [`Own`] are gotracer's.

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
    /// One of `go tool trace`.
    Reference(Reference),
    /// One of gotracer's own.
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

    /// The type of that name.
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

/// A profile in the making.
enum Collector {
    Reference(Box<reference::Collector>),
    Own(Box<own::Collector>),
}

/// What was read for a profile.
#[derive(Debug)]
pub struct Exported {
    /// Why the trace could not be read to its end.
    pub error: Option<ReadError>,
    /// Whether not a single event could be read.
    pub silent: bool,
    /// Where in the input another trace begins.
    pub another: Option<u64>,
}

/// Writes a profile of a trace, as far as it can be read. `progress` is called about once a generation.
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

/// A time of the trace since the Unix epoch, ns; 0 if that is out of range.
fn wall_clock(snapshot: &ClockSnapshot, time: i64) -> i64 {
    let wall = i128::from(snapshot.wall_sec) * 1_000_000_000 + i128::from(snapshot.wall_nsec);
    let since = i128::from(time) - i128::from(snapshot.trace);
    i64::try_from(wall + since).unwrap_or(0)
}
