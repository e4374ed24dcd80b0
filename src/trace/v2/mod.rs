//! Traces of Go 1.22 and later (headers `go 1.22`, `1.23`, `1.25`, `1.26`).
//!
//! A trace is a row of generations of about a second each. A generation is a
//! row of batches, each written by one thread (M) or holding tables. Reading
//! one goes in three steps:
//!
//! 1. walk its batches: decode the tables, note where the event batches lie
//!    ([`generation`]);
//! 2. per thread, decode one event at a time ([`cursor`]), the threads in a
//!    heap by the time of their next event ([`frontier`]);
//! 3. offer the earliest one to the scheduler model ([`order`]), which takes it
//!    or says that another thread's must come first.
//!
//! What is kept in memory is the tables of one generation and one batch a
//! thread. The events, their order and their times are those of the reference
//! reader, golang.org/x/exp/trace, to the last tie.

mod batch;
mod clock;
mod cursor;
mod frontier;
mod generation;
mod order;
mod sections;
mod sort;
mod violation;
pub(crate) mod wire;

pub use generation::ExperimentalBatch;
pub use violation::Violation;

use super::error::{ErrorKind, ReadError};
use super::event::{Event, GoId, ProcId, ThreadId, Time, What};
use super::input::Input;
use super::tables::Tables;
use super::{ClockSnapshot, Stats};
use batch::Batch;
use cursor::Cursor;
use frontier::{Entry, Frontier};
use generation::{Generation, NIL};
use order::{Order, Step};

/// First version whose sync batches carry clock snapshots.
const WITH_SNAPSHOTS: u32 = 25;
/// First version with end-of-generation markers.
const WITH_MARKERS: u32 = 26;

/// Where reading stands between generations.
#[derive(Debug)]
enum Ahead {
    /// Another generation may follow.
    More,
    /// The current generation is the last one.
    Last,
    /// The current generation is the last one that can be read.
    Broken(Box<ReadError>),
    /// The final synchronisation event was returned.
    Done,
}

/// Reads a v2 trace.
pub struct Reader<'a> {
    input: Input<'a>,
    version: u32,
    generation: Generation,
    /// Whether `generation` is one that events refer to.
    installed: bool,
    spill: Option<Batch>,
    cursors: Vec<Cursor>,
    frontier: Frontier,
    next_sample: usize,
    order: Order,
    ahead: Ahead,
    last_time: Time,
    stats: Stats,
    buffers: Vec<Vec<u8>>,
}

impl<'a> Reader<'a> {
    /// Reads on behind the header.
    pub fn new(input: Input<'a>, version: u32) -> Self {
        Self {
            input,
            version,
            generation: Generation::default(),
            installed: false,
            spill: None,
            cursors: Vec::new(),
            frontier: Frontier::default(),
            next_sample: 0,
            order: Order::default(),
            ahead: Ahead::More,
            last_time: 0,
            stats: Stats::default(),
            buffers: Vec::new(),
        }
    }

    pub fn tables(&self) -> &Tables {
        &self.generation.tables
    }

    pub fn experimental(&self) -> &[ExperimentalBatch] {
        if self.installed {
            &self.generation.experimental
        } else {
            &[]
        }
    }

    pub fn clock_snapshot(&self) -> Option<ClockSnapshot> {
        let s = self.generation.clocks.snapshot.filter(|_| self.installed)?;
        Some(ClockSnapshot {
            trace: self.generation.clock().ns(s.trace),
            mono: s.mono,
            wall_sec: s.sec as i64,
            wall_nsec: s.nsec as i64,
        })
    }

    pub fn stats(&self) -> Stats {
        Stats {
            bytes: self.input.pos(),
            total_bytes: self.input.known_len(),
            ..self.stats
        }
    }

