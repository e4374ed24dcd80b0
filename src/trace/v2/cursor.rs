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
const PADDING: usize = 72;

/// How many events are decoded at a time. In a loop of its own decoding needs
/// few instructions; interleaved with everything else it needs twice as many.
const AHEAD: usize = 32;

/// The events of one thread.
#[derive(Debug)]
pub struct Cursor {
    /// Where the order keeps the thread's state.
    pub thread: u32,
    /// Decoded events; `next..decoded` are still to come.
    events: Box<[RawEvent; AHEAD]>,
    next: u32,
    decoded: u32,
    /// What is wrong with the bytes behind the decoded events.
    fault: Option<Corruption>,
    last: Time,
    /// The batch being decoded, then the one after it.
    batch: u32,
    following: u32,
    buf: Vec<u8>,
    len: usize,
    pos: usize,
}

impl Cursor {
    /// A cursor before the batch `head`; `buf` is memory to be used again.
    pub fn new(thread: u32, head: u32, memory: Memory) -> Self {
        Self {
            thread,
            events: memory.events,
            next: 0,
            decoded: 0,
            fault: None,
            last: 0,
            batch: NIL,
            following: head,
            buf: memory.buf,
            len: 0,
            pos: 0,
        }
    }

    /// The cursor's memory, once it has no more events.
    pub fn into_memory(self) -> Memory {
        Memory {
            events: self.events,
            buf: self.buf,
        }
    }

    /// The event that comes next on this thread.
    #[inline]
    pub fn event(&self) -> &RawEvent {
        // `next` is below AHEAD whenever there is an event; the mask says so
        // to the compiler.
        &self.events[self.next as usize % AHEAD]
    }

    /// Offset in the trace of the next undecoded byte.
    pub fn offset(&self, batches: &[EventBatch]) -> u64 {
        let at = batches.get(self.batch as usize).map_or(0, |b| b.at);
        at + self.pos as u64
    }

    /// Bytes of the thread's events that were not decoded yet.
    pub fn bytes_left(&self, batches: &[EventBatch]) -> u64 {
        let mut left = (self.len - self.pos) as u64;
        let mut next = self.following;
        while let Some(b) = batches.get(next as usize) {
            left += u64::from(b.len);
            next = b.next;
        }
        left
    }

    /// Goes to the first event. False if there is none.
    pub fn start(&mut self, source: &mut Source<'_, '_>) -> Result<bool, Box<ErrorKind>> {
        self.refill(source)
    }

    /// Goes to the next event. False if there is none.
    #[inline]
    pub fn advance(&mut self, source: &mut Source<'_, '_>) -> Result<bool, Box<ErrorKind>> {
        self.next += 1;
        if self.next < self.decoded {
            return Ok(true);
        }
        self.refill(source)
    }

    /// Decodes the next events, loading the next batch if this one is done.
    #[cold]
    fn refill(&mut self, source: &mut Source<'_, '_>) -> Result<bool, Box<ErrorKind>> {
        if let Some(fault) = self.fault {
            return Err(Box::new(fault.into()));
        }
        if self.pos == self.len && !self.load_next(source)? {
            return Ok(false);
        }
        (self.next, self.decoded) = (0, 0);
        self.decode(source.clock, source.batches[self.batch as usize].time);
        match self.fault {
            Some(fault) if self.decoded == 0 => Err(Box::new(fault.into())),
            _ => Ok(true),
        }
    }

    fn load_next(&mut self, source: &mut Source<'_, '_>) -> Result<bool, Box<ErrorKind>> {
        let Some(b) = source.batches.get(self.following as usize) else {
            return Ok(false);
        };
        self.batch = self.following;
        self.following = b.next;
        self.len = b.len as usize;
        self.pos = 0;
        self.last = 0;
        self.buf.resize(self.len + PADDING, 0);
        source
            .input
            .take(b.at, &mut self.buf[..self.len])
            .map_err(ErrorKind::Io)?;
        self.buf[self.len..].fill(0);
        Ok(true)
    }

