#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod allowance;
mod args;
mod cut;
mod error;
mod event;
mod ids;
mod input;
mod lookalike;
mod refusal;
mod sink;
mod slab;
mod sort;
mod tables;
mod v1;
mod v2;
mod varint;
mod violation;
mod work;

use std::sync::Arc;

pub use allowance::Allowance;
pub use cut::Cut;
pub use error::{Corruption, ErrorKind, ReadError};
pub use event::{
    Event, EventKind, Experimental, GoId, GoState, Metric, ProcId, ProcState, Range, Slot, StackId,
    StateTransition, StringId, TaskId, ThreadId, Time,
};
pub use input::{Input, ReadAt};
pub use lookalike::Lookalike;
pub use tables::{Frame, Tables};
pub use v2::{ExperimentalBatch, anonymize};
pub use violation::Violation;

/// Parts that `gotracer-core` needs and that may change at any time.
#[doc(hidden)]
pub mod internal {
    pub use crate::allowance::{Share, of_map, of_vec};
    pub use crate::ids::Ids;
    pub use crate::sink::{NO_SLOT, Sink};
    pub use crate::sort::by_key as sort_by_key;
    pub use crate::v2::wire::{Spec, specs};
    pub use crate::{is_in_generations, is_newer, peek_version};
}

use lookalike::LOOKED_AT;
use sink::{EventBuffer, NO_SLOT, Sink};

/// The first version of the format that is written today.
const FIRST_V2: u32 = 22;
/// The newest version that is known.
const NEWEST: u32 = 26;
/// Length of the header, `go 1.NN trace` padded with NUL.
const HEADER: usize = 16;
/// Start of every header.
const HEADER_START: &[u8] = b"go 1.";

/// The trace clock and the wall clock read at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockSnapshot {
    /// Time on the trace's clock.
    pub trace: Time,
    /// The system's monotonic clock, ns.
    pub mono: u64,
    /// Wall clock, seconds since the Unix epoch.
    pub wall_sec: i64,
    /// Wall clock, nanoseconds within the second.
    pub wall_nsec: i64,
}

/// Statistics of a reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Generations begun.
    pub generations: u64,
    /// Events returned.
    pub events: u64,
    /// Bytes walked, decompressed.
    pub bytes: u64,
    /// Bytes there are, or were received so far.
    pub total_bytes: u64,
    /// Generations whose clock frequency is 0: all their times are wrong.
    pub without_clock: u64,
    syncs: u32,
}

impl Stats {
    /// Whether no event but synchronization was returned.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.events == u64::from(self.syncs)
    }

    /// Difference to earlier statistics of the same reader.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            generations: self.generations - before.generations,
            without_clock: self.without_clock - before.without_clock,
            events: self.events - before.events,
            bytes: self.bytes - before.bytes,
            ..self
        }
    }
}

/// Reads the events of one trace, of any supported version.
pub struct Reader<'a> {
    version: u32,
    format: Format<'a>,
    /// Events read ahead of [`advance`](Self::advance), up to `filled`; the one
    /// it came to stands before `next`.
    block: Vec<Event>,
    next: usize,
    filled: usize,
    allowance: Allowance,
}

