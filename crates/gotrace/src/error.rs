//! Errors of traces, with their place.

use std::{fmt, io};

use super::allowance::Exhausted;
use super::lookalike::Lookalike;
use super::violation::Violation;

/// Why reading a trace stopped, and where.
///
/// Everything the reader returned before the error stays valid.
#[derive(Debug)]
pub struct ReadError(Box<Details>);

/// Parts of a [`ReadError`], boxed to keep a `Result` at one word.
#[derive(Debug)]
struct Details {
    kind: ErrorKind,
    offset: u64,
    generation: Option<u64>,
    lost_bytes: u64,
}

impl ReadError {
    /// An error of the trace as a whole.
    pub fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Details {
            kind,
            offset: 0,
            generation: None,
            lost_bytes: 0,
        }))
    }

    /// The same error at byte `offset`, which cost `lost_bytes` of the trace.
    #[must_use]
    pub fn at(mut self, offset: u64, lost_bytes: u64) -> Self {
        (self.0.offset, self.0.lost_bytes) = (offset, lost_bytes);
        self
    }

    /// The same error within a generation.
    #[must_use]
    pub(crate) fn within(mut self, generation: Option<u64>) -> Self {
        self.0.generation = generation;
        self
    }

    /// Kind of the error.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Kind of the error, without the place.
    pub fn into_kind(self) -> ErrorKind {
        self.0.kind
    }

    /// The same error of another kind.
    #[must_use]
    pub(crate) fn map(mut self, kind: impl FnOnce(ErrorKind) -> ErrorKind) -> Self {
        self.0.kind = kind(self.0.kind);
        self
    }

    /// Byte offset of the error in the (decompressed) trace.
    pub fn offset(&self) -> u64 {
        self.0.offset
    }

    /// The generation that was being read, if any.
    pub fn generation(&self) -> Option<u64> {
        self.0.generation
    }

    /// Bytes of the trace that gave no events because of the error, as far as
    /// known.
    pub fn lost_bytes(&self) -> u64 {
        self.0.lost_bytes
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0.kind, Where(&self.0))
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0.kind)
    }
}

/// Kind of an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes could not be had.
    #[error("cannot read: {0}")]
    Io(#[source] io::Error),
    /// No bytes at all.
    #[error("the input is empty: nothing was written, or the capture failed before it started")]
    Empty,
    /// A trace without a single event.
    #[error(
        "nothing was recorded: the program ended before trace.Stop; call it before os.Exit or \
         log.Fatal, also in tests run with `go test -trace`"
    )]
    NothingRecorded,
    /// An input with more traces than are read of one.
    #[error("it holds more than {0} traces: split it")]
    TooManyTraces(usize),
    /// The input is not an execution trace.
    #[error("not a Go execution trace{}", Instead(.0.as_ref()))]
    NotATrace(Option<Lookalike>),
    /// A format version this build does not know.
    #[error("trace format \"go 1.{0}\" is not supported: {hint}", hint = version_hint(*.0))]
    UnsupportedVersion(u32),
    /// A trace that has no order before it is whole.
    #[error(
        "a program of Go 1.{0} can't be streamed: the order of its events shows at the trace's \
         end; Go 1.22 and later can be streamed, this one scraped (mode: scrape)"
    )]
    NotLive(u32),
    /// A trace in which names stand among the events.
    #[error(
        "a trace of Go 1.{0} can't be anonymised: only those of Go 1.22 and later keep all names \
         in tables"
    )]
    NotAnonymizable(u32),
    /// A trace that does not consist of generations.
    #[error(
        "a trace of Go 1.{0} can't be cut: only those of Go 1.22 and later consist of parts that \
         can be read by themselves"
    )]
    NotInGenerations(u32),
    /// The trace is of a format that this build does not know, and is not what
    /// the newest one it knows would be.
    #[error(
        "the trace is of format \"go 1.{version}\", newer than this gotracer, and holds what it \
         does not know ({what}): update gotracer"
    )]
    NewerVersion {
        /// The version in the header.
        version: u32,
        /// The error of the trace as one of the newest known format.
        what: Box<ErrorKind>,
    },
    /// Reading on takes more memory than it may use, bytes.
    #[error("reading the trace needs more than the {} MiB of memory that it may use", .0 >> 20)]
    TooLarge(u64),
    /// The bytes end within a header, a batch or a generation.
    #[error("the trace breaks off: {0}")]
    Truncated(&'static str),
    /// The bytes do not follow the format.
    #[error("the trace is corrupt: {0}")]
    Corrupt(Corruption),
    /// The events contradict each other.
    #[error("the trace is inconsistent: {0}")]
    Inconsistent(Violation),
    /// A goroutine enters or leaves a system call that it was not in, in a
    /// trace of Go 1.21 or older.
    #[error(
        "the trace is inconsistent: {0}; Go 1.21 and older record C threads that call Go wrongly \
         (golang/go#29707), Go 1.22 and later do not"
    )]
    CgoCallback(Violation),
}

