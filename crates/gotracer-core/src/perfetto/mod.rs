//! A trace in the format of ui.perfetto.dev: Ps, goroutines and threads over time, arrows from wakers to the
//! goroutines that they woke, the collector, counters, and the findings.
//!
//! The trace is read once and written in the same pass. Memory is the timeline's, plus one track id per live
//! goroutine. A slice is written when it ends, its begin packet right before its end packet: Perfetto sorts packets
//! by time.

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

/// Options of an export.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    /// Name of the trace.
    pub source: &'a str,
    /// Time window to export; `None` exports the whole trace.
    pub window: Option<Window>,
    /// Settings of the rules that look for findings.
    pub settings: &'a Settings,
    /// Findings of the whole trace, if they are known. Otherwise only findings up to the window's end are drawn.
    pub findings: Option<Vec<Finding>>,
}

/// Result of an export.
#[derive(Debug)]
pub struct Exported {
    /// Duration of the trace as far as it was read, ns.
    pub duration: u64,
    /// Error that ended the reading early.
    pub error: Option<ReadError>,
    /// Whether no event could be read.
    pub silent: bool,
    /// Offset in the input at which another trace begins.
    pub another: Option<u64>,
}

/// Writes a trace in Perfetto's format, as far as it can be read.
///
/// Calls `progress` about once per generation.
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
            // Read on only to find out whether the trace is damaged.
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

/// Name of the root group, short enough for Perfetto's track list.
fn title(options: &Options<'_>, version: u32) -> String {
    let name = Path::new(options.source).file_name();
    let name = name.map_or(options.source.into(), OsStr::to_string_lossy);
    format!("{}, Go 1.{version} format", Escaped(&name))
}

struct Export<W> {
    /// `None` until the first event.
    watch: Option<Watch<Writer<W>>>,
    timeline: Timeline,
    /// `None` if the findings are known or not wanted.
    analysis: Option<Analysis>,
    title: String,
    /// Last clock snapshot that is not written yet.
    snapshot: Option<ClockSnapshot>,
    /// Whether only a window is exported.
    windowed: bool,
    /// End of the window, if the trace continues after it.
    end: Option<Time>,
}

impl<W: Write> Export<W> {
    fn start_generation(&mut self, snapshot: Option<ClockSnapshot>) {
        self.snapshot = snapshot.or(self.snapshot);
        if let Some(analysis) = &mut self.analysis {
            analysis.start_generation(snapshot);
        }
    }

    /// Exports the next event. Returns false after the window's last event.
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
                // Counters start with their values at the window's start.
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

    /// Writes everything that is open, the findings, and the end of the file.
    fn conclude(self, read: &Read<'_>, known: Option<&Vec<Finding>>) -> io::Result<u64> {
        let duration = self.timeline.duration();
        let Some(watch) = self.watch else {
            return Ok(duration);
        };
        if !self.title.is_empty() {
            // The trace ended before the window began.
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
    /// Writes the root group and the clocks, which come before all other packets.
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

/// Clock readings at a time of the trace. Perfetto extends a trace to its snapshots, so the snapshot is moved to
/// `at`.
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
