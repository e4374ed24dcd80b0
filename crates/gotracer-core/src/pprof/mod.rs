//! A trace as a profile for pprof.
//!
//! [`Type::Net`], [`Type::Sync`], [`Type::Syscall`] and [`Type::Sched`] hold what `go tool trace -pprof=` gives; the
//! others are gotracer's own.

mod own;
mod profile;
mod reference;
mod schema;

use std::io::{self, Write};

use crate::trace::{ClockSnapshot, EventKind, ReadError, Reader, Stats};
use own::Own;
use profile::{Names, Window};
use reference::Reference;

/// Kind of a profile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    /// As `go tool trace -pprof=net`.
    Net,
    /// As `go tool trace -pprof=sync`.
    Sync,
    /// As `go tool trace -pprof=syscall`.
    Syscall,
    /// As `go tool trace -pprof=sched`.
    Sched,
    /// Waits of all kinds.
    Wait,
    /// Waits for a P.
    Runnable,
    /// Waits for locks, charged to the unlocker.
    Lock,
    /// Mark assists.
    Assist,
    /// Stops of the world.
    Stw,
    /// Creations of goroutines.
    Creations,
    /// CPU samples.
    Cpu,
    /// All of the goroutines' time.
    Wall,
}

impl Type {
    /// All types.
    pub const ALL: [Self; 12] = [
        Self::Net,
        Self::Sync,
        Self::Syscall,
        Self::Sched,
        Self::Wait,
        Self::Runnable,
        Self::Lock,
        Self::Assist,
        Self::Stw,
        Self::Creations,
        Self::Cpu,
        Self::Wall,
    ];

    /// Name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Net => "net",
            Self::Sync => "sync",
            Self::Syscall => "syscall",
            Self::Sched => "sched",
            Self::Wait => "wait",
            Self::Runnable => "runnable",
            Self::Lock => "lock",
            Self::Assist => "assist",
            Self::Stw => "stw",
            Self::Creations => "creations",
            Self::Cpu => "cpu",
            Self::Wall => "wall",
        }
    }

    /// The type of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }

    fn names(self) -> Names {
        let names = |count, time| Names { count, time };
        match self {
            Self::Net | Self::Sync | Self::Syscall | Self::Sched => {
                names("contentions", Some("delay"))
            }
            Self::Creations => names("goroutines", None),
            Self::Cpu => names("samples", Some("cpu")),
            _ => names("contentions", Some("delay")),
        }
    }

    fn collector(self) -> Collector {
        let own = |kind| Collector::Own(Box::new(own::Collector::new(kind)));
        let reference = |kind| Collector::Reference(Box::new(reference::Collector::new(kind)));
        match self {
            Self::Net => reference(Reference::Net),
            Self::Sync => reference(Reference::Sync),
            Self::Syscall => reference(Reference::Syscall),
            Self::Sched => reference(Reference::Sched),
            Self::Wait => own(Own::Wait),
            Self::Runnable => own(Own::Runnable),
            Self::Lock => own(Own::Lock),
            Self::Assist => own(Own::Assist),
            Self::Stw => own(Own::Stw),
            Self::Creations => own(Own::Creations),
            Self::Cpu => own(Own::Cpu),
            Self::Wall => own(Own::Wall),
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
