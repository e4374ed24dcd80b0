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
mod samples;
mod sections;
mod sort;
mod violation;
pub(crate) mod wire;

pub use generation::ExperimentalBatch;
pub use violation::Violation;

use std::sync::Arc;

use super::error::{ErrorKind, ReadError};
use super::event::{Event, GoId, ProcId, StringId, ThreadId, Time, What};
use super::input::Input;
use super::tables::Tables;
use super::{ClockSnapshot, Stats};
use batch::Batch;
use clock::Clock;
use cursor::{Cursor, Memory, Source};
use frontier::{Entry, Frontier};
use generation::{Generation, NIL};
use order::{Order, Step};

/// First version whose sync batches carry clock snapshots.
const WITH_SNAPSHOTS: u32 = 25;
/// First version with end-of-generation markers.
const WITH_MARKERS: u32 = 26;

/// How many events may have to wait for another thread's before a trace is
/// taken for one made to be slow: looking for the one that can come next costs
/// as much as there are threads. Busy programs with hundreds of threads stay
/// below one an event.
const MAX_REFUSALS_PER_EVENT: u64 = 1_000;
/// As many are free.
const MAX_REFUSALS: u64 = 20_000_000;

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
    clock: Clock,
    event: Event,
    /// Whether `generation` is one that events refer to.
    installed: bool,
    spill: Option<Batch>,
    cursors: Vec<Cursor>,
    frontier: Frontier,
    order: Order,
    ahead: Ahead,
    last_time: Time,
    /// Work spent on finding a thread whose event can come next.
    refusals: u64,
    stats: Stats,
    /// Memory of cursors that have no more events.
    spare: Vec<Memory>,
}

impl<'a> Reader<'a> {
    /// Reads on behind the header.
    pub fn new(input: Input<'a>, version: u32) -> Self {
        Self {
            input,
            version,
            generation: Generation::default(),
            clock: Clock::new(0),
            event: Event {
                time: 0,
                m: ThreadId::NONE,
                p: ProcId::NONE,
                g: GoId::NONE,
                what: What::Sync { n: 0 },
            },
            installed: false,
            spill: None,
            cursors: Vec::new(),
            frontier: Frontier::default(),
            order: Order::default(),
            ahead: Ahead::More,
            last_time: 0,
            refusals: 0,
            stats: Stats::default(),
            spare: Vec::new(),
        }
    }

    /// Strings and stacks of the events since the last synchronisation.
    pub fn tables(&self) -> &Arc<Tables> {
        &self.generation.tables
    }

