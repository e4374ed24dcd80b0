//! Merges the threads' events into one sequence.
//!
//! Events are returned in blocks. The cost of a block is spread over its events, and within a block the state of the
//! current thread stays in registers. The heap is not touched while that thread's next event is the earliest.

use std::hint;

use super::super::error::{ErrorKind, ReadError};
use super::super::event::{Event, Time};
use super::super::sink::{NO_SLOT, Sink};
use super::super::violation::Violation;
use super::super::work;
use super::Reader;
use super::clock::Clock;
use super::cursor::Source;
use super::epoch::Epoch;
use super::frontier::Entry;
use super::order::{Order, Refusal, Step};
use super::threads::{self, Lane, Threads};

/// Number of events that may wait for an event of another thread before a trace is rejected as made to be slow: each
/// search for the next possible event is linear in the threads. Busy programs with hundreds of threads stay below one
/// search per event.
const MAX_REFUSALS_PER_EVENT: u64 = 1_000;
/// Number of searches that are not counted.
const MAX_REFUSALS: u64 = 20_000_000;

/// Reason why the fast loop stopped.
enum Pause {
    /// The sink is full.
    Full,
    /// No thread's event comes next.
    NoThread,
    /// The last event was accepted. Further events came with it, or its thread's next event has to be loaded.
    Taken { loaded: bool },
    /// The earliest event was not accepted.
    Refused(Refusal),
}

