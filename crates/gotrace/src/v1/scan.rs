//! The first pass: every event's form is checked and its length found, tables
//! are decoded, and the rest is only noted as [segments](Index).
//!
//! The old format needs this pass: batches have no length, and the clock's frequency and the stacks, which the first event
//! needs, are written last.

use super::super::allowance::{Share, of_vec};
use super::super::args::WINDOW;
use super::super::error::{Corruption, ErrorKind};
use super::super::event::ProcId;
use super::super::input::Input;
use super::super::varint::{self, Scanner};
use super::super::version::{HEADER, HEADER_START, starts_with_header};
use super::super::work;
use super::index::{Broken, Index, NIL, SEGMENT, Segment};
use super::parts::{check_args, plain, prefixed};
use super::wire;

/// Bytes that are read at a time.
const CHUNK: usize = 256 << 10;

/// Walks the whole trace, and counts the memory for it in `share`.
pub(super) fn scan(input: &mut Input<'_>, version: u32, share: &mut Share) -> Index {
    let mut scan = Scan {
        version,
        index: Index::default(),
        base: input.pos(),
        open: Open {
            proc: NIL,
            start: input.pos(),
            time: 0,
            timed: false,
            first_exit: i64::MAX,
        },
        time: 0,
    };
    scan.index.broken = scan.all(input, share).err();
    scan.index
}

/// Whether the header of another trace may start here, as far as the buffer
/// goes: no event looks like one, its first byte asks for other arguments.
fn may_be_header(bytes: &[u8]) -> bool {
    let known = bytes.len().min(HEADER_START.len());
    bytes[..known] == HEADER_START[..known] && (bytes.len() < HEADER || starts_with_header(bytes))
}

/// The segment that is being walked.
pub(super) struct Open {
    pub(super) proc: u32,
    start: u64,
    /// Time before its first event.
    time: i64,
    /// Whether it has any event but tables.
    timed: bool,
    /// The earliest return from a syscall whose time differs from its event's.
    pub(super) first_exit: i64,
}

/// The first pass over a trace.
pub(super) struct Scan {
    version: u32,
    pub(super) index: Index,
    /// Offset of the first byte in the buffer.
    base: u64,
    pub(super) open: Open,
    pub(super) time: i64,
}

/// End of an event; `None` if the buffer ends before.
pub(super) type End = Result<Option<usize>, ErrorKind>;

impl Scan {
    fn all(&mut self, input: &mut Input<'_>, share: &mut Share) -> Result<(), Broken> {
        let mut buf = Vec::new();
        let (mut pos, mut len) = (0, 0);
        loop {
            buf.drain(..pos);
            buf.truncate(len - pos);
            self.base += pos as u64;
            (pos, len) = (0, len - pos);
            let more = input.read_on(&mut buf, CHUNK);
            let more = more.map_err(|e| self.broken(ErrorKind::Io(e), 0))?;
            len += more;
            buf.resize(len + WINDOW, 0);
            let held = self.index.held(len) + self.index.loaded + input.held();
            let counted = share.hold(held + of_vec(&buf, CHUNK));
            counted.map_err(|e| self.broken(e.into(), 0))?;
            let walked = self.walk(input, &buf, len, &mut pos);
            let walked = walked.map_err(|kind| self.broken(kind, pos));
            let end = self.base + pos as u64;
            let another = starts_with_header(&buf[pos..len]);
            if walked.is_err() || another || more == 0 {
                self.close_segment(input, end);
            }
            walked?;
            if another {
                self.index.end = Some(end);
                input.go_back(end);
                return Ok(());
            }
            if more == 0 {
                break;
            }
        }
        match len - pos {
            0 => Ok(()),
            _ => Err(self.broken(ErrorKind::Truncated("within an event"), pos)),
        }
    }

    fn broken(&self, kind: ErrorKind, pos: usize) -> Broken {
        let offset = self.base + pos as u64;
        Broken { kind, offset }
    }

    /// Ends the segment at `end`, where the next one of its P starts.
    fn close_segment(&mut self, input: &mut Input<'_>, end: u64) {
        let open = &mut self.open;
        let first_exit = (open.first_exit != i64::MAX).then_some(open.first_exit);
        if open.timed {
            let segment = Segment {
                at: open.start,
                time: open.time,
                len: (end - open.start) as u32,
                next: NIL,
                exits: first_exit.is_some(),
            };
            self.index.add(input, open.proc, segment, first_exit);
        }
        input.forget(open.start, end);
        *open = Open {
            proc: open.proc,
            start: end,
            time: self.time,
            timed: false,
            first_exit: i64::MAX,
        };
    }

