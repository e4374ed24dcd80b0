//! Traces of Go 1.22 and later (headers `go 1.22`, `1.23`, `1.25`, `1.26`).
//!
//! A trace is a sequence of generations of about a second each. A generation is
//! a sequence of batches, each with events of one thread (M) or with tables.
//! It is read in three steps:
//!
//! 1. walk its batches: decode the tables, note where the event batches lie
//!    ([`generation`]);
//! 2. per thread, decode one event at a time ([`cursor`]), the threads in a
//!    heap by the time of their next event ([`frontier`]);
//! 3. offer the earliest one to the scheduler model ([`order`]), which accepts
//!    it or requires another thread's event first ([`merge`]).
//!
//! Memory holds the tables of one generation and one batch per thread. The
//! events, their order and their times are those of the reference reader,
//! golang.org/x/exp/trace, also for equal timestamps.

mod anonymize;
mod batch;
mod clock;
#[cfg(test)]
mod complexity_tests;
mod cursor;
mod epoch;
#[cfg(test)]
mod fast_path_tests;
mod frontier;
mod generation;
mod merge;
mod order;
mod raw;
mod samples;
mod sections;
#[cfg(test)]
mod test_trace;
mod threads;

pub use anonymize::anonymize;
pub use generation::ExperimentalBatch;

use std::sync::Arc;

use super::allowance::Share;
use super::error::{ErrorKind, ReadError};
use super::event::{Event, EventKind, GoId, ProcId, StringId, ThreadId, Time};
use super::event_types as wire;
use super::input::Input;
use super::stats::{ClockSnapshot, Stats};
use super::tables::Tables;
use super::version::{HEADER, starts_with_header};
use super::work;
use batch::Batch;
use clock::Clock;
use cursor::{Cursor, Source};
use frontier::{Entry, Frontier};
use generation::{Generation, Meter, NIL};
use order::Order;
use threads::Threads;

/// First version whose sync batches carry clock snapshots.
const WITH_SNAPSHOTS: u32 = 25;
/// First version with end-of-generation markers.
const WITH_MARKERS: u32 = 26;

/// State between two generations.
#[derive(Debug)]
enum Ahead {
    /// Another generation may follow.
    More,
    /// The current generation is the last one.
    Last,
    /// The current generation is the last one that can be read.
    Broken(ReadError),
    /// The final synchronization event was returned.
    Done,
}

/// Reads a v2 trace.
pub(crate) struct Reader<'a> {
    input: Input<'a>,
    /// Offset of the header in the input.
    start: u64,
    version: u32,
    generation: Generation,
    clock: Clock,
    /// Whether `generation` is one that events refer to.
    installed: bool,
    spill: Option<Batch>,
    threads: Threads,
    /// Those that have events in the generation.
    reading: Vec<u32>,
    frontier: Frontier,
    /// Slot of the thread with the next event; none if the next event is no
    /// thread's.
    head: u32,
    order: Order,
    ahead: Ahead,
    /// The error that follows the returned events.
    failed: Option<ReadError>,
    last_time: Time,
    /// Work spent on finding a thread whose event can come next.
    refusals: u64,
    stats: Stats,
    /// Memory of cursors that have no more events.
    spare: Vec<Vec<u8>>,
    /// Memory that the reader has reserved.
    share: Share,
    /// Bytes of that when the first event of the generation was read, without
    /// the input and the order.
    walked: u64,
}

/// Approximate memory of a thread with events besides its batches, bytes.
const THREAD: usize = 1 << 10;
/// Cursors whose memory is kept to be used again.
const SPARE: usize = 128;

impl<'a> Reader<'a> {
    /// Reads on behind the header.
    pub(crate) fn new(input: Input<'a>, version: u32) -> Self {
        let share = input.allowance().share();
        Self {
            start: input.pos() - HEADER as u64,
            input,
            version,
            generation: Generation::default(),
            clock: Clock::new(0),
            installed: false,
            spill: None,
            threads: Threads::default(),
            reading: Vec::new(),
            frontier: Frontier::default(),
            head: threads::NONE,
            order: Order::default(),
            ahead: Ahead::More,
            failed: None,
            last_time: 0,
            refusals: 0,
            stats: Stats::default(),
            spare: Vec::new(),
            share,
            walked: 0,
        }
    }

