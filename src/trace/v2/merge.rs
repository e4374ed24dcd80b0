//! The threads' events to one row.
//!
//! Events are handed out in blocks: what a block costs is forgotten over its
//! events, and within one the state of the thread whose turn it is can stay in
//! registers. As long as that thread's next event is not later than any
//! other's the heap need not be touched.

use super::super::error::{ErrorKind, ReadError};
use super::super::event::{Event, Time};
use super::super::violation::Violation;
use super::super::work;
use super::Reader;
use super::cursor::Source;
use super::generation::NIL;
use super::order::{Refusal, Step};
use super::raw::Raw;

/// How many events may have to wait for another thread's before a trace is
/// taken for one made to be slow: looking for the one that can come next costs
/// as much as there are threads. Busy programs with hundreds of threads stay
/// below one an event.
const MAX_REFUSALS_PER_EVENT: u64 = 1_000;
/// As many are free.
const MAX_REFUSALS: u64 = 20_000_000;

/// Why a row of events was interrupted.
enum Pause {
    /// There is no more room.
    Full,
    /// No thread's event comes next.
    NoThread,
    /// The last event was taken; others came along with it, or the following
    /// one of its thread has to be loaded.
    Taken { loaded: bool },
    /// The earliest event was not taken.
    Refused(Refusal),
}

