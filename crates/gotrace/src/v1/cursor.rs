//! One P's events, one at a time from its segments.
//!
//! The first pass has checked that they are well formed, so only checks without a cost are repeated. A file that changes
//! between the passes gives wrong events, not a panic.

use super::super::args::Args;
use super::super::error::ErrorKind;
use super::super::input::Input;
use super::super::violation::Violation;
use super::super::work;
use super::exits::Exits;
use super::index::{NIL, Segment};
use super::parts::args_at;
use super::walk::{Walk, load};
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
            let at = self.next.args as usize;
            let mut walk = Walk::from(&self.buf, self.len, at, self.next.time);
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
        let at = next.args as usize + args.len();
        let mut walk = Walk::from(&self.buf, self.len, at, next.time);
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
