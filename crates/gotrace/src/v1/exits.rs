//! Exits from syscalls, ordered by the time at which they took place.
//!
//! An exit is written when the goroutine runs again, with the time at which it left the syscall: usually microseconds
//! before, sometimes seconds. It thus precedes events that may be megabytes earlier in the trace. The first pass records the
//! earliest exit of each segment; from that time on, the segment's exits are kept here until they are returned.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::super::allowance::{growing, of_vec};
use super::super::error::ErrorKind;
use super::super::event::GoId;
use super::super::input::Input;
use super::super::work;
use super::index::{FirstExit, Segment};
use super::walk::{Walk, load};
use super::wire;

/// A goroutine leaves a syscall, before or after its P says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Exit {
    /// When it did, in ticks.
    pub time: i64,
    /// When it was written. Of exits at one time the first one written comes
    /// first, and it comes before or behind other events of that time
    /// accordingly.
    written: i64,
    pub g: GoId,
    /// Offset in the trace of where that stands.
    pub at: u64,
}

impl Exit {
    /// Other events up to this time come first.
    fn limit(self) -> i64 {
        match self.written > self.time {
            true => self.time,
            false => self.time.saturating_sub(1),
        }
    }
}

/// All exits, by time.
#[derive(Debug, Default)]
pub(super) struct Exits {
    known: BinaryHeap<Reverse<Exit>>,
    /// Segments whose exits may be unknown, the latest first.
    segments: Vec<FirstExit>,
    buf: Vec<u8>,
}

impl Exits {
    /// Creates the exits of a trace from the earliest exit of each segment, in order of time.
    pub(super) fn new(mut first: Vec<FirstExit>) -> Self {
        first.reverse();
        Self {
            segments: first,
            ..Self::default()
        }
    }

    /// Bytes of memory that this holds while up to `more` exits are added.
    pub(super) fn held(&self, more: usize) -> u64 {
        let known = (self.known.capacity() * size_of::<Exit>()) as u64;
        growing(known, self.known.len() + more > self.known.capacity())
            + of_vec(&self.segments, 0)
            + self.buf.capacity() as u64
    }

    /// Events up to this time come before the next exit.
    #[inline]
    pub(super) fn limit(&self) -> i64 {
        let known = self.known.peek().map_or(i64::MAX, |e| e.0.limit());
        let unknown = self.segments.last();
        known.min(unknown.map_or(i64::MAX, |s| s.time.saturating_sub(1)))
    }

    /// Makes the exits known up to the next one.
    pub(super) fn prepare(
        &mut self,
        input: &mut Input<'_>,
        segments: &mut [Segment],
    ) -> Result<(), ErrorKind> {
        while let Some(first) = self.segments.last().copied() {
            if self.known.peek().is_some_and(|e| e.0.time < first.time) {
                break;
            }
            self.segments.pop();
            let Some(segment) = segments.get_mut(first.segment as usize) else {
                continue;
            };
            // Its P may have read the segment already.
            if std::mem::take(&mut segment.exits) {
                let segment = *segment;
                let mut buf = std::mem::take(&mut self.buf);
                let read = load(&segment, &mut buf, |at, bytes| input.look(at, bytes));
                read.map_err(ErrorKind::Io)?;
                self.collect(&segment, &buf);
                self.buf = buf;
            }
        }
        Ok(())
    }

    /// Makes a segment's exits known.
    pub(super) fn collect(&mut self, segment: &Segment, buf: &[u8]) {
        let mut walk = Walk::new(buf, segment);
        loop {
            walk.pass_plain();
            let Some(event) = walk.next() else {
                break;
            };
            if event.kind != wire::GO_SYSEXIT {
                continue;
            }
            let mut args = walk.args(&event);
            let g = GoId(args.next() as i64);
            args.next();
            let time = args.next() as i64;
            if is_displaced(time, event.time) {
                work::add(1);
                self.known.push(Reverse(Exit {
                    time,
                    written: event.time,
                    g,
                    at: segment.at + event.args as u64,
                }));
            }
        }
    }

    /// The next exit, if it is known.
    pub(super) fn next(&mut self) -> Option<Exit> {
        self.known.pop().map(|e| e.0)
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.known.clear();
        self.segments.clear();
    }
}

/// Whether an exit took place at another time than it was written; a `time` of
/// 0 says that it did not.
#[inline]
pub(super) fn is_displaced(time: i64, written: i64) -> bool {
    time != 0 && time != written
}
