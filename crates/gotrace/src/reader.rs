//! The reader of all formats: one interface before those of the two formats.

use std::sync::Arc;

use super::allowance::Allowance;
use super::error::{ErrorKind, ReadError};
use super::event::{Event, StringId};
use super::header::read_header;
use super::input::Input;
use super::sink::{EventBuffer, NO_SLOT, Sink};
use super::stats::{ClockSnapshot, Stats};
use super::tables::Tables;
use super::v2::ExperimentalBatch;
use super::version::{FIRST_V2, HEADER, is_newer, starts_with_header};
use super::{v1, v2};

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
    /// [`EventKind::Sync`](crate::EventKind::Sync), and so is the first event of each generation.
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
    /// They are all of one generation: a [`EventKind::Sync`](crate::EventKind::Sync) only stands first.
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

    /// Strings and stacks of the events since the last [`EventKind::Sync`](crate::EventKind::Sync).
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
