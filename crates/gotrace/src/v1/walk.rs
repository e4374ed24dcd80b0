//! Loads a segment and walks its events, without the scheduler model.

use super::super::args::{Args, WINDOW};
use super::super::work;
use super::index::Segment;
use super::parts::{self, args_at};
use super::wire;

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

    /// From the event at `at`, which `time` precedes; `buf` holds `len` bytes of events.
    pub(super) fn from(buf: &'a [u8], len: usize, at: usize, time: i64) -> Self {
        Self { buf, len, at, time }
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