    /// Decodes events of the loaded batch, whose base time is `base`, until
    /// there is no more room, or no more batch, or something is wrong.
    fn decode(&mut self, clock: Clock, base: u64) {
        let buf = &self.buf[..];
        let (mut pos, mut last) = (self.pos, self.last);
        let mut decoded = 0;
        for event in self.events.iter_mut() {
            if pos == self.len {
                break;
            }
            if last == 0 {
                last = clock.ns(base);
            }
            let Some(Ok(window)) = buf.get(pos..pos + PADDING).map(TryInto::try_into) else {
                unreachable!("the padding follows the batch");
            };
            match decode_event(window, event) {
                Ok((delta, n)) if pos + n <= self.len => {
                    last = last.wrapping_add(clock.ns(delta));
                    pos += n;
                }
                Ok(_) => {
                    self.fault = Some(Corruption::Varint("an event"));
                    break;
                }
                Err(fault) => {
                    self.fault = Some(fault);
                    break;
                }
            }
            event.time = last;
            decoded += 1;
        }
        self.pos = pos;
        self.last = last;
        self.decoded = decoded;
    }
}

/// Memory of a cursor, to be used by another.
#[derive(Debug)]
pub struct Memory {
    events: Box<[RawEvent; AHEAD]>,
    buf: Vec<u8>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            events: Box::new([RawEvent::default(); AHEAD]),
            buf: Vec::new(),
        }
    }
}

/// Where a cursor gets its batches from.
pub struct Source<'a, 'i> {
    pub input: &'a mut Input<'i>,
    pub batches: &'a [EventBatch],
    pub clock: Clock,
}

/// The bytes of one event and what follows it.
type Window = [u8; PADDING];

/// Decodes an event's type, time difference and arguments; returns the
/// difference and the event's length.
#[inline(always)]
fn decode_event(window: &Window, event: &mut RawEvent) -> Result<(u64, usize), Corruption> {
    event.kind = window[0];
    let args = wire::ARGS[event.kind as usize];
    if args == wire::NOT_TIMED {
        return Err(Corruption::BadEventType(event.kind));
    }
    let mut at = 1;
    let delta = varint(window, &mut at)?;
    if args > 0 {
        event.args[0] = varint(window, &mut at)?;
        if args > 1 {
            event.args[1] = varint(window, &mut at)?;
            if args > 2 {
                event.args[2] = varint(window, &mut at)?;
                if args > 3 {
                    event.args[3] = varint(window, &mut at)?;
                }
            }
        }
    }
    Ok((delta, at))
}

const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Decodes a varint of the window at `at`.
#[inline(always)]
fn varint(window: &Window, at: &mut usize) -> Result<u64, Corruption> {
    // Five varints of at most ten bytes end before 64: the mask changes
    // nothing but spares the check that the load is within the window.
    let from = *at % 64;
    let bytes = window[from..from + 8].try_into();
    let word = u64::from_le_bytes(bytes.expect("eight bytes"));
    if word & 0x80 == 0 {
        *at += 1;
        return Ok(word & 0x7f);
    }
    if word & 0x8000 == 0 {
        *at += 2;
        return Ok(word & 0x7f | (word >> 1) & 0x3f80);
    }
    let ends = !word & HIGH_BITS;
    if ends == 0 {
        return long_varint(window, at);
    }
    // Keep the bytes up to and with the first whose high bit is clear, then
    // squeeze the high bits out: pairs, quads, the whole.
    let n = ends.trailing_zeros() + 1;
    let word = word & (u64::MAX >> (64 - n)) & !HIGH_BITS;
    let word = (word & 0x007f_007f_007f_007f) | (word & 0x7f00_7f00_7f00_7f00) >> 1;
    let word = (word & 0x0000_3fff_0000_3fff) | (word & 0x3fff_0000_3fff_0000) >> 2;
    let word = (word & 0x0000_0000_0fff_ffff) | (word & 0x0fff_ffff_0000_0000) >> 4;
    *at += (n / 8) as usize;
    Ok(word)
}

#[cold]
fn long_varint(window: &Window, at: &mut usize) -> Result<u64, Corruption> {
    let decoded = super::super::varint::decode(&window[*at..]);
    let (value, n) = decoded.ok_or(Corruption::Varint("an event"))?;
    *at += n;
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
            let window: &Window = padded[..PADDING].try_into().expect("long enough");
            let mut at = 0;
            let got = varint(window, &mut at).ok().map(|v| (v, at));
            prop_assert_eq!(got, super::super::super::varint::decode(&padded));
        }
    }
}