/// The two formats there have been.
enum Format<'a> {
    V1(Box<v1::Reader<'a>>),
    V2(Box<v2::Reader<'a>>),
}

/// Events that [`Reader::advance`] has read at a time: they stay in the
/// processor's first cache.
const BLOCK: usize = 128;

impl<'a> Reader<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// If the input can't be read, is empty, is not a Go execution trace, or is
    /// one of an unsupported version.
    pub fn new(mut input: Input<'a>) -> Result<Self, ReadError> {
        let version = match read_header(&mut input) {
            Ok(version) => version,
            Err(kind) => {
                let lost_bytes = input.known_len() - input.pos();
                return Err(ReadError::new(kind).at(input.pos(), lost_bytes));
            }
        };
        let allowance = input.allowance().clone();
        let format = match version {
            ..FIRST_V2 => Format::V1(Box::new(v1::Reader::new(input, version))),
            _ => Format::V2(Box::new(v2::Reader::new(input, version))),
        };
        Ok(Self {
            version,
            format,
            block: vec![Event::default(); BLOCK],
            next: 0,
            filled: 0,
            allowance,
        })
    }

    /// The minor version of the trace format's header: 22 for `go 1.22 trace`.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Whether the version is newer than all known ones. Such a trace is read
    /// as one of the newest known version, until it has an unknown event.
    pub fn is_newer(&self) -> bool {
        is_newer(self.version)
    }

    /// Advances to the next event, which [`event`](Self::event) returns; false
    /// after the last one. The first and the last event are an
    /// [`EventKind::Sync`], and so is the first event of each generation.
    ///
    /// # Errors
    /// If the trace breaks off, is corrupt, or contradicts itself. No events
    /// follow an error; all earlier ones stay valid.
    #[inline]
    pub fn advance(&mut self) -> Result<bool, ReadError> {
        if self.next < self.filled {
            self.next += 1;
            return Ok(true);
        }
        self.advance_block()
    }

    #[cold]
    fn advance_block(&mut self) -> Result<bool, ReadError> {
        (self.next, self.filled) = (0, 0);
        let buffer = &mut EventBuffer::new(&mut self.block);
        self.filled = self.format.fill(buffer, self.version)?;
        self.next = self.filled.min(1);
        Ok(self.filled > 0)
    }

    /// The event that [`advance`](Self::advance) came to.
    #[inline]
    pub fn event(&self) -> &Event {
        &self.block[self.next.saturating_sub(1)]
    }

    /// Writes the next events to `block`; returns how many, 0 after the last.
    /// They are all of one generation: a [`EventKind::Sync`] only stands first.
    /// Cheaper than [`advance`](Self::advance) for a caller that stores the events.
    ///
    /// # Errors
    /// Like [`advance`](Self::advance).
    pub fn fill(&mut self, block: &mut [Event]) -> Result<usize, ReadError> {
        self.pour(&mut EventBuffer::new(block))
    }

    /// Like [`fill`](Self::fill), until the sink is full.
    ///
    /// # Errors
    /// Like [`advance`](Self::advance).
    #[doc(hidden)]
    pub fn pour(&mut self, sink: &mut impl Sink) -> Result<usize, ReadError> {
        if self.next == self.filled {
            return self.format.fill(sink, self.version);
        }
        let before = sink.len();
        while self.next < self.filled && !sink.is_full() {
            sink.write(self.block[self.next], NO_SLOT);
            self.next += 1;
        }
        Ok(sink.len() - before)
    }

    /// A copy of the next event; `None` after the last.
    ///
    /// # Errors
    /// Like [`advance`](Self::advance).
    #[inline]
    pub fn next_event(&mut self) -> Result<Option<Event>, ReadError> {
        Ok(self.advance()?.then(|| *self.event()))
    }

    /// The events as an iterator, which ends after the last event or the first error.
    pub fn events(&mut self) -> Events<'_, 'a> {
        Events {
            reader: self,
            failed: false,
        }
    }

    /// The memory that reading this trace may hold.
    pub fn allowance(&self) -> &Allowance {
        &self.allowance
    }

    /// Strings and stacks of the events since the last [`EventKind::Sync`].
    pub fn tables(&self) -> &Arc<Tables> {
        match &self.format {
            Format::V1(r) => r.tables(),
            Format::V2(r) => r.tables(),
        }
    }

    /// A string of the event that [`advance`](Self::advance) came to; the name
    /// of a task that began in an earlier generation is not in its tables.
    pub fn string(&self, id: StringId) -> &[u8] {
        match &self.format {
            Format::V1(r) => r.tables().string(id),
            Format::V2(r) => r.string(id),
        }
    }

    /// Uninterpreted batches of experiments in the current generation.
    pub fn experimental(&self) -> &[ExperimentalBatch] {
        match &self.format {
            Format::V1(_) => &[],
            Format::V2(r) => r.experimental(),
        }
    }

    /// The clock snapshot of the current generation (Go 1.25 and later).
    pub fn clock_snapshot(&self) -> Option<ClockSnapshot> {
        match &self.format {
            Format::V1(_) => None,
            Format::V2(r) => r.clock_snapshot(),
        }
    }

    /// Whether all events of the current generation were returned. The next
    /// call reads a generation, which may block for a second on a live stream.
    pub fn is_between_generations(&self) -> bool {
        let between = match &self.format {
            Format::V1(r) => r.is_done(),
            Format::V2(r) => r.is_between_generations(),
        };
        self.next == self.filled && between
    }

    /// End of the generation that was last read, as an offset into the trace.
    pub fn generation_end(&self) -> u64 {
        match &self.format {
            Format::V1(r) => r.stats().total_bytes,
            Format::V2(r) => r.generation_end(),
        }
    }

    /// Reads the rest of the trace, to find its error or the trace that
    /// follows.
    ///
    /// # Errors
    /// Like [`advance`](Self::advance).
    pub fn skip_rest(&mut self) -> Result<(), ReadError> {
        while self.advance()? {}
        Ok(())
    }

    /// Returns the input of the trace that starts at the end of this one, after this one was read to its end. A file may
    /// hold several traces, one after the other.
    ///
    /// # Errors
    /// If the input can't be read.
    pub fn following(self) -> std::io::Result<Option<Input<'a>>> {
        let mut input = match self.format {
            Format::V1(r) => r.into_input(),
            Format::V2(r) => r.into_input(),
        };
        let follows = starts_with_header(input.peek(HEADER)?);
        Ok(follows.then_some(input))
    }

    /// Statistics of the bytes and events read so far.
    pub fn stats(&self) -> Stats {
        let stats = self.format.stats();
        Stats {
            events: stats.events - (self.filled - self.next) as u64,
            ..stats
        }
    }
}

