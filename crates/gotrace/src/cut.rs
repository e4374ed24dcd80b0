//! Copies whole generations of a trace.
//!
//! A generation has its own tables and the state of every goroutine and P, so
//! the header and any consecutive generations are a trace.

use std::io::{self, Write};

use super::error::{ErrorKind, ReadError};
use super::event::{EventKind, Time};
use super::input::Input;
use super::reader::Reader;
use super::version::{HEADER, is_in_generations};

/// Bytes copied at a time.
const CHUNK: usize = 256 << 10;

/// Consecutive generations of a trace of Go 1.22 or later.
#[derive(Debug)]
pub struct Cut {
    /// Time of the first event, since the trace's start, ns.
    pub from: Time,
    /// Time of the last event, since the trace's start, ns.
    pub to: Time,
    /// Number of generations.
    pub generations: u64,
    /// Why reading stopped before the last generation that was asked for.
    pub error: Option<ReadError>,
    start: u64,
    end: u64,
}

impl Cut {
    /// Finds the generations that have a part of the times from `from` to
    /// `to`, ns since the trace's start. `None` if no generation has.
    ///
    /// Only generations that can be read to their end count.
    ///
    /// # Errors
    /// If the trace has no generations (Go 1.21 and older), or not even its
    /// first one can be read.
    pub fn find(input: Input<'_>, from: Time, to: Time) -> Result<Option<Self>, ReadError> {
        let mut reader = Reader::new(input)?;
        if !is_in_generations(reader.version()) {
            let version = reader.version();
            return Err(ReadError::new(ErrorKind::NotInGenerations(version)));
        }
        let mut origin = None;
        let mut cut: Option<Self> = None;
        // Start of the current generation: its time, and its offset.
        let mut current: Option<(Time, u64)> = None;
        let mut end = HEADER as u64;
        let error = loop {
            match reader.advance() {
                Ok(true) => {}
                Ok(false) => break None,
                Err(error) if reader.stats().is_silent() => return Err(error),
                Err(error) => break Some(error),
            }
            let event = reader.event();
            let EventKind::Sync { .. } = event.kind else {
                continue;
            };
            let now = event.time - *origin.get_or_insert(event.time);
            if let Some((began, start)) = current
                && now >= from
                && began < to
            {
                let cut = cut.get_or_insert(Self {
                    from: began,
                    to: now,
                    generations: 0,
                    error: None,
                    start,
                    end,
                });
                (cut.to, cut.end) = (now, end);
                cut.generations += 1;
            }
            if now >= to {
                break None;
            }
            current = Some((now, end));
            end = reader.generation_end();
        };
        match (cut, error) {
            (Some(cut), error) => Ok(Some(Self { error, ..cut })),
            (None, Some(error)) => Err(error),
            (None, None) => Ok(None),
        }
    }

    /// Writes a trace of these generations. `input` is the same trace again.
    ///
    /// # Errors
    /// If the trace can't be read or the copy can't be written.
    pub fn copy(&self, mut input: Input<'_>, out: &mut impl Write) -> io::Result<()> {
        out.write_all(input.peek(HEADER)?)?;
        input.consume(HEADER);
        let mut chunk = Vec::new();
        while input.pos() < self.end {
            let at = input.pos();
            let want = (self.end - at).min(CHUNK as u64) as usize;
            chunk.clear();
            if input.read_on(&mut chunk, want)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            input.forget(at, input.pos());
            // Input that can't be read at any offset is read from its start.
            let skipped = self.start.saturating_sub(at).min(chunk.len() as u64);
            out.write_all(&chunk[skipped as usize..])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Event;

    const SECOND: Time = 1_000_000_000;

    fn trace(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures");
        std::fs::read(format!("{folder}/{name}.trace")).unwrap()
    }

    fn events(bytes: &[u8]) -> Vec<Event> {
        let mut reader = Reader::new(Input::from_slice(bytes)).unwrap();
        reader.events().collect::<Result<_, _>>().unwrap()
    }

    fn cut(bytes: &[u8], from: Time, to: Time) -> Option<(Cut, Vec<u8>)> {
        let cut = Cut::find(Input::from_slice(bytes), from, to).unwrap()?;
        let mut copy = Vec::new();
        cut.copy(Input::from_slice(bytes), &mut copy).unwrap();
        Some((cut, copy))
    }

    #[test]
    fn all_generations_are_the_whole_trace() {
        for version in ["1.22.10", "1.25.5", "1.26.6", "1.27.3"] {
            let bytes = trace(&format!("go{version}/syscall_long"));
            let (cut, copy) = cut(&bytes, 0, Time::MAX).unwrap();
            assert_eq!((cut.from, cut.generations), (0, 5), "{version}");
            assert_eq!(copy, bytes, "{version}");
        }
    }

    #[test]
    fn a_part_has_the_generations_of_its_time() {
        for version in ["1.22.10", "1.25.5", "1.26.6", "1.27.3"] {
            let bytes = trace(&format!("go{version}/syscall_long"));
            let all = events(&bytes);
            let (from, to) = (3 * SECOND / 2, 5 * SECOND / 2);
            let (cut, copy) = cut(&bytes, from, to).unwrap();
            assert!(cut.from <= from && to <= cut.to, "{version} {cut:?}");
            assert!(cut.generations < 5 && copy.len() < bytes.len(), "{version}");
            let part = events(&copy);
            // The same events. Times of the first ones may differ: they never
            // decrease, and the clocks of threads are not quite the same. The
            // context of the first ones is known only from the events before.
            let within = |event: &&Event| {
                let time = event.time - all[0].time;
                (cut.from..cut.to).contains(&time)
            };
            let what = |e: &Event| (e.kind.name(), e.thread());
            let want: Vec<_> = all.iter().filter(within).map(what).collect();
            let got: Vec<_> = part.iter().map(what).collect();
            assert_eq!(got[..got.len() - 1], want, "{version}");
        }
    }

    #[test]
    fn from_a_pipe_it_is_the_same() {
        let bytes = trace("go1.27.3/syscall_long");
        let (cut, copy) = cut(&bytes, SECOND, 2 * SECOND).unwrap();
        let mut piped = Vec::new();
        cut.copy(Input::from_reader(&bytes[..]), &mut piped)
            .unwrap();
        assert!(copy == piped && copy.len() > 100);
    }

    #[test]
    fn times_outside_the_trace_have_no_generation() {
        let bytes = trace("go1.27.3/syscall_long");
        assert!(cut(&bytes, 60 * SECOND, 61 * SECOND).is_none());
    }

    #[test]
    fn a_generation_that_breaks_off_is_left_out() {
        let bytes = trace("go1.27.3/syscall_long");
        let damaged = &bytes[..bytes.len() * 9 / 10];
        let (cut, copy) = cut(damaged, 0, Time::MAX).unwrap();
        assert!(cut.error.is_some() && cut.generations < 5);
        assert!(events(&copy).len() > 10);
    }

    #[test]
    fn a_trace_without_generations_is_refused() {
        let bytes = trace("go1.19/idle");
        let error = Cut::find(Input::from_slice(&bytes), 0, 1).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NotInGenerations(19)));
    }
}
