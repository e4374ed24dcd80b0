//! The first pass's decoding of events that fill tables: strings, stacks, messages, CPU samples, and values.

use super::super::error::Corruption;
use super::super::event::{GoId, ProcId};
use super::super::varint::Scanner;
use super::exits;
use super::index::{NIL, Sample};
use super::parts::{number, text};
use super::scan::{End, Scan};
use super::wire;

impl Scan {
    pub(super) fn string(&mut self, buf: &[u8], len: usize, pos: usize) -> End {
        let Some((id, at)) = number(buf, len, pos + 1)? else {
            return Ok(None);
        };
        let Some((size, at)) = number(buf, len, at)? else {
            return Ok(None);
        };
        let Some(text) = text(buf, len, at, size)? else {
            return Ok(None);
        };
        // An event before the first batch has no P.
        if self.open.proc != NIL {
            if text.is_empty() {
                return Err(Corruption::EmptyString(id).into());
            }
            self.index.tables.add_string(id, text)?;
        }
        Ok(Some(at + text.len()))
    }

    pub(super) fn message(&mut self, buf: &[u8], len: usize, at: usize) -> End {
        let Some((size, at)) = number(buf, len, at)? else {
            return Ok(None);
        };
        let Some(text) = text(buf, len, at, size)? else {
            return Ok(None);
        };
        self.index.message(text);
        Ok(Some(at + text.len()))
    }

    pub(super) fn value(&mut self, kind: u8, value: u64) -> Result<(), Corruption> {
        if kind == wire::TIMER_GOROUTINE {
            self.index.timers.insert(value);
            return Ok(());
        }
        if value as i64 <= 0 {
            return Err(Corruption::BadFrequency(value));
        }
        self.index.ticks_per_second = Some(value);
        Ok(())
    }

    pub(super) fn stack(&mut self, payload: &[u8]) -> Result<(), Corruption> {
        const SECTION: &str = "a stack";
        let mut s = Scanner::new(payload);
        let mut varint = || s.varint().ok_or(Corruption::Varint(SECTION));
        // The runtime writes 32 bits.
        let id = varint()? as u32;
        let frames = varint()?;
        if frames > wire::MAX_FRAMES {
            return Err(Corruption::TooLarge {
                what: SECTION,
                found: frames,
                limit: wire::MAX_FRAMES,
            });
        }
        let tables = &mut self.index.tables;
        for _ in 0..frames {
            let frame = [varint()?, varint()?, varint()?, varint()?];
            if id != 0 {
                tables.add_frame(frame[0], frame[1], frame[2], frame[3]);
            }
        }
        if !s.is_empty() {
            return Err(Corruption::Arguments(wire::STACK));
        }
        if id != 0 && frames > 0 {
            tables.end_latest_stack(id.into());
        }
        Ok(())
    }

    pub(super) fn sample(&mut self, payload: &[u8]) -> Result<(), Corruption> {
        let mut s = Scanner::new(payload);
        let mut args = [0; 5];
        for arg in &mut args {
            *arg = s.varint().ok_or(Corruption::Arguments(wire::CPU_SAMPLE))?;
        }
        if !s.is_empty() {
            return Err(Corruption::Arguments(wire::CPU_SAMPLE));
        }
        // The first one is when it was written.
        let [_, time, p, g, stack] = args;
        self.index.samples.push(Sample {
            time: time as i64,
            p: ProcId(i64::from(p as i32)),
            g: GoId(match g {
                0 => -1,
                g => g as i64,
            }),
            stack: u64::from(stack as u32),
        });
        Ok(())
    }

    /// Records when a goroutine left a syscall, if that differs from the event's time.
    pub(super) fn exit(&mut self, payload: &[u8]) {
        let mut s = Scanner::new(payload);
        let real = (0..4).filter_map(|_| s.varint()).last().unwrap_or(0) as i64;
        if exits::is_displaced(real, self.time) {
            self.open.first_exit = self.open.first_exit.min(real);
        }
    }
}
