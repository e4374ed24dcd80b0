//! One thread's events, decoded one at a time from its batches.

use super::super::error::{Corruption, ErrorKind};
use super::super::event::Time;
use super::super::input::Input;
use super::clock::Clock;
use super::generation::{EventBatch, NIL};
use super::wire;

/// An event as it stands in its batch; references are still wire ids.
#[derive(Clone, Copy, Debug, Default)]
pub struct RawEvent {
    pub time: Time,
    pub kind: u8,
    pub args: [u64; 4],
}

/// Zero bytes behind a batch's data, so that varints can be decoded with wide
/// loads and without asking for the end each time: the longest event is its
/// type and five varints. A varint that reaches into them ends there.
const PADDING: usize = 64;

/// The next event of one thread.
#[derive(Debug)]
pub struct Cursor {
    /// Where the order keeps the thread's state.
    pub thread: u32,
    /// The event that comes next on this thread.
    pub event: RawEvent,
    last: Time,
    /// The batch being decoded, then the one after it.
    batch: u32,
    next: u32,
    buf: Vec<u8>,
    len: usize,
    pos: usize,
}

impl Cursor {
    /// A cursor before the batch `head`; `buf` is memory to be used again.
    pub fn new(thread: u32, head: u32, buf: Vec<u8>) -> Self {
        Self {
            thread,
            event: RawEvent::default(),
            last: 0,
            batch: NIL,
            next: head,
            buf,
            len: 0,
            pos: 0,
        }
    }

    /// The cursor's memory, once it has no more events.
    pub fn into_buffer(self) -> Vec<u8> {
        self.buf
    }

    /// Offset in the trace of the next undecoded byte.
    pub fn offset(&self, batches: &[EventBatch]) -> u64 {
        let at = batches.get(self.batch as usize).map_or(0, |b| b.at);
        at + self.pos as u64
    }

    /// Bytes of the thread's events that were not decoded yet.
    pub fn bytes_left(&self, batches: &[EventBatch]) -> u64 {
        let mut left = (self.len - self.pos) as u64;
        let mut next = self.next;
        while let Some(b) = batches.get(next as usize) {
            left += u64::from(b.len);
            next = b.next;
        }
        left
    }

    /// Decodes the next event into [`event`](Self::event). False if there is
    /// none.
    #[inline]
    pub fn advance(
        &mut self,
        input: &mut Input<'_>,
        batches: &[EventBatch],
        clock: Clock,
    ) -> Result<bool, Box<ErrorKind>> {
        if self.pos == self.len && !self.load_next(input, batches)? {
            return Ok(false);
        }
        if self.last == 0 {
            self.last = clock.ns(batches[self.batch as usize].time);
        }
        let delta = self.decode()?;
        self.last = self.last.wrapping_add(clock.ns(delta));
        self.event.time = self.last;
        Ok(true)
    }

    #[cold]
    fn load_next(
        &mut self,
        input: &mut Input<'_>,
        batches: &[EventBatch],
    ) -> Result<bool, Box<ErrorKind>> {
        let Some(b) = batches.get(self.next as usize) else {
            return Ok(false);
        };
        self.batch = self.next;
        self.next = b.next;
        self.len = b.len as usize;
        self.pos = 0;
        self.last = 0;
        self.buf.resize(self.len + PADDING, 0);
        input
            .take(b.at, &mut self.buf[..self.len])
            .map_err(ErrorKind::Io)?;
        self.buf[self.len..].fill(0);
        Ok(true)
    }

    /// Decodes type and arguments; returns the time difference.
    #[inline]
    fn decode(&mut self) -> Result<u64, Box<ErrorKind>> {
        let kind = self.buf[self.pos];
        let args = wire::ARGS[kind as usize];
        if args == wire::NOT_TIMED {
            return Err(malformed(Corruption::BadEventType(kind)));
        }
        self.event.kind = kind;
        let mut pos = self.pos + 1;
        let delta = varint(&self.buf, &mut pos)?;
        for i in 0..args as usize {
            self.event.args[i & 3] = varint(&self.buf, &mut pos)?;
        }
        if pos > self.len {
            return Err(malformed(Corruption::Varint("an event")));
        }
        self.pos = pos;
        Ok(delta)
    }
}

#[cold]
fn malformed(c: Corruption) -> Box<ErrorKind> {
    Box::new(c.into())
}

const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Decodes a varint from a padded buffer.
#[inline(always)]
fn varint(buf: &[u8], pos: &mut usize) -> Result<u64, Box<ErrorKind>> {
    let Some(bytes) = buf.get(*pos..*pos + 8) else {
        return Err(malformed(Corruption::Varint("an event")));
    };
    let word = u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
    if word & 0x80 == 0 {
        *pos += 1;
        return Ok(word & 0x7f);
    }
    let ends = !word & HIGH_BITS;
    if ends == 0 {
        return long_varint(buf, pos);
    }
    // Keep the bytes up to and with the first whose high bit is clear, then
    // squeeze the high bits out: pairs, quads, the whole.
    let n = ends.trailing_zeros() + 1;
    let word = word & (u64::MAX >> (64 - n)) & !HIGH_BITS;
    let word = (word & 0x007f_007f_007f_007f) | (word & 0x7f00_7f00_7f00_7f00) >> 1;
    let word = (word & 0x0000_3fff_0000_3fff) | (word & 0x3fff_0000_3fff_0000) >> 2;
    let word = (word & 0x0000_0000_0fff_ffff) | (word & 0x0fff_ffff_0000_0000) >> 4;
    *pos += (n / 8) as usize;
    Ok(word)
}

#[cold]
fn long_varint(buf: &[u8], pos: &mut usize) -> Result<u64, Box<ErrorKind>> {
    let (value, n) = super::super::varint::decode(&buf[*pos..])
        .ok_or_else(|| malformed(Corruption::Varint("an event")))?;
    *pos += n;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn wide_loads_decode_as_bytes_do(bytes in proptest::collection::vec(any::<u8>(), 1..20)) {
            let mut padded = bytes.clone();
            padded.resize(bytes.len() + PADDING, 0);
            let mut pos = 0;
            let got = varint(&padded, &mut pos).ok().map(|v| (v, pos));
            prop_assert_eq!(got, super::super::super::varint::decode(&padded));
        }
    }
}