    /// A string of the current generation, or of the current event only.
    pub fn string(&self, id: StringId) -> &[u8] {
        let extra = self.order.extra_string(id);
        extra.unwrap_or_else(|| self.generation.tables.string(id))
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

    /// The event that [`advance`](Self::advance) came to.
    #[inline]
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Goes on to the next event. False at the end.
    #[inline]
    pub fn advance(&mut self) -> Result<bool, Box<ReadError>> {
        if self.order.has_following() {
            return Ok(self.take_following());
        }
        match self.frontier.first() {
            Some(first) if first.time <= self.generation.samples.time() => {}
            _ => return self.advance_otherwise(),
        }
        match self.advance_threads() {
            Ok(()) => {
                self.stamp();
                Ok(true)
            }
            Err((kind, cursor)) => Err(self.fail(kind, cursor)),
        }
    }

    /// Goes on where no thread's event comes next.
    #[cold]
    fn advance_otherwise(&mut self) -> Result<bool, Box<ReadError>> {
        match self.generation.samples.take(&self.generation.tables) {
            Some(Ok(sample)) => {
                self.event = sample;
                self.stamp();
                Ok(true)
            }
            Some(Err(e)) => Err(self.fail(e.into(), None)),
            None => self.next_generation(),
        }
    }

    #[cold]
    fn take_following(&mut self) -> bool {
        let following = self.order.next_following();
        if let Some(event) = following {
            self.event = event;
            self.stamp();
        }
        following.is_some()
    }

    /// Makes times increase strictly, as the reference does.
    #[inline]
    fn stamp(&mut self) {
        if self.event.time <= self.last_time {
            self.event.time = self.last_time.wrapping_add(1);
        }
        self.last_time = self.event.time;
        self.stats.events += 1;
    }

    /// Takes the earliest event that can have happened next. The error comes
    /// with the cursor it concerns.
    #[inline]
    fn advance_threads(&mut self) -> Result<(), (ErrorKind, Option<u32>)> {
        if self.try_thread(0)? {
            return Ok(());
        }
        self.advance_other()
    }

    /// The earliest thread must wait for another one: try them by time.
    #[cold]
    fn advance_other(&mut self) -> Result<(), (ErrorKind, Option<u32>)> {
        let threads = self.frontier.len();
        self.refusals += threads as u64;
        if self.refusals > MAX_REFUSALS + self.stats.events * MAX_REFUSALS_PER_EVENT {
            let tangled = Violation::Tangled { threads };
            return Err((ErrorKind::Inconsistent(tangled), None));
        }
        self.frontier.sort();
        for i in 1..threads {
            if self.try_thread(i)? {
                return Ok(());
            }
        }
        let stuck = Violation::Stuck { threads };
        Err((ErrorKind::Inconsistent(stuck), None))
    }

    /// Offers the next event of heap entry `i` to the order. When it is taken
    /// the thread's following event is decoded at once, and an error there
    /// comes before the event, as in the reference.
    #[inline]
    fn try_thread(&mut self, i: usize) -> Result<bool, (ErrorKind, Option<u32>)> {
        let index = self.frontier.get(i).cursor;
        let cursor = &mut self.cursors[index as usize];
        let step = Step {
            tables: &self.generation.tables,
            generation: self.generation.number,
            raw: cursor.event(),
            out: &mut self.event,
        };
        match self.order.advance(cursor.thread, step) {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(e) => return Err((e.into(), Some(index))),
        }
        let mut source = Source {
            input: &mut self.input,
            batches: &self.generation.batches,
            clock: self.clock,
        };
        match cursor.advance(&mut source) {
            Ok(true) => self.frontier.update(i, cursor.event().time),
            Ok(false) => self.frontier.remove(i),
            Err(e) => return Err((*e, Some(index))),
        }
        Ok(true)
    }

    /// Reads the next generation and comes to the synchronisation event that
    /// stands before it, or before the end, or before the error.
    #[cold]
    fn next_generation(&mut self) -> Result<bool, Box<ReadError>> {
        match std::mem::replace(&mut self.ahead, Ahead::Done) {
            Ahead::Done => return Ok(false),
            Ahead::Broken(e) if self.installed => {
                // First the synchronisation event, then the error.
                self.installed = false;
                self.ahead = Ahead::Broken(e);
                return Ok(self.sync(self.last_time));
            }
            Ahead::Broken(e) => return Err(e),
            Ahead::Last => {
                self.installed = false;
                return Ok(self.sync(self.last_time));
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
                // Half a generation's samples and tables are nobody's.
                self.generation.clear();
                self.ahead = Ahead::Broken(Box::new(e));
                return Ok(self.sync(self.last_time));
            }
        };
        if !self.installed {
            return Ok(self.sync(self.last_time));
        }
        self.stats.generations += 1;
        self.clock = self.generation.clock();
        self.install()?;
        Ok(self.sync(self.clock.ns(self.generation.min_time)))
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
    fn install(&mut self) -> Result<(), Box<ReadError>> {
        let clock = self.clock;
        if self.generation.threads.iter().any(|t| t.head != NIL) {
            self.order.start_generation(self.generation.number);
        }
        for t in 0..self.generation.threads.len() {
            let t = self.generation.threads[t];
            if t.head == NIL {
                continue;
            }
            let thread = self.order.thread(t.m);
            let memory = self.spare.pop().unwrap_or_default();
            let mut cursor = Cursor::new(thread, t.head, memory);
            let index = self.cursors.len() as u32;
            let first = cursor.start(&mut Source {
                input: &mut self.input,
                batches: &self.generation.batches,
                clock,
            });
            let time = cursor.event().time;
            self.cursors.push(cursor);
            if let Err(kind) = first {
                return Err(self.fail(*kind, Some(index)));
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
        let memory = self.cursors.drain(..).map(Cursor::into_memory);
        self.spare.extend(memory);
    }

    fn sync(&mut self, time: Time) -> bool {
        self.stats.syncs += 1;
        self.event = Event {
            time,
            m: ThreadId::NONE,
            p: ProcId::NONE,
            g: GoId::NONE,
            what: What::Sync {
                n: self.stats.syncs,
            },
        };
        self.stamp();
        true
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
    fn fail(&mut self, kind: ErrorKind, cursor: Option<u32>) -> Box<ReadError> {
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
        self.generation.samples.clear();
        self.installed = false;
        let generation = Some(self.generation.number);
        Box::new(match std::mem::replace(&mut self.ahead, Ahead::Done) {
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
        })
    }
}