    /// Returns the input, at the end of the trace.
    pub(crate) fn into_input(self) -> Input<'a> {
        self.input
    }

    /// Strings and stacks of the events since the last synchronization.
    pub(crate) fn tables(&self) -> &Arc<Tables> {
        &self.generation.tables
    }

    /// A string of the current generation, or of the current event only.
    pub(crate) fn string(&self, id: StringId) -> &[u8] {
        let extra = self.order.extra_string(id);
        extra.unwrap_or_else(|| self.generation.tables.string(id))
    }

    pub(crate) fn experimental(&self) -> &[ExperimentalBatch] {
        if self.installed {
            &self.generation.experimental
        } else {
            &[]
        }
    }

    pub(crate) fn clock_snapshot(&self) -> Option<ClockSnapshot> {
        let s = self.generation.clocks.snapshot.filter(|_| self.installed)?;
        Some(ClockSnapshot {
            trace: self.generation.clock().ns(s.trace),
            mono: s.mono,
            wall_sec: s.sec as i64,
            wall_nsec: s.nsec as i64,
        })
    }

    /// Whether all events of the current generation were returned.
    pub(crate) fn is_between_generations(&self) -> bool {
        self.installed
            && self.failed.is_none()
            && self.frontier.len() == 0
            && self.generation.samples.time() == Time::MAX
            && !self.order.has_following()
    }

    /// End of the generation that was last read, as an offset into the input.
    pub(crate) fn generation_end(&self) -> u64 {
        self.spill.as_ref().map_or(self.input.pos(), |b| b.start)
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            bytes: self.input.pos() - self.start,
            total_bytes: self.input.known_len() - self.start,
            ..self.stats
        }
    }

    /// Reads the next generation and returns the synchronization event that precedes it, the end, or the error.
    #[cold]
    fn next_generation(&mut self) -> Result<Option<Event>, ReadError> {
        match std::mem::replace(&mut self.ahead, Ahead::Done) {
            Ahead::Done => return Ok(None),
            Ahead::Broken(e) if self.installed => {
                // First the synchronization event, then the error.
                self.installed = false;
                self.ahead = Ahead::Broken(e);
                return Ok(Some(self.sync(self.last_time)));
            }
            Ahead::Broken(e) => return Err(e),
            Ahead::Last => {
                self.installed = false;
                return Ok(Some(self.sync(self.last_time)));
            }
            Ahead::More => {}
        }
        let start = self.spill.as_ref().map_or(self.input.pos(), |b| b.start);
        self.recycle();
        self.ahead = match self.read_generation() {
            Ok(ahead) => ahead,
            Err(kind) => {
                self.installed = false;
                let e = self.broken(kind, start);
                // Drop the samples and tables of the partly read generation.
                self.generation = Generation::default();
                self.ahead = Ahead::Broken(e);
                return Ok(Some(self.sync(self.last_time)));
            }
        };
        if !self.installed {
            return Ok(Some(self.sync(self.last_time)));
        }
        self.stats.generations += 1;
        self.clock = self.generation.clock();
        self.stats.without_clock += u64::from(!self.clock.runs());
        self.install()?;
        Ok(Some(self.sync(self.clock.ns(self.generation.min_time))))
    }

    fn read_generation(&mut self) -> Result<Ahead, ErrorKind> {
        let spare = self.spare.iter().map(Vec::capacity).sum::<usize>();
        let lanes = self.threads.held(0) + self.frontier.held();
        let rest = spare as u64 + lanes + self.order.held(0);
        let share = &mut self.share;
        let meter = Meter { share, rest };
        if self.version >= WITH_MARKERS {
            self.installed = self.generation.read_marked(&mut self.input, meter)?;
            return Ok(if self.installed {
                Ahead::More
            } else {
                Ahead::Done
            });
        }
        let snapshots = self.version >= WITH_SNAPSHOTS;
        let spill = &mut self.spill;
        let broke_off = self
            .generation
            .read_unmarked(&mut self.input, spill, snapshots, meter)?;
        self.installed = true;
        Ok(match (broke_off, &self.spill) {
            (Some(kind), _) => Ahead::Broken(self.broken(kind, self.input.pos())),
            (None, Some(_)) => Ahead::More,
            (None, None) => Ahead::Last,
        })
    }

    /// Sets the cursors to the first events of the generation.
    fn install(&mut self) -> Result<(), ReadError> {
        let clock = self.clock;
        if self.generation.threads.iter().any(|t| t.head != NIL) {
            self.order.start_generation(self.generation.number);
        }
        let threads = self.generation.threads.len();
        work::add(threads);
        let spare = self.spare.iter().map(Vec::capacity).sum::<usize>();
        let lanes = (threads * THREAD) as u64 + self.threads.held(0) + self.frontier.held();
        self.walked = self.generation.held(None) + spare as u64 + lanes;
        if let Err(kind) = self.count() {
            return Err(self.fail(kind, None));
        }
        for t in 0..self.generation.threads.len() {
            let t = self.generation.threads[t];
            if t.head == NIL {
                continue;
            }
            let thread = self.threads.slot(t.m);
            let memory = self.spare.pop().unwrap_or_default();
            let cursor = &mut self.threads[thread].cursor;
            *cursor = Cursor::new(t.head, memory);
            self.reading.push(thread);
            let first = cursor.load(&mut Source {
                input: &mut self.input,
                batches: &self.generation.batches,
                clock,
            });
            let time = cursor.next.time;
            if let Err(kind) = first {
                return Err(self.fail(*kind, Some(thread)));
            }
            self.frontier.insert(Entry { time, thread });
        }
        Ok(())
    }

    fn recycle(&mut self) {
        self.generation.clear();
        for thread in self.reading.drain(..) {
            let cursor = &mut self.threads[thread].cursor;
            self.spare.push(cursor.take_memory());
        }
        self.spare.truncate(SPARE);
    }

    /// Reserves memory before a thread's next batch is loaded.
    fn count(&mut self) -> Result<(), ErrorKind> {
        let batch = wire::MAX_BATCH_SIZE as usize;
        let held = self.walked + self.input.held() + self.order.held(batch);
        Ok(self.share.hold(held)?)
    }

    fn sync(&mut self, time: Time) -> Event {
        self.stats.syncs += 1;
        Event {
            time,
            m: ThreadId::NONE,
            p: ProcId::NONE,
            g: GoId::NONE,
            kind: EventKind::Sync {
                n: self.stats.syncs,
            },
        }
    }

    /// The error for a generation that could not be read from `start` on.
    fn broken(&mut self, kind: ErrorKind, start: u64) -> ReadError {
        let lost_bytes = self.end().saturating_sub(start);
        let generation = self.generation.number;
        ReadError::new(kind)
            .at(self.input.pos(), lost_bytes)
            .within((generation != 0).then_some(generation))
    }

    /// End of the trace, as far as it is known.
    fn end(&mut self) -> u64 {
        let another = self.input.peek(HEADER).is_ok_and(starts_with_header);
        match another {
            true => self.input.pos(),
            false => self.input.known_len(),
        }
    }

    /// The error for events that can't be right: nothing more can be read.
    #[cold]
    fn fail(&mut self, kind: ErrorKind, thread: Option<u32>) -> ReadError {
        let behind = self.end().saturating_sub(self.input.pos());
        let batches = &self.generation.batches;
        let cursors = self.reading.iter().map(|t| &self.threads[*t].cursor);
        let unread: u64 = cursors.map(|c| c.bytes_left(batches)).sum();
        let offset = match thread {
            Some(t) => self.threads[t].cursor.offset(batches),
            None => self.generation.start,
        };
        let lost_bytes = unread + behind;
        self.frontier.clear();
        self.head = threads::NONE;
        self.order.drop_following();
        self.generation.samples.clear();
        let generation = Some(self.generation.number);
        match std::mem::replace(&mut self.ahead, Ahead::Done) {
            // Events contradict each other because some are missing.
            Ahead::Broken(e) => {
                let lost_bytes = unread + e.lost_bytes();
                let offset = e.offset();
                e.at(offset, lost_bytes)
            }
            _ => ReadError::new(kind)
                .at(offset, lost_bytes)
                .within(generation),
        }
    }
}
