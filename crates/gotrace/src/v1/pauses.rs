//! Cases that the [loop over the Ps' events](super::merge) leaves to others: events that cause further ones or change what
//! other Ps wait for, CPU samples, returns from syscalls, and the end.

use super::super::error::{ErrorKind, ReadError};
use super::super::event::{Event, EventKind, GoId, StackId};
use super::super::violation::Violation;
use super::Reader;
use super::Stage;
use super::cursor::{Position, Source};
use super::frontier::Entry;
use super::merge::SAMPLES;
use super::step::{Change, Refusal, Taken};
use super::waiting::Need;

/// Number of waiting Ps that may be checked per event before a trace is rejected as made to be slow.
const MAX_LOOKS_PER_EVENT: u64 = 1_000;
/// Number of checks that are not counted.
const MAX_LOOKS: u64 = 20_000_000;

impl Reader<'_> {
    /// Adds the further events that an event of a P causes, of which `out[0]`
    /// is the first, and advances the P. Returns the number of events.
    #[inline(never)]
    pub(super) fn finish(
        &mut self,
        proc: u32,
        taken: Taken,
        mut next: Position,
        mut read: usize,
        out: &mut [Event],
    ) -> Result<usize, ReadError> {
        let time = self.clock.ns(next.time);
        let cursor = &mut self.cursors[proc as usize];
        let mut n = 1;
        match taken {
            Taken::Nothing | Taken::Others => n = 0,
            Taken::Log => {
                let (text, end) = cursor.text(next, read);
                read = end;
                if let EventKind::Log { message, .. } = &mut out[0].kind {
                    *message = self.messages.get(text).copied().unwrap_or_default();
                }
            }
            Taken::Event | Taken::Followed | Taken::Syscall => {}
        }
        let mut more = next.advance(cursor.bytes(), read);
        cursor.next = next;
        let counted = match !more && cursor.is_at_end() {
            true => self.count(),
            false => Ok(()),
        };
        let cursor = &mut self.cursors[proc as usize];
        let mut source = Source {
            input: &mut self.input,
            segments: &mut self.segments,
            exits: &mut self.exits,
            bytes: &mut self.stats.bytes,
        };
        let mut loaded = counted.map_err(Box::new);
        if !more && loaded.is_ok() {
            match cursor.load(&mut source) {
                Ok(any) => more = any,
                Err(kind) => loaded = Err(kind),
            }
        }
        let mut blocked = None;
        if taken == Taken::Syscall && more && loaded.is_ok() {
            let g = self.model.procs[proc as usize].g;
            match cursor.blocks(g, &mut source) {
                Ok(time) => blocked = time.filter(|&t| !self.samples.is_before(GoId(g as i64), t)),
                Err(kind) => loaded = Err(kind),
            }
        }
        let need = match more && loaded.is_ok() {
            true => {
                let next = cursor.next;
                Some(self.model.need(proc, next.kind, cursor.args(next)))
            }
            false => None,
        };
        self.settle(proc, need);
        if n > 0 {
            let begun = time;
            if taken == Taken::Syscall && blocked.is_none() {
                let end = self.model.end_syscall(proc as usize, &mut out[0], begun);
                match out.get_mut(1) {
                    Some(out) => {
                        *out = end;
                        n = 2;
                    }
                    None => self.model.follow.push_back(end),
                }
            }
            out.iter_mut().take(n).for_each(|event| self.stamp(event));
        }
        if self.looks > MAX_LOOKS + self.stats.events * MAX_LOOKS_PER_EVENT {
            let threads = self.waiting.len();
            loaded = Err(Box::new(ErrorKind::Inconsistent(Violation::Tangled {
                threads,
            })));
        }
        match loaded {
            Ok(()) => Ok(n),
            Err(kind) if n == 0 => Err(self.fail(*kind, Some(proc))),
            Err(kind) => {
                self.failed = Some(self.fail(*kind, Some(proc)));
                Ok(n)
            }
        }
    }

    /// Moves a P to the heap or to the waiting Ps, depending on its next event, and wakes the Ps that waited for the last
    /// event.
    pub(super) fn settle(&mut self, proc: u32, need: Option<Need>) {
        let Some(change) = self.model.change.take() else {
            match need {
                Some(Need::Nothing) => self.enter(proc),
                Some(need) => self.waiting.add(&mut self.model, proc, need),
                None => {}
            }
            return;
        };
        if let Some(need) = need {
            self.waiting.add(&mut self.model, proc, need);
        }
        self.admit(change);
    }

    /// Wakes the Ps that waited for a change.
    pub(super) fn admit(&mut self, change: Change) {
        self.looks += self.waiting.len() as u64;
        let (frontier, cursors, samples) = (&mut self.frontier, &self.cursors, &self.samples);
        self.waiting.leave(&mut self.model, change, |proc| {
            let time = match cursors.get(proc as usize) {
                Some(cursor) => Some(cursor.next.time),
                None => samples.time(),
            };
            if let Some(time) = time {
                frontier.push(Entry { time, proc });
            }
        });
    }

    pub(super) fn enter(&mut self, proc: u32) {
        let time = self.cursors[proc as usize].next.time;
        self.frontier.push(Entry { time, proc });
    }

    /// Handles the state in which no event is possible: the end, if none is left, else an error.
    pub(super) fn stuck(&mut self) -> Result<(), ReadError> {
        let threads = self.waiting.len();
        if threads == 0 {
            self.stage = Stage::Ended;
            return Ok(());
        }
        let first = self.waiting.first();
        Err(self.fail(ErrorKind::Inconsistent(Violation::Stuck { threads }), first))
    }

    pub(super) fn refused(&mut self, proc: u32, refusal: Refusal) -> ReadError {
        let kind = match refusal {
            Refusal::Invalid(kind) => *kind,
            Refusal::NotReady => {
                let threads = self.waiting.len() + 1;
                ErrorKind::Inconsistent(Violation::Stuck { threads })
            }
        };
        self.fail(kind, Some(proc))
    }

    /// Writes a CPU sample.
    #[cold]
    pub(super) fn sample(&mut self, out: &mut Event) -> usize {
        let Some(sample) = self.samples.take() else {
            return 0;
        };
        self.now = sample.time;
        let stack = self.tables.stack_id(sample.stack).unwrap_or(StackId::NONE);
        *out = Event {
            time: self.clock.ns(sample.time),
            p: sample.p,
            g: sample.g,
            kind: EventKind::StackSample { stack },
            ..Event::default()
        };
        self.stamp(out);
        if let Some(time) = self.samples.time() {
            let proc = SAMPLES;
            self.frontier.push(Entry { time, proc });
        }
        1
    }

    /// Writes the next return from a syscall. Returns 0 if other events come
    /// first after all.
    #[cold]
    pub(super) fn exit(&mut self, out: &mut Event) -> Result<usize, ReadError> {
        let prepared = self.exits.prepare(&mut self.input, &mut self.segments);
        prepared.map_err(|kind| self.fail(kind, None))?;
        let first = self.frontier.first();
        if first.is_some_and(|first| first.time <= self.exits.limit()) {
            return Ok(0);
        }
        let Some(exit) = self.exits.next() else {
            return Ok(0);
        };
        let time = self.clock.ns(exit.time);
        match self.model.exit(exit, time, out) {
            Err(Refusal::Invalid(kind)) => {
                let e = self.fail(*kind, None);
                let lost_bytes = e.lost_bytes();
                Err(e.at(exit.at, lost_bytes))
            }
            _ => {
                self.stamp(out);
                Ok(1)
            }
        }
    }
}
