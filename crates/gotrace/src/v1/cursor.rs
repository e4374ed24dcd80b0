//! One P's events, one at a time from its segments.
//!
//! The first pass has checked that they are well formed, so only checks without a cost are repeated. A file that changes
//! between the passes gives wrong events, not a panic.

use super::super::args::{Args, WINDOW};
use super::super::error::ErrorKind;
use super::super::input::Input;
use super::super::violation::Violation;
use super::super::work;
use super::exits::Exits;
use super::index::{NIL, Segment};
use super::parts::{self, args_at};
use super::wire;

/// The event that comes next on a P.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Position {
    /// In ticks.
    pub time: i64,
    /// Offset of the arguments after the time, within the segment.
    args: u32,
    pub kind: u8,
}

impl Position {
    /// Advances to the next event, `read` bytes after the start of the
    /// arguments. False if [`Cursor::load`] must load it.
    #[inline(always)]
    pub(super) fn advance(&mut self, buf: &[u8], read: usize) -> bool {
        let at = self.args as usize + read;
        self.args = at as u32;
        let Some(&first) = buf.get(at) else {
            return false;
        };
        let kind = first & wire::TYPE;
        // Zeros behind the last event have no time.
        if wire::ARGS[kind as usize] == wire::NOT_TIMED {
            return false;
        }
        let mut args = args_at(buf, at + 1);
        if first >= wire::PREFIXED {
            args.next();
        }
        let time = self.time.wrapping_add(args.next() as i64);
        if time < self.time {
            return false;
        }
        *self = Self {
            time,
            args: (at + 1 + args.len()) as u32,
            kind,
        };
        true
    }
}

/// Source of a cursor's segments.
pub(super) struct Source<'a, 'i> {
    pub input: &'a mut Input<'i>,
    pub segments: &'a mut [Segment],
    pub exits: &'a mut Exits,
    /// Bytes that were loaded so far.
    pub bytes: &'a mut u64,
}

/// The events of one P.
#[derive(Debug)]
pub(super) struct Cursor {
    pub next: Position,
    /// The segment, followed by zeros so a window fits at any offset.
    buf: Vec<u8>,
    len: usize,
    segment: u32,
    following: u32,
    begun: bool,
}

impl Cursor {
    /// A cursor before the segment `head`, to be [loaded](Self::load).
    pub(super) fn new(head: u32) -> Self {
        Self {
            next: Position::default(),
            buf: Vec::new(),
            len: 0,
            segment: NIL,
            following: head,
            begun: false,
        }
    }

    /// The bytes that events are read from.
    #[inline(always)]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buf
    }

    /// The arguments, behind the time, of the event at `position`.
    #[inline(always)]
    pub(super) fn args(&self, position: Position) -> Args<'_> {
        args_at(&self.buf, position.args as usize)
    }

    /// Offset in the trace of the next event's arguments.
    pub(super) fn offset(&self, segments: &[Segment]) -> u64 {
        let at = segments.get(self.segment as usize).map_or(0, |s| s.at);
        at + u64::from(self.next.args)
    }

    /// Bytes of the P's events that were not decoded yet.
    pub(super) fn bytes_left(&self, segments: &[Segment]) -> u64 {
        let mut left = self.len.saturating_sub(self.next.args as usize) as u64;
        let mut next = self.following;
        while let Some(s) = segments.get(next as usize) {
            left += u64::from(s.len);
            next = s.next;
        }
        left
    }

    /// The text that stands `read` bytes behind where the arguments at
    /// `position` began, and where it ends.
    pub(super) fn text(&self, position: Position, read: usize) -> (&[u8], usize) {
        let at = position.args as usize + read;
        let mut args = args_at(&self.buf, at.min(self.len));
        let len = args.next() as usize;
        let at = at + args.len();
        let text = self.buf.get(at..at.saturating_add(len));
        let text = text.unwrap_or_default();
        (text, read + args.len() + text.len())
    }

    /// Whether [`load`](Self::load) loads another segment.
    pub(super) fn is_at_end(&self) -> bool {
        self.next.args as usize >= self.len
    }

    /// Advances to the next event where [`Position::advance`] could not; false
    /// if there is none.
    #[cold]
    pub(super) fn load(&mut self, source: &mut Source<'_, '_>) -> Result<bool, Box<ErrorKind>> {
        let last = self.next.time;
        loop {
            if self.is_at_end() && !self.load_segment(source)? {
                return Ok(false);
            }
            let mut walk = Walk {
                buf: &self.buf,
                len: self.len,
                at: self.next.args as usize,
                time: self.next.time,
            };
            let Some(event) = walk.next() else {
                self.next.args = self.len as u32;
                continue;
            };
            self.next = Position {
                time: event.time,
                args: event.args as u32,
                kind: event.kind,
            };
            if self.begun && event.time < last {
                return Err(Box::new(ErrorKind::Inconsistent(Violation::Times)));
            }
            self.begun = true;
            return Ok(true);
        }
    }

    fn load_segment(&mut self, source: &mut Source<'_, '_>) -> Result<bool, Box<ErrorKind>> {
        let Some(segment) = source.segments.get(self.following as usize).copied() else {
            return Ok(false);
        };
        work::add(1);
        *source.bytes += u64::from(segment.len);
        self.segment = self.following;
        self.following = segment.next;
        self.len = segment.len as usize;
        let taken = load(&segment, &mut self.buf, |at, bytes| {
            source.input.take(at, bytes)
        });
        taken.map_err(ErrorKind::Io)?;
        if segment.exits {
            source.segments[self.segment as usize].exits = false;
            source.exits.collect(&segment, &self.buf);
        }
        self.next = Position {
            time: segment.time,
            args: 0,
            kind: 0,
        };
        Ok(true)
    }

    /// Returns the time at which the running goroutine `g` blocks in the syscall that it just began. The next event that is
    /// not about another goroutine tells whether it does.
    pub(super) fn blocks(
        &self,
        g: u64,
        source: &mut Source<'_, '_>,
    ) -> Result<Option<i64>, Box<ErrorKind>> {
        let blocks = |kind, time| (kind == wire::GO_SYSBLOCK).then_some(time);
        let other = |kind, mut args: Args<'_>| {
            let others = matches!(
                kind,
                wire::GO_SYSEXIT | wire::GO_SYSEXIT_LOCAL | wire::GO_WAITING | wire::GO_IN_SYSCALL
            );
            others && args.next() != g
        };
        let next = self.next;
        if !other(next.kind, self.args(next)) {
            return Ok(blocks(next.kind, next.time));
        }
        let mut args = self.args(next);
        (1..wire::ARGS[next.kind as usize]).for_each(|_| _ = args.next());
        let mut walk = Walk {
            buf: &self.buf,
            len: self.len,
            at: next.args as usize + args.len(),
            time: next.time,
        };
        let mut buf = Vec::new();
        let mut following = self.following;
        loop {
            while let Some(event) = walk.next() {
                if !other(event.kind, walk.args(&event)) {
                    return Ok(blocks(event.kind, event.time));
                }
            }
            let Some(segment) = source.segments.get(following as usize) else {
                return Ok(None);
            };
            following = segment.next;
            load(segment, &mut buf, |at, bytes| source.input.look(at, bytes))
                .map_err(ErrorKind::Io)?;
            walk = Walk::new(&buf, segment);
        }
    }
}