    /// Walks the events in the buffer as far as they are whole.
    fn walk(
        &mut self,
        input: &mut Input<'_>,
        buf: &[u8],
        len: usize,
        pos: &mut usize,
    ) -> Result<(), ErrorKind> {
        while *pos < len {
            let segment = self.open.start + SEGMENT as u64;
            let stop = segment.saturating_sub(self.base).min(len as u64) as usize;
            if self.open.proc != NIL {
                self.plain(buf, stop, len, pos);
                if *pos >= len {
                    break;
                }
            }
            let end = self.base + *pos as u64;
            if end >= segment {
                self.close_segment(input, end);
            }
            if may_be_header(&buf[*pos..len]) {
                break;
            }
            match self.event(input, buf, len, *pos)? {
                Some(end) => *pos = end,
                None => break,
            }
        }
        Ok(())
    }

    /// Walks events with a time and up to three arguments, which are most. Stops at all others.
    #[inline]
    fn plain(&mut self, buf: &[u8], stop: usize, len: usize, pos: &mut usize) {
        let mut time = self.time;
        let mut at = *pos;
        let mut events = 0;
        while at < stop
            && let Some((delta, end)) = plain(buf, at)
            && end <= len
        {
            time = time.wrapping_add(delta as i64);
            events += 1;
            at = end;
        }
        work::add(events);
        self.open.timed |= events > 0;
        self.time = time;
        *pos = at;
    }

    /// Walks one event of any form.
    fn event(&mut self, input: &mut Input<'_>, buf: &[u8], len: usize, pos: usize) -> End {
        work::add(1);
        let first = buf[pos];
        let kind = first & wire::TYPE;
        if kind == 0
            || kind >= wire::COUNT
            || (kind == wire::CPU_SAMPLE && self.version < wire::WITH_CPU_SAMPLES)
        {
            return Err(Corruption::BadEventType(kind).into());
        }
        if kind == wire::STRING {
            return self.string(buf, len, pos);
        }
        if kind == wire::BATCH {
            return self.batch(input, buf, len, pos);
        }
        if self.open.proc == NIL {
            return Err(Corruption::NotABatch(kind).into());
        }
        let wanted = wire::ARGS[kind as usize];
        if first >= wire::PREFIXED {
            let Some((from, to)) = prefixed(buf, len, pos)? else {
                return Ok(None);
            };
            let payload = &buf[from..to];
            let mut ends = Some(to);
            match kind {
                wire::STACK => self.stack(payload)?,
                wire::CPU_SAMPLE => self.sample(payload)?,
                wire::FREQUENCY | wire::TIMER_GOROUTINE => {
                    let mut s = Scanner::new(payload);
                    let value = s.varint().filter(|_| s.is_empty());
                    self.value(kind, value.ok_or(Corruption::Arguments(kind))?)?;
                }
                _ => {
                    let delta = check_args(kind, payload, wanted)?;
                    if kind == wire::LOG {
                        ends = self.message(buf, len, to)?;
                    }
                    if ends.is_some() {
                        self.open.timed = true;
                        self.time = self.time.wrapping_add(delta as i64);
                    }
                    if kind == wire::GO_SYSEXIT {
                        self.exit(payload);
                    }
                }
            }
            return Ok(ends);
        }
        let n = (first >> 6) + 1;
        let mut values = [0; 3];
        let mut end = pos + 1;
        for value in values.iter_mut().take(n.into()) {
            let (v, bytes) = varint::decode(&buf[end..]).ok_or(Corruption::Varint("an event"))?;
            *value = v;
            end += bytes;
            if end > len {
                return Ok(None);
            }
        }
        match kind {
            wire::FREQUENCY | wire::TIMER_GOROUTINE if n == 1 => self.value(kind, values[0])?,
            // A stack without frames is none.
            wire::STACK if n == 2 && values[1] == 0 => {}
            _ if n == wanted => {
                self.open.timed = true;
                self.time = self.time.wrapping_add(values[0] as i64);
            }
            _ => return Err(Corruption::Arguments(kind).into()),
        }
        Ok(Some(end))
    }

    fn batch(&mut self, input: &mut Input<'_>, buf: &[u8], len: usize, pos: usize) -> End {
        if buf[pos] >> 6 != 1 {
            return Err(Corruption::Arguments(wire::BATCH).into());
        }
        let mut end = pos + 1;
        let mut field = || {
            let field = varint::decode(&buf[end..]).ok_or(Corruption::Varint("a batch header"));
            field.map(|(value, n)| {
                end += n;
                value
            })
        };
        let (p, time) = (field()?, field()?);
        if end > len {
            return Ok(None);
        }
        let p = match p {
            u64::MAX => ProcId::NONE,
            p if i32::try_from(p).is_ok() => ProcId(p as i64),
            p => {
                return Err(Corruption::TooLarge {
                    what: "the number of a P",
                    found: p,
                    limit: i32::MAX as u64,
                }
                .into());
            }
        };
        let proc = self.index.proc(p);
        if proc != self.open.proc {
            self.close_segment(input, self.base + pos as u64);
            self.open.proc = proc;
        }
        self.time = time as i64;
        Ok(Some(end))
    }
}
