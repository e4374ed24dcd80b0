//! Traces of Go 1.11 to 1.21 (headers `go 1.11`, `1.19`, `1.21`).
//!
//! Such a trace is a sequence of batches, each written by one P, without their
//! lengths. The reader needs the clock's frequency and the stacks before the
//! first event, and both are at the trace's end. So a trace is read twice:
//!
//! 1. walk it: check every event's form, decode the tables, note where each
//!    P's events lie ([`scan`], [`index`]);
//! 2. per P, decode one event at a time ([`cursor`]), with the Ps in a heap by
//!    the time of their next event. The earliest event is offered to the
//!    scheduler model ([`model`], [`runtime`]), which accepts it and translates
//!    it to the later formats, or requires another P's event first
//!    ([`merge`]). CPU samples ([`samples`]) and returns from syscalls
//!    ([`exits`]) are ordered by their own times.
//!
//! Memory holds the tables, 64 KiB per P, and all bytes of a stream, which
//! cannot be read twice. The events, their order and their times are those of
//! the reference reader, golang.org/x/exp/trace. Where the reference leaves the
//! order to a Go map, this reader has a fixed one: goroutines that existed
//! before the trace come in the order of the file.

mod clock;
#[cfg(test)]
mod complexity_tests;
mod cursor;
mod exits;
mod frontier;
mod goroutines;
mod index;
mod merge;
mod model;
mod names;
mod parts;
mod pauses;
mod runtime;
mod samples;
mod scan;
mod state;
mod step;
mod syscalls;
mod tables;
mod waiting;
mod walk;
mod wire;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::allowance::Share;
use super::error::{ErrorKind, ReadError};
use super::event::{Event, EventKind, StringId, Time};
use super::input::Input;
use super::stats::Stats;
use super::tables::Tables;
use super::version::HEADER;
use super::violation::Violation;
use clock::Clock;
use cursor::{Cursor, Source};
use exits::Exits;
use frontier::Frontier;
use index::{NIL, Segment};
use model::Model;
use names::Names;
use samples::Samples;
use state::Proc;
use step::Change;
use waiting::{Need, Waitings};

/// Stage of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing was read.
    Start,
    /// There may be more events.
    Events,
    /// All events but the final synchronization were returned.
    Ended,
    /// All were.
    Done,
}

/// Approximate memory of a CPU sample besides itself, bytes.
const SAMPLE: usize = 64;

/// Reads a v1 trace.
pub(crate) struct Reader<'a> {
    input: Input<'a>,
    /// Offset of the header in the input.
    start: u64,
    version: u32,
    stage: Stage,
    tables: Arc<Tables>,
    segments: Vec<Segment>,
    messages: HashMap<Box<[u8]>, StringId, foldhash::fast::RandomState>,
    clock: Clock,
    cursors: Vec<Cursor>,
    /// Ps whose next event can come next, and those whose can't.
    frontier: Frontier,
    waiting: Waitings,
    samples: Samples,
    exits: Exits,
    model: Model,
    /// The error that follows the returned events.
    failed: Option<ReadError>,
    /// The error that follows all events.
    broken: Option<ReadError>,
    last_time: Time,
    /// When the last event of a P was written, in ticks.
    now: i64,
    /// Work spent on finding Ps whose event can come next.
    looks: u64,
    stats: Stats,
    /// Memory that the reader has reserved.
    share: Share,
    /// Bytes of that which stays the same while events are read.
    walked: u64,
}

impl<'a> Reader<'a> {
    /// Reads on behind the header.
    pub(crate) fn new(input: Input<'a>, version: u32) -> Self {
        let mut tables = Tables::default();
        let names = Names::new(&mut tables, version);
        let share = input.allowance().share();
        Self {
            start: input.pos() - HEADER as u64,
            input,
            version,
            stage: Stage::Start,
            tables: Arc::new(tables),
            segments: Vec::new(),
            messages: HashMap::default(),
            clock: Clock::default(),
            cursors: Vec::new(),
            frontier: Frontier::default(),
            waiting: Waitings::default(),
            samples: Samples::default(),
            exits: Exits::default(),
            model: Model::new(names, HashSet::default(), false),
            failed: None,
            broken: None,
            last_time: -1,
            now: i64::MIN,
            looks: 0,
            stats: Stats::default(),
            share,
            walked: 0,
        }
    }

