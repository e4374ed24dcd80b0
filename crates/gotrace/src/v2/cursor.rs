//! One thread's events, one at a time from its batches.
//!
//! The cursor decodes the type and the time of the next event, which the merge
//! needs. The order decodes the arguments when it takes the event, so each
//! event is decoded once, into registers. The reference finds a damaged event
//! before it returns the one before it, and so does this cursor: near the end
//! of a batch, and in the rare batches that may be damaged, it checks each
//! event before it advances.

use super::super::args::{self, Args, WINDOW};
use super::super::error::{Corruption, ErrorKind};
use super::super::event::Time;
use super::super::input::Input;
use super::super::varint::Scanner;
use super::super::work;
use super::clock::Clock;
use super::generation::{EventBatch, NIL};
use super::raw::MAX_EVENT;
use super::wire;

/// The event that comes next on a thread.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Position {
    pub time: Time,
    /// Offset of the arguments in the batch.
    args: u32,
    kind: u32,
}

impl Position {
    /// The event's type.
    #[inline(always)]
    pub(super) fn kind(self) -> u8 {
        self.kind as u8
    }

    /// Advances to the next event, after the arguments that were read. False if
    /// [`Cursor::load`] must load it.
    #[inline(always)]
    pub(super) fn advance(&mut self, mut args: Args<'_>, careful: u32, clock: Clock) -> bool {
        let end = self.args + args.len() as u32;
        let kind = args.kind();
        if end >= careful || !wire::is_timed(kind) {
            self.args = end;
            return false;
        }
        let Some(delta) = clock.ns_fast(args.next()) else {
            self.args = end;
            return false;
        };
        self.kind = kind.into();
        self.time = self.time.wrapping_add(delta);
        self.args += args.len() as u32;
        true
    }
}

/// The events of one thread.
#[derive(Debug)]
pub(super) struct Cursor {
    pub next: Position,
    /// From here on events may be damaged or reach beyond the batch's end.
    pub careful: u32,
    /// The batch, followed by zeros so a window fits at any offset.
    buf: Vec<u8>,
    len: usize,
    batch: u32,
    following: u32,
}

impl Default for Cursor {
    /// A cursor of a thread that has no events.
    fn default() -> Self {
        Self::new(NIL, Vec::new())
    }
}

impl Cursor {
    /// A cursor before the batch `head`, to be [loaded](Self::load);
    /// `buf` is memory to be used again.
    pub(super) fn new(head: u32, buf: Vec<u8>) -> Self {
        Self {
            next: Position::default(),
            careful: 0,
            buf,
            len: 0,
            batch: NIL,
            following: head,
        }
    }

    /// Takes the memory of a cursor that is no longer needed.
    pub(super) fn take_memory(&mut self) -> Vec<u8> {
        std::mem::take(self).buf
    }

    /// The arguments of the event at `position`.
    #[inline(always)]
    pub(super) fn args(&self, position: Position) -> Args<'_> {
        let at = position.args as usize;
        match self.buf.get(at..at + WINDOW).map(TryInto::try_into) {
            Some(Ok(window)) => Args::new(window),
            _ => unreachable!("the padding follows the batch"),
        }
    }

    /// Offset in the trace of the next event's arguments.
    pub(super) fn offset(&self, batches: &[EventBatch]) -> u64 {
        let at = batches.get(self.batch as usize).map_or(0, |b| b.at);
        at + u64::from(self.next.args)
    }

    /// Bytes of the thread's events that were not decoded yet.
    pub(super) fn bytes_left(&self, batches: &[EventBatch]) -> u64 {
        let mut left = (self.len - self.next.args as usize) as u64;
        let mut next = self.following;
        while let Some(b) = batches.get(next as usize) {
            left += u64::from(b.len);
            next = b.next;
        }
        left
    }

    /// Whether [`load`](Self::load) loads another batch.
    pub(super) fn is_at_end(&self) -> bool {
        self.next.args as usize == self.len
    }

    /// Advances to the next event where that needs checks, or the next batch;
    /// false if there is none.
    #[cold]
    pub(super) fn load(&mut self, source: &mut Source<'_, '_>) -> Result<bool, Box<ErrorKind>> {
        if self.is_at_end() && !self.load_batch(source)? {
            return Ok(false);
        }
        let (delta, n) = self.check()?;
        let next = &mut self.next;
        if next.time == 0 {
            next.time = source.clock.ns(source.batches[self.batch as usize].time);
        }
        next.kind = self.buf[next.args as usize].into();
        next.time = next.time.wrapping_add(source.clock.ns(delta));
        next.args += n as u32;
        Ok(true)
    }

    /// Looks through the next event: its time difference, and how many bytes
    /// that and the type take.
    fn check(&self) -> Result<(u64, usize), Box<ErrorKind>> {
        let broken = || Box::new(Corruption::Varint("an event").into());
        let mut scanner = Scanner::new(&self.buf[self.next.args as usize..self.len]);
        let kind = scanner.byte().ok_or_else(broken)?;
        let args = wire::ARGS[kind as usize];
        if args == wire::NOT_TIMED {
            return Err(Box::new(Corruption::BadEventType(kind).into()));
        }
        let delta = scanner.varint().ok_or_else(broken)?;
        let n = scanner.pos();
        for _ in 0..args {
            scanner.varint().ok_or_else(broken)?;
        }
        Ok((delta, n))
    }

    fn load_batch(&mut self, source: &mut Source<'_, '_>) -> Result<bool, Box<ErrorKind>> {
        let Some(b) = source.batches.get(self.following as usize) else {
            return Ok(false);
        };
        work::add(1);
        self.batch = self.following;
        self.following = b.next;
        self.len = b.len as usize;
        self.next = Position::default();
        self.buf.resize(self.len + WINDOW, 0);
        let (bytes, padding) = self.buf.split_at_mut(self.len);
        padding.fill(0);
        source.input.take(b.at, bytes).map_err(ErrorKind::Io)?;
        let sound = args::first_suspect(bytes);
        // Where a time may be 0, the next event restarts at the batch's time.
        // Elsewhere no check is needed.
        let ordinary = (1..1 << 62).contains(&source.clock.ns(b.time));
        let careful = sound.saturating_sub(MAX_EVENT) as u32;
        self.careful = if ordinary { careful } else { 0 };
        Ok(true)
    }
}

/// Source of a cursor's batches.
pub(super) struct Source<'a, 'i> {
    pub input: &'a mut Input<'i>,
    pub batches: &'a [EventBatch],
    pub clock: Clock,
}