    #[inline]
    pub fn next_event(&mut self) -> Result<Option<Event>, ReadError> {
        if let Some(event) = self.order.next_following() {
            return Ok(Some(self.stamp(event)));
        }
        if self.frontier.is_empty() && self.next_sample == self.generation.cpu_samples.len() {
            return self.next_generation();
        }
        if self.next_sample < self.generation.cpu_samples.len() && self.sample_is_next() {
            return self.take_sample().map(Some);
        }
        match self.advance() {
            Ok(event) => Ok(Some(self.stamp(event))),
            Err(fault) => Err(self.fail(fault.0, fault.1)),
        }
    }

    /// Makes times increase strictly, as the reference does.
    #[inline]
    fn stamp(&mut self, mut event: Event) -> Event {
        if event.time <= self.last_time {
            event.time = self.last_time.wrapping_add(1);
        }
        self.last_time = event.time;
        self.stats.events += 1;
        event
    }

    /// Takes the earliest event that can have happened next. The error comes
    /// with the cursor it concerns.
    #[inline]
    fn advance(&mut self) -> Result<Event, (ErrorKind, Option<u32>)> {
        if let Some(event) = self.try_thread(0)? {
            return Ok(event);
        }
        self.advance_other()
    }

    /// The earliest thread must wait for another one: try them by time.
    #[cold]
    fn advance_other(&mut self) -> Result<Event, (ErrorKind, Option<u32>)> {
        self.frontier.sort();
        for i in 1..self.frontier.len() {
            if let Some(event) = self.try_thread(i)? {
                return Ok(event);
            }
        }
        let threads = self.frontier.len();
        let stuck = Violation::Stuck { threads };
        Err((ErrorKind::Inconsistent(stuck), None))
    }

    /// Offers the next event of heap entry `i` to the order. When it is taken
    /// the thread's following event is decoded at once, and an error there
    /// comes before the event, as in the reference.
    #[inline]
    fn try_thread(&mut self, i: usize) -> Result<Option<Event>, (ErrorKind, Option<u32>)> {
        let index = self.frontier.get(i).cursor;
        let cursor = &mut self.cursors[index as usize];
        let step = Step {
            tables: &mut self.generation.tables,
            generation: self.generation.number,
            raw: &cursor.event,
        };
        let at = |e| (e, Some(index));
        let Some(event) = self
            .order
            .advance(cursor.thread, step)
            .map_err(|e| at(e.into()))?
        else {
            return Ok(None);
        };
        let clock = self.generation.clock();
        let more = cursor
            .advance(&mut self.input, &self.generation.batches, clock)
            .map_err(at)?;
        if more {
            let time = cursor.event.time;
            self.frontier.update(i, time);
        } else {
            self.frontier.remove(i);
        }
        Ok(Some(event))
    }

    fn sample_is_next(&self) -> bool {
        let time = self.generation.cpu_samples[self.next_sample].time;
        self.frontier.is_empty() || time < self.frontier.get(0).time
    }

    fn take_sample(&mut self) -> Result<Event, ReadError> {
        let s = self.generation.cpu_samples[self.next_sample];
        self.next_sample += 1;
        let stack = match self.generation.tables.stack_id(s.stack) {
            Ok(stack) => stack,
            Err(e) => return Err(self.fail(e.into(), None)),
        };
        Ok(self.stamp(Event {
            time: s.time,
            m: s.m,
            p: s.p,
            g: s.g,
            what: What::StackSample { stack },
        }))
    }