impl Reader<'_> {
    /// Writes the next events to `out`, all of one generation: a
    /// synchronisation event only stands first. Returns how many; 0 at the end.
    pub fn fill(&mut self, out: &mut [Event]) -> Result<usize, Box<ReadError>> {
        if let Some(e) = self.failed.take() {
            self.installed = false;
            return Err(e);
        }
        let mut n = 0;
        while n < out.len() {
            let more = match self.run(&mut out[n..]) {
                (taken, Pause::Full) => {
                    n += taken;
                    break;
                }
                (taken, Pause::Taken { loaded }) => {
                    n += taken;
                    self.after_taken(loaded).map(|()| true)
                }
                (taken, Pause::Refused(refusal)) => {
                    n += taken;
                    self.refused(refusal, &mut out[n]).map(|()| true)
                }
                (taken, Pause::NoThread) => {
                    n += taken;
                    match out.get_mut(n) {
                        Some(out) => self.otherwise(n == 0, out),
                        None => break,
                    }
                }
            };
            match more {
                Ok(true) => n += 1,
                Ok(false) => break,
                Err(e) if n == 0 => {
                    self.installed = false;
                    return Err(e);
                }
                // Those who look at the events still want to know of the
                // generation.
                Err(e) => {
                    self.failed = Some(e);
                    break;
                }
            }
        }
        self.stats.events += n as u64;
        Ok(n)
    }

    /// Takes threads' events until something else has to be done.
    fn run(&mut self, out: &mut [Event]) -> (usize, Pause) {
        let tables = &*self.generation.tables;
        let generation = self.generation.number;
        let sample = self.generation.samples.time();
        let clock = self.clock;
        let mut last = self.last_time;
        let room = out.len();
        let mut out = out.iter_mut();
        let pause = 'threads: loop {
            work::add(1);
            let Some(cursor) = self.cursors.get_mut(self.head as usize) else {
                break Pause::NoThread;
            };
            let thread = cursor.thread;
            self.order.turn_to(thread);
            let limit = self.frontier.second_time().min(sample);
            let mut fast = self.order.fast(thread);
            let mut next = cursor.next;
            let pause = loop {
                if next.time > limit {
                    cursor.next = next;
                    self.frontier.delay_first(next.time);
                    self.head = self.frontier.head(sample);
                    continue 'threads;
                }
                let Some(event) = out.next() else {
                    break Pause::Full;
                };
                event.time = after(last, next.time);
                let start = cursor.args(next);
                let mut args = start;
                if !fast.take(next.kind(), &mut args, tables, generation, event) {
                    args = start;
                    let mut raw = Raw::new(next.kind());
                    args.all(&mut raw);
                    let step = Step {
                        tables,
                        generation,
                        raw: &raw,
                        out: event,
                    };
                    if let Err(e) = self.order.advance(thread, step) {
                        break Pause::Refused(e);
                    }
                    if self.order.has_following() {
                        last = event.time;
                        let loaded = next.advance(args, cursor.careful, clock);
                        break Pause::Taken { loaded };
                    }
                    fast = self.order.fast(thread);
                }
                last = event.time;
                if !next.advance(args, cursor.careful, clock) {
                    break Pause::Taken { loaded: false };
                }
            };
            cursor.next = next;
            break pause;
        };
        self.last_time = last;
        let taken = room - out.len();
        match pause {
            Pause::Full | Pause::NoThread => (taken, pause),
            // The last one is not to be counted yet.
            Pause::Taken { .. } | Pause::Refused(_) => (taken - 1, pause),
        }
    }

    /// Goes on behind an event of the earliest thread. An error in the thread's
    /// following event comes before that event, as in the reference.
    #[cold]
    fn after_taken(&mut self, loaded: bool) -> Result<(), Box<ReadError>> {
        if !loaded {
            self.load(0)?;
        }
        if self.order.has_following() {
            self.interrupt();
        }
        Ok(())
    }

    /// Lets something else come before the next event of a thread.
    fn interrupt(&mut self) {
        if let Some(cursor) = self.cursors.get(self.head as usize) {
            self.frontier.update(0, cursor.next.time);
        }
        self.head = NIL;
    }

    fn follow_first(&mut self) {
        self.head = self.frontier.head(self.generation.samples.time());
    }

    /// Writes an event that is no thread's next one. False if there is none,
    /// or only in a block of its own.
    #[cold]
    fn otherwise(&mut self, first: bool, out: &mut Event) -> Result<bool, Box<ReadError>> {
        *out = if let Some(event) = self.order.next_following() {
            event
        } else {
            match self.generation.samples.take(&self.generation.tables) {
                Some(Ok(sample)) => sample,
                Some(Err(e)) => return Err(self.fail(e.into(), None)),
                None if !first => return Ok(false),
                None => match self.next_generation()? {
                    Some(sync) => sync,
                    None => return Ok(false),
                },
            }
        };
        self.stamp(out);
        if !self.order.has_following() {
            self.follow_first();
        }
        Ok(true)
    }

    /// Makes times increase strictly, as the reference does.
    fn stamp(&mut self, event: &mut Event) {
        event.time = after(self.last_time, event.time);
        self.last_time = event.time;
    }

    /// The earliest thread's event was not taken: try the others by time.
    #[cold]
    fn refused(&mut self, refusal: Refusal, out: &mut Event) -> Result<(), Box<ReadError>> {
        if let Refusal::Never(kind) = refusal {
            return Err(self.fail(*kind, Some(self.head)));
        }
        self.interrupt();
        let threads = self.frontier.len();
        self.refusals += threads as u64;
        if self.refusals > MAX_REFUSALS + self.stats.events * MAX_REFUSALS_PER_EVENT {
            let tangled = Violation::Tangled { threads };
            return Err(self.fail(ErrorKind::Inconsistent(tangled), None));
        }
        self.frontier.sort();
        for i in 1..threads {
            if self.try_thread(i, out)? {
                self.stamp(out);
                if self.order.has_following() {
                    self.head = NIL;
                } else {
                    self.follow_first();
                }
                return Ok(());
            }
        }
        let stuck = Violation::Stuck { threads };
        Err(self.fail(ErrorKind::Inconsistent(stuck), None))
    }

    /// Offers the next event of heap entry `i` to the order.
    fn try_thread(&mut self, i: usize, out: &mut Event) -> Result<bool, Box<ReadError>> {
        work::add(1);
        let index = self.frontier.get(i).cursor;
        let cursor = &mut self.cursors[index as usize];
        out.time = cursor.next.time;
        self.order.turn_to(cursor.thread);
        let mut next = cursor.next;
        let mut args = cursor.args(next);
        let mut raw = Raw::new(next.kind());
        args.all(&mut raw);
        let step = Step {
            tables: &self.generation.tables,
            generation: self.generation.number,
            raw: &raw,
            out,
        };
        match self.order.advance(cursor.thread, step) {
            Ok(()) => {}
            Err(Refusal::Later) => return Ok(false),
            Err(Refusal::Never(kind)) => return Err(self.fail(*kind, Some(index))),
        }
        let loaded = next.advance(args, cursor.careful, self.clock);
        cursor.next = next;
        if loaded {
            self.frontier.update(i, next.time);
        } else {
            self.load(i)?;
        }
        Ok(true)
    }

    /// Goes on to the event after the one of heap entry `i`, which was taken.
    #[cold]
    fn load(&mut self, i: usize) -> Result<(), Box<ReadError>> {
        let index = self.frontier.get(i).cursor;
        let cursor = &mut self.cursors[index as usize];
        let mut source = Source {
            input: &mut self.input,
            batches: &self.generation.batches,
            clock: self.clock,
        };
        match cursor.load(&mut source) {
            Ok(true) => self.frontier.update(i, cursor.next.time),
            Ok(false) => self.frontier.remove(i),
            Err(e) => return Err(self.fail(*e, Some(index))),
        }
        self.follow_first();
        Ok(())
    }
}

/// The time of an event behind one at `last`.
#[inline(always)]
fn after(last: Time, time: Time) -> Time {
    if time <= last {
        last.wrapping_add(1)
    } else {
        time
    }
}