/// Whether such an event may be about a goroutine other than the one that runs
/// on its P.
#[inline]
pub(super) fn may_be_others(kind: u8) -> bool {
    matches!(
        kind,
        wire::GO_SYSEXIT | wire::GO_SYSEXIT_LOCAL | wire::GO_WAITING | wire::GO_IN_SYSCALL
    )
}

/// Loads a segment with `read`, and zeros behind it.
pub(super) fn load(
    segment: &Segment,
    buf: &mut Vec<u8>,
    read: impl FnOnce(u64, &mut [u8]) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let len = segment.len as usize;
    buf.resize(len + WINDOW, 0);
    let (bytes, padding) = buf.split_at_mut(len);
    padding.fill(0);
    read(segment.at, bytes)
}

/// The events with a time in a segment.
pub(super) struct Walk<'a> {
    buf: &'a [u8],
    len: usize,
    at: usize,
    time: i64,
}

/// An event that was walked over.
pub(super) struct Walked {
    pub kind: u8,
    pub time: i64,
    /// Offset of the arguments after the time.
    pub args: usize,
}

impl<'a> Walk<'a> {
    /// From the segment's start; `buf` is what [`load`] made of it.
    pub(super) fn new(buf: &'a [u8], segment: &Segment) -> Self {
        Self {
            buf,
            len: segment.len as usize,
            at: 0,
            time: segment.time,
        }
    }

    /// An event's arguments, behind the time.
    pub(super) fn args(&self, event: &Walked) -> Args<'a> {
        args_at(self.buf, event.args)
    }

    /// Passes over events that are whole in eight bytes, up to the first one
    /// that is not.
    pub(super) fn pass_plain(&mut self) {
        while self.at < self.len
            && let Some((delta, end)) = parts::plain(self.buf, self.at)
        {
            work::add(1);
            self.time = self.time.wrapping_add(delta as i64);
            self.at = end;
        }
    }

    /// The next event with a time.
    pub(super) fn next(&mut self) -> Option<Walked> {
        while self.at < self.len {
            work::add(1);
            let first = self.buf[self.at];
            let kind = first & wire::TYPE;
            self.at += 1;
            let mut args = args_at(self.buf, self.at);
            if kind == wire::BATCH {
                args.next();
                self.time = args.next() as i64;
                self.at += args.len();
                continue;
            }
            if kind == wire::STRING {
                args.next();
                let len = args.next() as usize;
                self.at = (self.at + args.len()).saturating_add(len);
                continue;
            }
            let mut end = None;
            if first >= wire::PREFIXED {
                let len = args.next() as usize;
                end = Some((self.at + args.len()).saturating_add(len));
            }
            let timed = wire::ARGS[kind as usize] != wire::NOT_TIMED;
            let mut event = None;
            if timed {
                self.time = self.time.wrapping_add(args.next() as i64);
                event = Some(Walked {
                    kind,
                    time: self.time,
                    args: self.at + args.len(),
                });
            }
            self.at = end.unwrap_or_else(|| {
                let read = u8::from(timed);
                (read..=first >> 6).for_each(|_| _ = args.next());
                self.at + args.len()
            });
            if kind == wire::LOG && self.at < self.len {
                let mut args = args_at(self.buf, self.at);
                let len = args.next() as usize;
                self.at = (self.at + args.len()).saturating_add(len);
            }
            if event.is_some() {
                return event;
            }
        }
        None
    }
}
