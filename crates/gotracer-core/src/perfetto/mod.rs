//! A trace as ui.perfetto.dev shows it: processors, goroutines and threads over
//! time, arrows from who woke to who was woken, the collector, counters, and
//! what the rules found.
//!
//! A trace is read once and written as it is read. What is kept is what the
//! timeline keeps anyway, and of each goroutine that exists the number of its
//! track. A slice is written when it is over, its beginning right before its
//! end: Perfetto sorts by time.

mod annotations;
mod findings;
mod instants;
mod intervals;
mod packets;
mod schema;
mod tracks;
mod writer;

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;

use crate::analysis::{Analysis, Read};
use crate::explain::{Watch, Window};
use crate::report::{Escaped, Finding};
use crate::rules::Settings;
use crate::timeline::Timeline;
use crate::trace::{ClockSnapshot, Event, EventKind, ReadError, Reader, Stats, Tables, Time};
use schema::{Clock, TracePacket, clock};
use writer::Writer;

/// What to export.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    /// The trace's name.
    pub source: &'a str,
    /// The part that is wanted; none is all of it.
    pub window: Option<Window>,
    /// What counts as a finding.
    pub settings: &'a Settings,
    /// What was found in all of the trace, if that is known. Otherwise what is
    /// found until the window's end is marked.
    pub findings: Option<Vec<Finding>>,
}

/// Result of an export.
#[derive(Debug)]
pub struct Exported {
    /// How long the trace goes, as far as it was read, ns.
    pub duration: u64,
    /// Why the trace could not be read to its end.
    pub error: Option<ReadError>,
    /// Whether not a single event could be read.
    pub silent: bool,
    /// Where in the input another trace begins.
    pub another: Option<u64>,
}

/// Writes a trace in Perfetto's format, as far as it can be read. `progress` is
/// called about once a generation.
///
/// # Errors
/// If writing fails.
pub fn export(
    mut reader: Reader<'_>,
    out: impl Write,
    options: &Options<'_>,
    mut progress: impl FnMut(Stats),
) -> io::Result<Exported> {
    let mut export = Export {
        watch: None,
        timeline: Timeline::default(),
        analysis: match options.findings {
            None => Some(Analysis::new(options.settings)),
            Some(_) => None,
        },
        title: title(options, reader.version()),
        snapshot: None,
        windowed: options.window.is_some(),
        end: None,
    };
    let mut out = Some(out);
    let error = loop {
        match reader.advance() {
            Ok(true) => {}
            Ok(false) => break None,
            Err(error) => break Some(error),
        }
        let event = reader.event();
        if let EventKind::Sync { .. } = event.kind {
            export.start_generation(reader.clock_snapshot());
            progress(reader.stats());
        }
        if let Some(out) = out.take() {
            let window = options.window.map(|window| window.since(event.time));
            let (from, to) = window.unwrap_or((event.time, Time::MAX));
            export.watch = Some(Watch::new(Writer::new(out, from, to), from));
        }
        if !export.event(event, reader.tables())? {
            // What is behind the window is read only for the errors in it.
            break reader.skip_rest().err();
        }
    };
    let read = Read {
        source: options.source,
        version: reader.version(),
        stats: reader.stats(),
        error: error.as_ref(),
    };
    let silent = read.stats.is_silent();
    let duration = export.conclude(&read, options.findings.as_ref())?;
    let following = reader.following().unwrap_or_default();
    Ok(Exported {
        duration,
        error,
        silent,
        another: following.map(|input| input.pos()),
    })
}

/// A name that fits beside the tracks.
fn title(options: &Options<'_>, version: u32) -> String {
    let name = Path::new(options.source).file_name();
    let name = name.map_or(options.source.into(), OsStr::to_string_lossy);
    format!("{}, Go 1.{version}", Escaped(&name))
}

struct Export<W> {
    /// There is none before the first event.
    watch: Option<Watch<Writer<W>>>,
    timeline: Timeline,
    /// None if nothing has to be found.
    analysis: Option<Analysis>,
    title: String,
    /// The last one up to now, until it is written.
    snapshot: Option<ClockSnapshot>,
    /// Not all of the trace is wanted.
    windowed: bool,
    /// The window's end, if the trace goes on beyond.
    end: Option<Time>,
}

impl<W: Write> Export<W> {
    fn start_generation(&mut self, snapshot: Option<ClockSnapshot>) {
        self.snapshot = snapshot.or(self.snapshot);
        if let Some(analysis) = &mut self.analysis {
            analysis.start_generation(snapshot);
        }
    }

    /// Takes in the next event; false after the last one that is wanted.
    fn event(&mut self, event: &Event, tables: &Tables) -> io::Result<bool> {
        let Some(watch) = &mut self.watch else {
            return Ok(false);
        };
        if event.time >= watch.sink.to {
            self.end = Some(watch.sink.to);
            return Ok(false);
        }
        let from = watch.sink.from;
        if event.time >= from && !self.title.is_empty() {
            let title = std::mem::take(&mut self.title);
            watch.sink.begin(&title, self.snapshot);
            if self.windowed {
                // As they were left by what was before.
                watch.sink.counters(from, &self.timeline);
            }
        }
        if let Some(analysis) = &mut self.analysis {
            analysis.events(std::slice::from_ref(event), tables);
        }
        watch.sink.before(event, tables, &self.timeline);
        watch.event(event, tables, &mut self.timeline);
        watch.sink.after(event, &self.timeline);
        watch.sink.packets.check()?;
        Ok(true)
    }

    /// Nothing more is wanted, or comes.
    fn conclude(self, read: &Read<'_>, known: Option<&Vec<Finding>>) -> io::Result<u64> {
        let duration = self.timeline.duration();
        let Some(watch) = self.watch else {
            return Ok(duration);
        };
        if !self.title.is_empty() {
            // It ended before the window began.
            return watch.sink.packets.finish().map(|()| duration);
        }
        let end = self.end.unwrap_or(self.timeline.now());
        let (mut writer, _) = watch.conclude(end, &self.timeline);
        writer.to = end;
        writer.close(end, &self.timeline);
        let report = self.analysis.map(|analysis| analysis.report(read));
        let findings = report.map(|report| report.findings);
        let findings = findings.as_ref().or(known).map_or(&[][..], Vec::as_slice);
        writer.findings(findings, self.timeline.start());
        writer.packets.finish()?;
        Ok(duration)
    }
}

impl<W: Write> Writer<W> {
    /// Writes what stands before everything else.
    fn begin(&mut self, title: &str, snapshot: Option<ClockSnapshot>) {
        self.tracks.root(&mut self.packets, title);
        if let Some(snapshot) = snapshot {
            self.packets.packet(TracePacket {
                clock_snapshot: Some(clocks(&snapshot, self.from)),
                ..TracePacket::default()
            });
        }
    }
}

/// What the clocks said at some time of the trace: a snapshot of another moment
/// would make the trace seem to begin there.
fn clocks(snapshot: &ClockSnapshot, at: Time) -> schema::ClockSnapshot {
    let since = at.saturating_sub(snapshot.trace);
    let wall = i128::from(snapshot.wall_sec) * 1_000_000_000 + i128::from(snapshot.wall_nsec);
    let clock = |clock_id, then: i128| Clock {
        clock_id,
        timestamp: u64::try_from(then + i128::from(since)).ok(),
    };
    schema::ClockSnapshot {
        clocks: vec![
            clock(clock::BOOTTIME, snapshot.trace.into()),
            clock(clock::MONOTONIC, snapshot.mono.into()),
            clock(clock::REALTIME, wall),
        ],
    }
}
