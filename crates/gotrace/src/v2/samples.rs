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
pub(super) struct Samples {
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
    pub(super) fn clear(&mut self) {
        self.all.clear();
        self.rewind();
    }

    /// Bytes of memory that this holds while up to `more` samples are added.
    pub(super) fn held(&self, more: usize) -> u64 {
        of_vec(&self.all, more)
    }

    /// The list to which samples of a batch are added, with times in clock
    /// units.
    pub(super) fn raw(&mut self) -> &mut Vec<CpuSample> {
        &mut self.all
    }

    /// Converts the times and puts the samples in order.
    pub(super) fn close(&mut self, clock: Clock) {
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
    pub(super) fn time(&self) -> Time {
        self.time
    }

    /// The next sample as an event.
    pub(super) fn take(&mut self, tables: &Tables) -> Option<Result<Event, Corruption>> {
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

#[cfg(test)]
mod tests {
    use super::super::super::event::EventKind;
    use super::super::super::{Input, Reader};
    use super::super::test_trace::{NO_THREAD, Trace, running};
    use super::super::wire;

    /// Names of the kinds of a trace's events.
    fn kinds(trace: &Trace) -> Vec<&'static str> {
        let mut reader = Reader::new(Input::from_slice(&trace.0)).unwrap();
        let events = reader.events().map(|event| event.unwrap());
        let events = events.filter(|e| !matches!(e.kind, EventKind::Sync { .. }));
        events.map(|event| event.kind.name()).collect()
    }

    #[test]
    fn an_event_comes_before_a_sample_of_the_same_time() {
        let mut trace = Trace::new();
        trace.frequency(1);
        // The first thread's turn ends at the time of the second one's event.
        let first = [u64::from(wire::HEAP_ALLOC), 100, 7];
        trace.batch(1, 1, 10, &[&running(0, 1, 1)[..], &first].concat());
        let second = [u64::from(wire::PROC_STATUS), 1, 1, 1];
        let goal = [u64::from(wire::HEAP_GOAL), 39, 9];
        trace.batch(1, 2, 10, &[&second[..], &goal].concat());
        let sample = [u64::from(wire::CPU_SAMPLES), u64::from(wire::CPU_SAMPLE)];
        let sample = [&sample[..], &[50, 2, 1, NO_THREAD, 0]].concat();
        trace.batch(1, NO_THREAD, 1, &sample);
        let kinds = kinds(&trace);
        assert_eq!(kinds.iter().filter(|kind| **kind == "Metric").count(), 2);
        let sample = kinds.iter().position(|kind| *kind == "StackSample");
        let metrics: Vec<_> = (0..kinds.len()).filter(|i| kinds[*i] == "Metric").collect();
        let sample = sample.unwrap();
        assert!(metrics[0] < sample && sample < metrics[1], "{kinds:?}");
    }
}
