//! The CPU samples of a generation, which come between the threads' events.

use super::super::allowance::of_vec;
use super::super::error::Corruption;
use super::super::event::{Event, EventKind, Time};
use super::super::sort;
use super::super::tables::Tables;
use super::clock::Clock;
use super::sections::CpuSample;

/// A generation's samples, and which of them comes next.
#[derive(Debug)]
pub struct Samples {
    all: Vec<CpuSample>,
    next: usize,
    /// When the next one was taken; the latest time if there is none.
    time: Time,
}

impl Default for Samples {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            next: 0,
            time: Time::MAX,
        }
    }
}

impl Samples {
    /// Forgets all and keeps the memory.
    pub fn clear(&mut self) {
        self.all.clear();
        self.rewind();
    }

    /// Bytes of memory that this holds while up to `more` samples are added.
    pub fn held(&self, more: usize) -> u64 {
        of_vec(&self.all, more)
    }

    /// Where a batch's samples are added, their times in clock units.
    pub fn raw(&mut self) -> &mut Vec<CpuSample> {
        &mut self.all
    }

    /// Converts the times and puts the samples in order.
    pub fn close(&mut self, clock: Clock) {
        for sample in &mut self.all {
            sample.time = clock.ns(sample.time as u64);
        }
        sort::by_key(&mut self.all, |s| s.time);
        self.rewind();
    }

    fn rewind(&mut self) {
        self.next = 0;
        self.time = self.all.first().map_or(Time::MAX, |s| s.time);
    }

    /// When the next sample was taken; the latest time if there is none.
    #[inline]
    pub fn time(&self) -> Time {
        self.time
    }

    /// The next sample as an event.
    pub fn take(&mut self, tables: &Tables) -> Option<Result<Event, Corruption>> {
        let s = *self.all.get(self.next)?;
        self.next += 1;
        let next = self.all.get(self.next);
        self.time = next.map_or(Time::MAX, |s| s.time);
        Some(tables.stack_id(s.stack).map(|stack| Event {
            time: s.time,
            m: s.m,
            p: s.p,
            g: s.g,
            kind: EventKind::StackSample { stack },
        }))
    }
}