/// The events of a trace: see [`Reader::events`].
pub struct Events<'r, 'a> {
    reader: &'r mut Reader<'a>,
    failed: bool,
}

impl Iterator for Events<'_, '_> {
    type Item = Result<Event, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let event = self.reader.next_event();
        self.failed = event.is_err();
        event.transpose()
    }
}

impl Format<'_> {
    fn fill(&mut self, sink: &mut impl Sink, version: u32) -> Result<usize, ReadError> {
        let filled = match self {
            Self::V1(r) => sink.take_from(|block| r.fill(block)),
            Self::V2(r) => r.fill(sink),
        };
        match filled {
            Err(e) if is_newer(version) => Err(in_newer(e, version)),
            Err(e) if self.stats().is_silent() => Err(self.without_events(e)),
            Ok(0) if self.stats().is_silent() => Err(self.nothing_recorded()),
            filled => filled,
        }
    }

    fn stats(&self) -> Stats {
        match self {
            Self::V1(r) => r.stats(),
            Self::V2(r) => r.stats(),
        }
    }

    /// An error before the first event, with what brings it about.
    #[cold]
    fn without_events(&self, e: ReadError) -> ReadError {
        const CUT: &str = "before its first generation was whole: the program ended before \
            trace.Stop, or the file was cut off";
        e.map(|kind| match (self, kind) {
            (Self::V2(_), ErrorKind::Truncated(_)) => ErrorKind::Truncated(CUT),
            (_, kind) => kind,
        })
    }

    /// The error at the end of a trace without events: its reader must not
    /// take it for one in which nothing is wrong.
    #[cold]
    fn nothing_recorded(&self) -> ReadError {
        ReadError::new(ErrorKind::NothingRecorded).at(self.stats().bytes, 0)
    }
}

/// Whether traces of a version are written a generation at a time.
pub fn is_in_generations(version: u32) -> bool {
    version >= FIRST_V2
}

/// Whether a version is newer than all known ones.
pub fn is_newer(version: u32) -> bool {
    version > NEWEST
}

/// A violation of the newest known format may be valid in a newer format.
fn in_newer(e: ReadError, version: u32) -> ReadError {
    e.map(|kind| match kind {
        ErrorKind::Corrupt(_) | ErrorKind::Inconsistent(_) => ErrorKind::NewerVersion {
            version,
            what: Box::new(kind),
        },
        kind => kind,
    })
}

/// Returns the version in the header, if there is one, and consumes nothing.
///
/// # Errors
/// If the input cannot be read.
pub fn peek_version(input: &mut Input<'_>) -> std::io::Result<Option<u32>> {
    Ok(parse_header(input.peek(HEADER)?))
}

fn read_header(input: &mut Input<'_>) -> Result<u32, ErrorKind> {
    let bytes = input.peek_some(HEADER, LOOKED_AT).map_err(ErrorKind::Io)?;
    if bytes.is_empty() {
        return Err(ErrorKind::Empty);
    }
    let version = parse_header(bytes).ok_or_else(|| {
        if HEADER_START.starts_with(&bytes[..bytes.len().min(5)]) && bytes.len() < HEADER {
            ErrorKind::Truncated("within the header")
        } else {
            ErrorKind::NotATrace(lookalike::identify(bytes))
        }
    })?;
    match version {
        11 | 19 | 21 | 22 | 23 | 25 | NEWEST.. => {
            input.consume(HEADER);
            Ok(version)
        }
        other => Err(ErrorKind::UnsupportedVersion(other)),
    }
}

/// Whether the bytes start with the header of a trace of any version.
fn starts_with_header(bytes: &[u8]) -> bool {
    bytes.get(..HEADER).and_then(parse_header).is_some()
}

fn parse_header(bytes: &[u8]) -> Option<u32> {
    let rest = bytes.strip_prefix(HEADER_START)?;
    let end = rest.iter().position(|b| !b.is_ascii_digit())?;
    let (digits, tail) = rest.split_at(end);
    let padding = HEADER.checked_sub(b"go 1. trace".len() + digits.len())?;
    let padding = tail.strip_prefix(b" trace")?.get(..padding)?;
    let complete = padding.iter().all(|&b| b == 0);
    let digits = std::str::from_utf8(digits).ok()?;
    digits.parse().ok().filter(|_| complete)
}