impl Reader<'_> {
    /// Writes the next events to `sink` until it is full or the generation ends: a synchronization event is only ever the
    /// first. Returns the number of events, 0 at the end.
    pub(crate) fn fill(&mut self, sink: &mut impl Sink) -> Result<usize, ReadError> {
        if let Some(e) = self.failed.take() {
            self.installed = false;
            return Err(e);
        }
        let before = sink.len();
        while !sink.is_full() {
            let more = match self.run(sink) {
                Pause::Full => break,
                Pause::Taken { loaded } => {
                    let more = self.after_taken(loaded);
                    more.inspect_err(|_| sink.retract()).map(|()| true)
                }
                Pause::Refused(refusal) => self.refused(refusal, sink).map(|()| true),
                Pause::NoThread if sink.is_full() => break,
                Pause::NoThread => self.otherwise(sink.len() == before, sink),
            };
            match more {
                Ok(true) => {}
                Ok(false) => break,
                Err(e) if sink.len() == before => {
                    self.installed = false;
                    return Err(e);
                }
                // The consumer of the events still needs this generation's tables.
                Err(e) => {
                    self.failed = Some(e);
                    break;
                }
            }
        }
        let filled = sink.len() - before;
        self.stats.events += filled as u64;
        Ok(filled)
    }

    /// Reads events of threads until the fast loop cannot continue. Not inlined, because register allocation would then
    /// depend on the caller.
    #[inline(never)]
    fn run(&mut self, sink: &mut impl Sink) -> Pause {
        let epoch = self.generation.epoch();
        let sample = self.generation.samples.time();
        let clock = self.clock;
        let mut limit = self.frontier.second_time().min(sample);
        let mut last = self.last_time;
        let mut head = self.head;
        let pause = 'turns: loop {
            work::add(1);
            let Some(Lane { thread, cursor }) = self.threads.get_mut(head) else {
                break Pause::NoThread;
            };
            thread.seen = true;
            let mut next = cursor.next;
            let pause = loop {
                if next.time > limit {
                    cursor.next = next;
                    let turn = self.frontier.delay_first(next.time);
                    head = turn.first.thread;
                    if turn.first.time > sample {
                        head = threads::NONE;
                        break 'turns Pause::NoThread;
                    }
                    limit = turn.until.min(sample);
                    continue 'turns;
                }
                if sink.is_full() {
                    break Pause::Full;
                }
                let time = after(last, next.time);
                let event_type = next.kind();
                let mut args = cursor.args(next);
                let taken = self
                    .order
                    .take_fast(thread, event_type, &mut args, epoch, time, sink);
                if taken.is_none() {
                    cursor.next = next;
                    let offer = Offer {
                        threads: &mut self.threads,
                        order: &mut self.order,
                        epoch,
                        clock,
                    };
                    let taken = sink.write_with(|event| {
                        event.time = time;
                        offer.of(head, event)
                    });
                    let loaded = match taken {
                        Ok(loaded) => loaded,
                        Err(refusal) => break 'turns Pause::Refused(refusal),
                    };
                    last = time;
                    if !loaded || self.order.has_following() {
                        break 'turns Pause::Taken { loaded };
                    }
                    continue 'turns;
                }
                last = time;
                if !next.advance(args, cursor.careful, clock) {
                    break Pause::Taken { loaded: false };
                }
            };
            cursor.next = next;
            break pause;
        };
        self.head = head;
        self.last_time = last;
        pause
    }

    /// Completes an event of the earliest thread. An error in the thread's
    /// following event comes before that event, as in the reference.
    #[cold]
    fn after_taken(&mut self, loaded: bool) -> Result<(), ReadError> {
        if !loaded {
            self.load(0)?;
        }
        if self.order.has_following() {
            self.interrupt();
        }
        Ok(())
    }

    /// Ends the current thread's turn; another event may come first.
    fn interrupt(&mut self) {
        if let Some(lane) = self.threads.get_mut(self.head) {
            self.frontier.update(0, lane.cursor.next.time);
        }
        self.head = threads::NONE;
    }

    fn follow_first(&mut self) {
        self.head = self.frontier.head(self.generation.samples.time());
    }

    /// Writes an event that belongs to no thread. Returns false if there is none, or if it may only be the first of a block.
    #[cold]
    fn otherwise(&mut self, first: bool, sink: &mut impl Sink) -> Result<bool, ReadError> {
        let event = if let Some(event) = self.order.next_following() {
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
        self.stamp(event, sink);
        if !self.order.has_following() {
            self.follow_first();
        }
        Ok(true)
    }

    /// Writes an event, and makes times increase strictly, as the reference
    /// does.
    fn stamp(&mut self, event: Event, sink: &mut impl Sink) {
        self.last_time = after(self.last_time, event.time);
        let time = self.last_time;
        sink.write(Event { time, ..event }, NO_SLOT);
    }

    /// Tries the other threads by time, because the earliest event was not accepted.
    #[cold]
    fn refused(&mut self, refusal: Refusal, sink: &mut impl Sink) -> Result<(), ReadError> {
        if let Refusal::Invalid(kind) = refusal {
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
            if let Some(event) = self.try_thread(i)? {
                self.stamp(event, sink);
                if self.order.has_following() {
                    self.head = threads::NONE;
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
    fn try_thread(&mut self, i: usize) -> Result<Option<Event>, ReadError> {
        work::add(1);
        let Entry { time, thread } = self.frontier.get(i);
        let mut event = Event {
            time,
            ..Event::default()
        };
        let offer = Offer {
            threads: &mut self.threads,
            order: &mut self.order,
            epoch: self.generation.epoch(),
            clock: self.clock,
        };
        let loaded = match offer.of(thread, &mut event) {
            Ok(loaded) => loaded,
            Err(Refusal::NotReady) => return Ok(None),
            Err(Refusal::Invalid(kind)) => return Err(self.fail(*kind, Some(thread))),
        };
        if loaded {
            let next = self.threads[thread].cursor.next;
            self.frontier.update(i, next.time);
        } else {
            self.load(i)?;
        }
        Ok(Some(event))
    }

    /// Loads the event after that of heap entry `i`, which was taken.
    #[cold]
    fn load(&mut self, i: usize) -> Result<(), ReadError> {
        let thread = self.frontier.get(i).thread;
        if self.threads[thread].cursor.is_at_end()
            && let Err(kind) = self.count()
        {
            return Err(self.fail(kind, Some(thread)));
        }
        let cursor = &mut self.threads[thread].cursor;
        let mut source = Source {
            input: &mut self.input,
            batches: &self.generation.batches,
            clock: self.clock,
        };
        match cursor.load(&mut source) {
            Ok(true) => self.frontier.update(i, cursor.next.time),
            Ok(false) => self.frontier.remove(i),
            Err(e) => return Err(self.fail(*e, Some(thread))),
        }
        self.follow_first();
        Ok(())
    }
}

/// The parts of the reader that take an event of any type.
struct Offer<'a> {
    threads: &'a mut Threads,
    order: &'a mut Order,
    epoch: Epoch<'a>,
    clock: Clock,
}

impl Offer<'_> {
    /// Offers a thread's next event, with its time in `event`, and advances the thread if the event is accepted. Returns
    /// false if the following event is not loaded yet.
    #[inline(never)]
    fn of(self, thread: u32, event: &mut Event) -> Result<bool, Refusal> {
        let Lane { thread: t, cursor } = &mut self.threads[thread];
        let mut next = cursor.next;
        let (event_type, mut args) = (next.kind(), cursor.args(next));
        let Some(kind) = self.order.take_user(t, event_type, &mut args, self.epoch) else {
            return self.of_any(thread, event);
        };
        (event.m, event.p, event.g) = (t.m, t.p, t.g);
        event.kind = kind;
        let loaded = next.advance(args, cursor.careful, self.clock);
        cursor.next = next;
        Ok(loaded)
    }

    /// Like [`of`](Self::of), with the full model. Not inlined, to leave all registers to the fast path.
    #[inline(never)]
    fn of_any(self, thread: u32, event: &mut Event) -> Result<bool, Refusal> {
        let cursor = &self.threads[thread].cursor;
        let mut next = cursor.next;
        let mut args = cursor.args(next);
        let raw = args.all(next.kind());
        let loaded = next.advance(args, cursor.careful, self.clock);
        let step = Step {
            epoch: self.epoch,
            raw: &raw,
            out: event,
        };
        self.order.advance(self.threads, thread, step)?;
        self.threads[thread].cursor.next = next;
        Ok(loaded)
    }
}

/// The time of an event behind one at `last`.
#[inline(always)]
fn after(last: Time, time: Time) -> Time {
    // About 20 % of events share a timestamp, unpredictably; this avoids the branch.
    hint::select_unpredictable(time <= last, last.wrapping_add(1), time)
}
