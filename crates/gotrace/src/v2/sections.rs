//! The batches that hold tables instead of events: strings, stacks, CPU
//! samples, clocks.

use super::super::error::Corruption;
use super::super::event::{GoId, ProcId, ThreadId};
use super::super::tables::Tables;
use super::super::varint::Scanner;
use super::clock::Clock;
use super::wire;

/// A CPU profile sample, its time still in clock units.
#[derive(Clone, Copy, Debug)]
pub(super) struct CpuSample {
    pub time: i64,
    pub m: ThreadId,
    pub p: ProcId,
    pub g: GoId,
    /// Wire id of the stack.
    pub stack: u64,
}

/// The clocks of a generation.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clocks {
    pub clock: Option<Clock>,
    pub snapshot: Option<Snapshot>,
}

/// The trace clock, the monotonic clock and the wall clock read together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Snapshot {
    /// Clock units.
    pub trace: u64,
    pub mono: u64,
    pub sec: u64,
    pub nsec: u64,
}

type Result<T> = std::result::Result<T, Corruption>;

fn expect(s: &mut Scanner<'_>, entry: u8, section: &'static str) -> Result<()> {
    match s.byte() {
        Some(b) if b == entry => Ok(()),
        other => Err(Corruption::UnexpectedEntry {
            section,
            found: other.unwrap_or(0),
        }),
    }
}

fn varint(s: &mut Scanner<'_>, section: &'static str) -> Result<u64> {
    s.varint().ok_or(Corruption::Varint(section))
}

fn at_most(what: &'static str, found: u64, limit: u64) -> Result<usize> {
    if found > limit {
        return Err(Corruption::TooLarge { what, found, limit });
    }
    Ok(found as usize)
}

/// Adds the strings of a batch.
pub(super) fn strings(data: &[u8], tables: &mut Tables) -> Result<()> {
    const SECTION: &str = "a string table";
    let mut s = Scanner::new(data);
    s.byte();
    while !s.is_empty() {
        expect(&mut s, wire::STRING, SECTION)?;
        let id = varint(&mut s, SECTION)?;
        let len = varint(&mut s, SECTION)?;
        let len = at_most("a string", len, wire::MAX_STRING_SIZE)?;
        let text = s.take(len).ok_or(Corruption::TooLarge {
            what: "a string beyond the end of its batch",
            found: len as u64,
            limit: (data.len() - s.pos()) as u64,
        })?;
        tables.add_string(id, text)?;
    }
    Ok(())
}

/// Adds the stacks of a batch.
pub(super) fn stacks(data: &[u8], tables: &mut Tables) -> Result<()> {
    const SECTION: &str = "a stack table";
    let mut s = Scanner::new(data);
    s.byte();
    while !s.is_empty() {
        expect(&mut s, wire::STACK, SECTION)?;
        let id = varint(&mut s, SECTION)?;
        let frames = varint(&mut s, SECTION)?;
        for _ in 0..at_most("a stack", frames, wire::MAX_FRAMES_PER_STACK)? {
            let pc = varint(&mut s, SECTION)?;
            let func = varint(&mut s, SECTION)?;
            let file = varint(&mut s, SECTION)?;
            let line = varint(&mut s, SECTION)?;
            tables.add_frame(pc, func, file, line);
        }
        tables.end_stack(id)?;
    }
    Ok(())
}

/// Appends the CPU samples of a batch.
pub(super) fn cpu_samples(data: &[u8], out: &mut Vec<CpuSample>) -> Result<()> {
    const SECTION: &str = "a batch of CPU samples";
    let mut s = Scanner::new(data);
    s.byte();
    while !s.is_empty() {
        expect(&mut s, wire::CPU_SAMPLE, SECTION)?;
        let time = varint(&mut s, SECTION)? as i64;
        let m = ThreadId(varint(&mut s, SECTION)? as i64);
        let p = ProcId(varint(&mut s, SECTION)? as i64);
        let g = match varint(&mut s, SECTION)? {
            0 => GoId::NONE,
            g => GoId(g as i64),
        };
        let stack = varint(&mut s, SECTION)?;
        out.push(CpuSample {
            time,
            m,
            p,
            g,
            stack,
        });
    }
    Ok(())
}

/// Reads a sync batch: a section since Go 1.25, a single frequency event
/// before.
pub(super) fn sync(data: &[u8], base: u64, with_snapshot: bool, out: &mut Clocks) -> Result<()> {
    const SECTION: &str = "a sync batch";
    let mut s = Scanner::new(data);
    if with_snapshot {
        s.byte();
    }
    let mut time = base;
    while !s.is_empty() {
        match s.byte() {
            Some(wire::FREQUENCY) => {
                if out.clock.is_some() {
                    return Err(Corruption::Duplicate("clock frequency"));
                }
                out.clock = Some(Clock::new(varint(&mut s, SECTION)?));
            }
            Some(wire::CLOCK_SNAPSHOT) if with_snapshot => {
                if out.snapshot.is_some() {
                    return Err(Corruption::Duplicate("clock snapshot"));
                }
                time = time.wrapping_add(varint(&mut s, SECTION)?);
                out.snapshot = Some(Snapshot {
                    trace: time,
                    mono: varint(&mut s, SECTION)?,
                    sec: varint(&mut s, SECTION)?,
                    nsec: varint(&mut s, SECTION)?,
                });
            }
            other => {
                return Err(Corruption::UnexpectedEntry {
                    section: SECTION,
                    found: other.unwrap_or(0),
                });
            }
        }
    }
    Ok(())
}