    /// Returns the input, at the end of the trace.
    pub(crate) fn into_input(self) -> Input<'a> {
        self.input
    }

    /// Strings and stacks of all events.
    pub(crate) fn tables(&self) -> &Arc<Tables> {
        &self.tables
    }

    /// Whether all events were returned.
    pub(crate) fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            bytes: match self.stage {
                Stage::Start | Stage::Events => self.stats.bytes,
                Stage::Ended | Stage::Done => self.input.pos() - self.start,
            },
            total_bytes: self.input.known_len() - self.start,
            ..self.stats
        }
    }

    /// Writes the synchronization event before or after all events, if one is due. Returns the number of events.
    #[cold]
    fn outside(&mut self, out: &mut Event, first: bool) -> Result<usize, ReadError> {
        if self.stage == Stage::Start {
            self.stage = Stage::Done;
            let first_time = self.start()?;
            self.stage = Stage::Ended;
            if let Some(time) = first_time {
                self.stage = Stage::Events;
                self.clock = self.clock.from(time);
                *out = self.sync(-1);
                return Ok(1);
            }
        }
        match self.stage {
            Stage::Ended if first => {
                self.stage = Stage::Done;
                *out = self.sync(self.last_time.wrapping_add(1));
                Ok(1)
            }
            Stage::Done => self.broken.take().map_or(Ok(0), Err),
            _ => Ok(0),
        }
    }

    fn sync(&mut self, time: Time) -> Event {
        self.stats.syncs += 1;
        let n = self.stats.syncs;
        Event {
            time,
            kind: EventKind::Sync { n },
            ..Event::default()
        }
    }

    /// Walks the trace and sets the cursors to each P's first event. Returns
    /// the earliest event's time, in ticks.
    fn start(&mut self) -> Result<Option<i64>, ReadError> {
        let start = self.input.pos();
        let mut index = scan::scan(&mut self.input, self.version, &mut self.share);
        // Behind the trace there may be another one.
        let len = index.end.unwrap_or(self.input.known_len());
        let error = |b: index::Broken, lost_bytes| ReadError::new(b.kind).at(b.offset, lost_bytes);
        let broken = index.broken.is_some();
        let samples = (index.samples.len() * SAMPLE) as u64;
        self.walked = index.held(0) + index.loaded + samples;
        index
            .close(len)
            .map_err(|b| error(b, len.saturating_sub(start)))?;
        let names = Names::new(&mut index.tables, self.version);
        self.model = Model::new(names, index.timers, broken);
        self.broken = index.broken.map(|b| {
            let lost = len.saturating_sub(b.offset);
            error(b, lost)
        });
        self.tables = Arc::new(index.tables);
        self.messages = index.messages;
        self.segments = index.segments;
        self.clock = Clock::new(index.ticks_per_second.unwrap_or(0));
        self.stats.generations = 1;
        let mut first = index.first_exits.first().map(|e| e.time);
        let mut earliest = |time: i64| first = Some(first.map_or(time, |f| f.min(time)));
        if let Some(sample) = index.samples.first() {
            earliest(sample.time);
        }
        self.samples = Samples::new(index.samples);
        self.exits = Exits::new(index.first_exits);
        if let Err(kind) = self.count() {
            return Err(self.fail(kind, None));
        }
        for p in index.procs {
            if p.head == NIL {
                continue;
            }
            let mut cursor = Cursor::new(p.head);
            let number = self.cursors.len() as u32;
            let loaded = cursor.load(&mut Source {
                input: &mut self.input,
                segments: &mut self.segments,
                exits: &mut self.exits,
                bytes: &mut self.stats.bytes,
            });
            let time = cursor.next.time;
            self.cursors.push(cursor);
            self.model.procs.push(Proc::new(p.p));
            match loaded {
                Ok(true) => {
                    earliest(time);
                    let cursor = &self.cursors[number as usize];
                    let next = cursor.next;
                    let need = self.model.need(number, next.kind, cursor.args(next));
                    self.waiting.add(&mut self.model, number, need);
                }
                Ok(false) => {}
                Err(kind) => return Err(self.fail(*kind, Some(number))),
            }
        }
        if self.samples.time().is_some() {
            self.waiting
                .add(&mut self.model, merge::SAMPLES, Need::Nothing);
        }
        self.admit(Change::Anything);
        Ok(first)
    }

    /// Reserves memory before a P's next segment is loaded.
    fn count(&mut self) -> Result<(), ErrorKind> {
        // Events that add state have at least two bytes.
        let more = index::SEGMENT / 2;
        let model = self.model.held(more) + self.exits.held(more);
        Ok(self.share.hold(self.walked + self.input.held() + model)?)
    }

    /// The error for events that can't be right: nothing more can be read.
    #[cold]
    fn fail(&mut self, kind: ErrorKind, proc: Option<u32>) -> ReadError {
        let segments = &self.segments;
        let lost_bytes = self.cursors.iter().map(|c| c.bytes_left(segments)).sum();
        let cursor = proc.and_then(|p| self.cursors.get(p as usize));
        let offset = cursor.map_or(0, |c| c.offset(segments));
        self.stage = Stage::Done;
        self.frontier.clear();
        self.waiting.clear();
        self.samples.clear();
        self.exits.clear();
        self.model.follow.clear();
        match self.broken.take() {
            // Events contradict each other because some are missing.
            Some(e) => {
                let lost_bytes = lost_bytes + e.lost_bytes();
                let offset = e.offset();
                e.at(offset, lost_bytes)
            }
            None => ReadError::new(explained(kind)).at(offset, lost_bytes),
        }
    }
}

/// Names the runtime as the cause of an error that Go 1.21 and older write into correct programs' traces.
fn explained(kind: ErrorKind) -> ErrorKind {
    use wire::{GO_SYSBLOCK, GO_SYSCALL, GO_SYSEXIT, GO_SYSEXIT_LOCAL};
    let types = [GO_SYSCALL, GO_SYSEXIT, GO_SYSEXIT_LOCAL, GO_SYSBLOCK];
    let syscall = |event| types.map(wire::name).contains(&event);
    match kind {
        ErrorKind::Inconsistent(
            violation @ (Violation::UnknownGoroutine { event, .. }
            | Violation::GoroutineState { event, .. }),
        ) if syscall(event) => ErrorKind::CgoCallback(violation),
        kind => kind,
    }
}