    /// Reads the next generation and returns the synchronisation event that
    /// stands before it, or before the end, or before the error.
    #[cold]
    fn next_generation(&mut self) -> Result<Option<Event>, ReadError> {
        match std::mem::replace(&mut self.ahead, Ahead::Done) {
            Ahead::Done => return Ok(None),
            Ahead::Broken(e) if self.installed => {
                // First the synchronisation event, then the error.
                self.installed = false;
                self.ahead = Ahead::Broken(e);
                return Ok(Some(self.sync(self.last_time)));
            }
            Ahead::Broken(e) => return Err(*e),
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
                self.ahead = Ahead::Broken(Box::new(e));
                return Ok(Some(self.sync(self.last_time)));
            }
        };
        if !self.installed {
            return Ok(Some(self.sync(self.last_time)));
        }
        self.stats.generations += 1;
        self.install()?;
        let time = self.generation.clock().ns(self.generation.min_time);
        Ok(Some(self.sync(time)))
    }

    fn read_generation(&mut self) -> Result<Ahead, ErrorKind> {
        if self.version >= WITH_MARKERS {
            self.installed = self.generation.read_marked(&mut self.input)?;
            return Ok(if self.installed {
                Ahead::More
            } else {
                Ahead::Done
            });
        }
        let snapshots = self.version >= WITH_SNAPSHOTS;
        let broke_off =
            self.generation
                .read_unmarked(&mut self.input, &mut self.spill, snapshots)?;
        self.installed = true;
        Ok(match (broke_off, &self.spill) {
            (Some(kind), _) => Ahead::Broken(Box::new(self.broken(kind, self.input.pos()))),
            (None, Some(_)) => Ahead::More,
            (None, None) => Ahead::Last,
        })
    }

    /// Sets the cursors to the first events of the generation.
    fn install(&mut self) -> Result<(), ReadError> {
        let clock = self.generation.clock();
        self.order.start_generation();
        for t in 0..self.generation.threads.len() {
            let t = self.generation.threads[t];
            if t.head == NIL {
                continue;
            }
            let thread = self.order.thread(t.m);
            let buf = self.buffers.pop().unwrap_or_default();
            let mut cursor = Cursor::new(thread, t.head, buf);
            let index = self.cursors.len() as u32;
            let first = cursor.advance(&mut self.input, &self.generation.batches, clock);
            let time = cursor.event.time;
            self.cursors.push(cursor);
            if let Err(kind) = first {
                return Err(self.fail(kind, Some(index)));
            }
            self.frontier.insert(Entry {
                time,
                cursor: index,
            });
        }
        Ok(())
    }

    fn recycle(&mut self) {
        self.generation.clear();
        self.next_sample = 0;
        let buffers = self.cursors.drain(..).map(Cursor::into_buffer);
        self.buffers.extend(buffers);
    }

    fn sync(&mut self, time: Time) -> Event {
        self.stats.syncs += 1;
        self.stamp(Event {
            time,
            m: ThreadId::NONE,
            p: ProcId::NONE,
            g: GoId::NONE,
            what: What::Sync {
                n: self.stats.syncs,
            },
        })
    }

    /// The error for a generation that could not be read from `start` on.
    fn broken(&self, kind: ErrorKind, start: u64) -> ReadError {
        ReadError {
            kind,
            offset: self.input.pos(),
            generation: (self.generation.number != 0).then_some(self.generation.number),
            lost_bytes: self.input.known_len().saturating_sub(start),
        }
    }

    /// The error for events that can't be right: nothing more can be read.
    #[cold]
    fn fail(&mut self, kind: ErrorKind, cursor: Option<u32>) -> ReadError {
        let batches = &self.generation.batches;
        let unread: u64 = self.cursors.iter().map(|c| c.bytes_left(batches)).sum();
        let behind = self.input.known_len().saturating_sub(self.input.pos());
        let offset = match cursor {
            Some(c) => self.cursors[c as usize].offset(batches),
            None => self.generation.start,
        };
        let lost_bytes = unread + behind;
        self.frontier.clear();
        self.order.drop_following();
        self.next_sample = self.generation.cpu_samples.len();
        self.installed = false;
        let generation = Some(self.generation.number);
        match std::mem::replace(&mut self.ahead, Ahead::Done) {
            // Events contradict each other because some are missing.
            Ahead::Broken(e) => ReadError {
                lost_bytes: unread + e.lost_bytes,
                ..*e
            },
            _ => ReadError {
                kind,
                offset,
                generation,
                lost_bytes,
            },
        }
    }
}
