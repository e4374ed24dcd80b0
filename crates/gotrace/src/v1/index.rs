//! The index of the first pass over a trace: its tables, and the places of each
//! P's events.

use std::collections::{HashMap, HashSet};

use super::super::allowance::{of_map, of_vec};
use super::super::error::ErrorKind;
use super::super::event::{GoId, ProcId, StringId, Time};
use super::super::input::Input;
use super::super::tables::{OVERHEAD, Tables};
use super::super::work;

/// No further segment.
pub(super) const NIL: u32 = u32::MAX;

/// From this length on a segment ends with the event it ends in.
pub(super) const SEGMENT: usize = 64 << 10;

/// Whole events of one P, in the order it wrote them. It may span batches, and
/// a batch, which says nothing of its length, may span segments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub at: u64,
    /// Time before its first event, in ticks.
    pub time: i64,
    pub len: u32,
    /// The P's next one.
    pub next: u32,
    /// Whether goroutines left syscalls in the segment earlier than their
    /// events come, at times that are not known yet.
    pub exits: bool,
}

/// A P's segments, in file order.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProcSegments {
    pub p: ProcId,
    pub head: u32,
    tail: u32,
    /// Length of the longest one, bytes.
    longest: u32,
}

/// A CPU profile sample, its time in ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub time: i64,
    pub p: ProcId,
    pub g: GoId,
    /// Wire id of the stack.
    pub stack: u64,
}

/// The exit from a syscall that stands earliest in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FirstExit {
    pub time: i64,
    pub segment: u32,
}

/// Why the first pass ended early.
#[derive(Debug)]
pub(super) struct Broken {
    pub kind: ErrorKind,
    pub offset: u64,
}

/// A trace whose bytes have been walked once.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub tables: Tables,
    pub segments: Vec<Segment>,
    /// Ps in the order of their first batch.
    pub procs: Vec<ProcSegments>,
    by_proc: HashMap<ProcId, u32, foldhash::fast::RandomState>,
    /// Of the segments with `exits`.
    pub first_exits: Vec<FirstExit>,
    pub samples: Vec<Sample>,
    /// The goroutines of the runtime's timers (until Go 1.13).
    pub timers: HashSet<u64, foldhash::fast::RandomState>,
    /// Texts of log messages, which have no ids.
    pub messages: HashMap<Box<[u8]>, StringId, foldhash::fast::RandomState>,
    /// Bytes of the messages.
    bytes: u64,
    /// Bytes of the longest segment of each P, which are loaded at a time, and
    /// of what else a P takes then.
    pub loaded: u64,
    /// The clock's frequency.
    pub ticks_per_second: Option<u64>,
    pub broken: Option<Broken>,
    /// End of the trace if another trace follows.
    pub end: Option<u64>,
}

/// Approximate memory of a P with events besides its segments, bytes.
const PROC: u64 = 512;

impl Index {
    /// Bytes of memory that this holds while `more` bytes are walked.
    pub(super) fn held(&self, more: usize) -> u64 {
        // Most indexed entries have at least three bytes.
        let some = more / 3;
        self.tables.held(more)
            + of_vec(&self.segments, some)
            + of_vec(&self.procs, some)
            + of_map(&self.by_proc, some)
            + of_vec(&self.first_exits, 1)
            + of_vec(&self.samples, more / 6)
            + 3 * (self.timers.capacity() * 2 * size_of::<u64>()) as u64
            + of_map(&self.messages, some)
            + self.bytes
    }

    /// The number of a P in the order of first batches.
    pub(super) fn proc(&mut self, p: ProcId) -> u32 {
        let next = self.procs.len() as u32;
        let index = *self.by_proc.entry(p).or_insert(next);
        if index == next {
            work::add(1);
            self.procs.push(ProcSegments {
                p,
                head: NIL,
                tail: NIL,
                longest: 0,
            });
            self.loaded += PROC;
        }
        index
    }

    /// Adds a segment of a P, in which the earliest exit from a syscall took
    /// place at `first_exit`.
    pub(super) fn add(
        &mut self,
        input: &mut Input<'_>,
        proc: u32,
        segment: Segment,
        first_exit: Option<Time>,
    ) {
        work::add(1);
        let index = self.segments.len() as u32;
        input.hold(segment.at, segment.len as usize);
        self.segments.push(segment);
        if let Some(time) = first_exit {
            self.first_exits.push(FirstExit {
                time,
                segment: index,
            });
        }
        let p = &mut self.procs[proc as usize];
        match p.tail {
            NIL => p.head = index,
            tail => self.segments[tail as usize].next = index,
        }
        p.tail = index;
        let more = segment.len.saturating_sub(p.longest);
        p.longest += more;
        self.loaded += u64::from(more);
    }

    /// The text of a log message.
    pub(super) fn message(&mut self, text: &[u8]) {
        if !text.is_empty() && !self.messages.contains_key(text) {
            let id = self.tables.add_own_string(text);
            self.bytes += OVERHEAD + text.len() as u64;
            self.messages.insert(text.into(), id);
        }
    }

    /// Checks the trace as a whole, and sorts by time the lists that are used
    /// in that order. The trace ends at `end`.
    pub(super) fn close(&mut self, end: u64) -> Result<(), Broken> {
        if self.ticks_per_second.is_none() {
            if self.procs.is_empty() && self.broken.is_none() {
                return Err(Broken {
                    kind: ErrorKind::NothingRecorded,
                    offset: end,
                });
            }
            // A truncated trace always lacks this part.
            const NO_CLOCK: &str = "before the clock's frequency, which Go 1.21 and older write \
                after all events: the program ended before trace.Stop, or the file was cut off";
            return Err(match self.broken.take() {
                Some(b) if !matches!(b.kind, ErrorKind::Truncated(_)) => b,
                _ => Broken {
                    kind: ErrorKind::Truncated(NO_CLOCK),
                    offset: end,
                },
            });
        }
        // Without a string a frame has no name, but the events stay true.
        let missing = self.tables.resolve_known_frames();
        if let (Some(missing), None) = (missing, &self.broken) {
            self.broken = Some(Broken {
                kind: missing.into(),
                offset: end,
            });
        }
        self.first_exits.sort_unstable();
        super::super::sort::by_key(&mut self.samples, |s| s.time);
        Ok(())
    }
}