/// How bytes break the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Corruption {
    /// A batch must start here.
    #[error("expected a batch, found event type {0}")]
    NotABatch(u8),
    /// A varint that never ends or does not fit 64 bits.
    #[error("malformed varint in {0}")]
    Varint(&'static str),
    /// Batches hold at most 64 KiB.
    #[error("a batch claims {0} bytes, the limit is 65536")]
    BatchTooLarge(u64),
    /// Generation numbers start at 1.
    #[error("generation number 0")]
    GenerationZero,
    /// Generations follow each other.
    #[error("a batch of generation {found} stands within generation {current}")]
    GenerationsInterleaved {
        /// The generation being read.
        current: u64,
        /// The one the batch claims.
        found: u64,
    },
    /// Every generation states its clock.
    #[error("a generation without a clock frequency")]
    NoFrequency,
    /// Every generation since Go 1.25 has a clock snapshot.
    #[error("a generation without a clock snapshot")]
    NoClockSnapshot,
    /// One frequency and one snapshot a generation.
    #[error("a second {0} in one generation")]
    Duplicate(&'static str),
    /// A table holds only its own entries.
    #[error("event type {found} in {section}")]
    UnexpectedEntry {
        /// The table.
        section: &'static str,
        /// The event type found.
        found: u8,
    },
    /// Ids are unique within a generation.
    #[error("{table} {id} is defined twice in one generation")]
    DuplicateId {
        /// The table.
        table: &'static str,
        /// The id.
        id: u64,
    },
    /// The runtime's own limits.
    #[error("{what} of {found}, the limit is {limit}")]
    TooLarge {
        /// Name of the size.
        what: &'static str,
        /// The claimed size.
        found: u64,
        /// The runtime's limit.
        limit: u64,
    },
    /// A reference into a table that leads nowhere.
    #[error("{table} {id} is not in its generation's table")]
    UnknownId {
        /// The table.
        table: &'static str,
        /// The id.
        id: u64,
    },
    /// Another number of arguments than such an event has (Go 1.21 and older).
    #[error("an event of type {0} with arguments that it does not have")]
    Arguments(u8),
    /// A string must not be empty (Go 1.21 and older).
    #[error("string {0} is empty")]
    EmptyString(u64),
    /// A clock that stands or runs backwards (Go 1.21 and older).
    #[error("a clock frequency of {0} Hz")]
    BadFrequency(u64),
    /// An event that only Go 1.10 and older wrote.
    #[error("an event of Go 1.10 or older (a futile wake-up) in a newer trace")]
    FutileWakeup,
    /// A region begins or ends (Go 1.21 and older).
    #[error("a region that neither begins nor ends: its mode is {0}")]
    RegionMode(u64),
    /// An event type that must not be in a batch of events.
    #[error("event type {0} in a batch of events")]
    BadEventType(u8),
}

impl From<Corruption> for ErrorKind {
    fn from(c: Corruption) -> Self {
        Self::Corrupt(c)
    }
}

impl From<Exhausted> for ErrorKind {
    fn from(e: Exhausted) -> Self {
        Self::TooLarge(e.limit)
    }
}

fn version_hint(version: u32) -> &'static str {
    match version {
        5..=10 => {
            "Go 1.10 and older wrote formats of their own; build the program with Go 1.11 or \
             later, or use `go tool trace` of that version"
        }
        _ => "no Go version writes such a header, the file is damaged",
    }
}

struct Instead<'a>(Option<&'a Lookalike>);

impl fmt::Display for Instead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(it) => write!(f, " but {it}"),
            None => Ok(()),
        }
    }
}

impl ErrorKind {
    /// Whether the error shows at some byte of a trace, rather than for the
    /// trace as a whole.
    fn is_located(&self) -> bool {
        !matches!(
            self,
            Self::Empty
                | Self::NothingRecorded
                | Self::NotATrace(_)
                | Self::UnsupportedVersion(_)
                | Self::NotLive(_)
                | Self::NotAnonymizable(_)
                | Self::NotInGenerations(_)
        )
    }
}

/// Suffix of an error's text: its place and the bytes lost.
struct Where<'a>(&'a Details);

impl fmt::Display for Where<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.0;
        if !error.kind.is_located() {
            return Ok(());
        }
        match (error.offset, error.generation) {
            (0, None) => {}
            (at, None) => write!(f, " (at byte {at})")?,
            (at, Some(generation)) => write!(f, " (at byte {at}, generation {generation})")?,
        }
        match error.lost_bytes {
            0 => Ok(()),
            n => write!(f, "; {n} bytes could not be used"),
        }
    }
}
