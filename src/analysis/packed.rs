//! Events on their way from one core to another.
//!
//! What one core writes and another reads costs more than what both do with
//! it. So what the timeline wants to know of an ordinary event is handed over,
//! in a quarter of the event's bytes; events that nobody heeds are left out,
//! and all others go as they are.

use super::record::{Origin, Record, code, pack, pack_creation};
use crate::timeline::{Creation, Timeline, Transition};
use crate::trace::sink::Sink;
use crate::trace::{Event, GoState, Time, What};

/// Records that make a parcel: enough that handing it over costs nothing, few
/// enough that they are still in a cache.
const FULL: usize = 16 << 10;
/// Events of the old format that are packed at a time, and make a parcel.
const BLOCK: usize = 2048;

/// Events of one generation, in order.
#[derive(Debug, Default)]
pub struct Packed {
    records: Vec<Record>,
    origins: Vec<Origin>,
    whole: Vec<Event>,
    /// How many events there were, with those that nobody heeds.
    len: usize,
    /// The time of the first record.
    start: Time,
    /// The time of the last record.
    last: Time,
    /// The time of the last event and of the one before it, heeded or not.
    end: Time,
    before_end: Time,
    /// Whether the last event has a record.
    recorded: bool,
    /// For events that come as they are.
    block: Vec<Event>,
}

impl Packed {
    /// Forgets the events and keeps the memory.
    pub fn clear(&mut self) {
        self.records.clear();
        self.origins.clear();
        self.whole.clear();
        self.len = 0;
    }

    /// Whether a generation begins with them.
    pub fn begins(&self) -> bool {
        let first = self.whole.first().map(|event| event.what);
        matches!(first, Some(What::Sync { .. }))
    }

    #[inline(always)]
    fn record(&mut self, record: Record, time: Time) {
        if self.records.is_empty() {
            self.start = time;
        }
        self.last = time;
        self.records.push(record);
    }

    /// Hands them to `taker`, one after the other.
    #[inline(always)]
    pub fn unpack(&self, taker: &mut impl Taker) {
        let (mut origins, mut whole) = (self.origins.iter(), self.whole.iter());
        let mut time = self.start;
        for record in &self.records {
            time = time.wrapping_add(record.after.into());
            // Each kind has a copy of the timeline's code that does nothing
            // else.
            match record.code() {
                code::STARTS => taker.transition(&record.starts(time, GoState::Runnable)),
                code::RETURNS => taker.transition(&record.starts(time, GoState::Syscall)),
                code::WOKEN => taker.transition(&record.woken(time)),
                code::BLOCKS => taker.transition(&record.stops(time, GoState::Waiting)),
                code::YIELDS => taker.transition(&record.stops(time, GoState::Runnable)),
                code::CALLS => taker.transition(&record.stops(time, GoState::Syscall)),
                code::ENDS => taker.transition(&record.stops(time, GoState::NotExist)),
                code::CREATED => {
                    let Some(origin) = origins.next() else { return };
                    taker.creation(&record.created(time, *origin));
                }
                _ => {
                    let Some(event) = whole.next() else { return };
                    time = event.time;
                    taker.event(event);
                }
            }
        }
        if self.len > 0 {
            taker.pass(self.end);
        }
    }
}

impl Sink for Packed {
    #[inline(always)]
    fn is_full(&self) -> bool {
        self.records.len() >= FULL
    }

    #[inline(always)]
    fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    fn write(&mut self, event: Event) {
        self.len += 1;
        self.before_end = self.end;
        self.end = event.time;
        let after = match self.records.is_empty() {
            true => 0,
            false => event.time.wrapping_sub(self.last),
        };
        self.recorded = true;
        if let Some(record) = pack(&event, after) {
            self.record(record, event.time);
        } else if let Some((record, origin)) = pack_creation(&event, after) {
            self.record(record, event.time);
            self.origins.push(origin);
        } else if Timeline::heeds(&event) {
            self.whole.push(event);
            self.record(Record::default(), event.time);
        } else {
            self.recorded = false;
        }
    }

    fn retract(&mut self) {
        self.len -= 1;
        self.end = self.before_end;
        if !self.recorded {
            return;
        }
        let record = self.records.pop().unwrap_or_default();
        match record.code() {
            code::WHOLE => drop(self.whole.pop()),
            code::CREATED => drop(self.origins.pop()),
            _ => {}
        }
    }

    fn take_from<E>(
        &mut self,
        fill: impl FnOnce(&mut [Event]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let mut block = std::mem::take(&mut self.block);
        block.resize(BLOCK, Event::default());
        let filled = fill(&mut block);
        if let Ok(filled) = filled {
            block[..filled].iter().for_each(|event| self.write(*event));
        }
        self.block = block;
        filled
    }
}

/// Takes events in.
pub trait Taker {
    fn transition(&mut self, transition: &Transition);
    fn creation(&mut self, creation: &Creation);
    fn event(&mut self, event: &Event);
    /// Up to then nothing happened that anybody heeds.
    fn pass(&mut self, time: Time);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{GoId, Metric, ProcId, Slot, StackId, StringId, ThreadId};
    use proptest::prelude::*;

    fn id() -> impl Strategy<Value = i64> {
        prop_oneof![
            Just(-1),
            0..9i64,
            65_534..65_537i64,
            (1i64 << 32) - 2..1 << 33,
            any::<i64>()
        ]
    }

    fn small() -> impl Strategy<Value = u32> {
        prop_oneof![4 => Just(0), 4 => 1..4u32, 1 => 65_535..65_537u32, 1 => any::<u32>()]
    }

    fn state() -> impl Strategy<Value = GoState> {
        prop::sample::select(vec![
            GoState::Undetermined,
            GoState::NotExist,
            GoState::Runnable,
            GoState::Running,
            GoState::Waiting,
            GoState::Syscall,
        ])
    }

    fn what() -> impl Strategy<Value = What> {
        let transition = (id(), small(), state(), state(), small(), small(), small());
        let transition =
            transition.prop_map(|(id, slot, from, to, reason, own, stack)| What::Goroutine {
                id: GoId(id),
                slot: Slot(slot),
                from,
                to,
                reason: StringId(reason),
                own_stack: StackId(own),
                stack: StackId(stack),
            });
        let metric = What::Metric {
            metric: Metric::HeapObjects,
            value: 7,
            stack: StackId::NONE,
        };
        let label = What::Label { label: StringId(1) };
        prop_oneof![8 => transition, 1 => Just(metric), 1 => Just(label)]
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let after = prop_oneof![8 => 1..1000i64, 1 => (1i64 << 32) - 1..(1 << 32) + 2];
        let event = (after, id(), id(), what());
        prop::collection::vec(event, 1..50).prop_map(|parts| {
            let mut time = -5;
            let event = |(after, p, g, what)| {
                time += after;
                Event {
                    time,
                    m: ThreadId(1),
                    p: ProcId(p),
                    g: GoId(g),
                    what,
                }
            };
            parts.into_iter().map(event).collect()
        })
    }

    /// What the timeline looks at.
    fn heeded(t: Transition) -> Transition {
        Transition {
            p: if t.from == GoState::Running || t.to == GoState::Running {
                t.p
            } else {
                ProcId::NONE
            },
            by: match (t.from, t.to) {
                (GoState::Running, _) | (_, GoState::Running) => GoId::NONE,
                _ => t.by,
            },
            ..t
        }
    }

    /// Compares what it takes with what is to come.
    struct Compare<'a>(std::vec::IntoIter<&'a Event>, Option<Time>);

    impl Taker for Compare<'_> {
        fn transition(&mut self, transition: &Transition) {
            let want = Transition::of(self.0.next().unwrap()).unwrap();
            assert_eq!(heeded(*transition), heeded(want));
        }

        fn creation(&mut self, creation: &Creation) {
            let want = Creation::of(self.0.next().unwrap()).unwrap();
            // Whose processor it was nobody asks: it does not run yet.
            let p = want.p;
            assert_eq!(Creation { p, ..*creation }, want);
        }

        fn event(&mut self, event: &Event) {
            assert_eq!(Some(event), self.0.next());
        }

        fn pass(&mut self, time: Time) {
            self.1 = Some(time);
        }
    }

    fn packed(events: &[Event]) -> Packed {
        let mut packed = Packed::default();
        events.iter().for_each(|event| packed.write(*event));
        packed
    }

    proptest! {
        #[test]
        fn what_is_unpacked_was_packed(events in events()) {
            let want = events.iter().filter(|e| Timeline::heeds(e));
            let want: Vec<_> = want.collect();
            let mut compare = Compare(want.into_iter(), None);
            packed(&events).unpack(&mut compare);
            prop_assert!(compare.0.next().is_none());
            prop_assert_eq!(compare.1, events.last().map(|e| e.time));
        }

        #[test]
        fn what_is_retracted_was_never_there(events in events()) {
            let (_, but_last) = events.split_last().unwrap();
            let mut all = packed(&events);
            all.retract();
            let want = but_last.iter().filter(|e| Timeline::heeds(e));
            let want: Vec<_> = want.collect();
            let mut compare = Compare(want.into_iter(), None);
            all.unpack(&mut compare);
            prop_assert!(compare.0.next().is_none());
            prop_assert_eq!(compare.1, but_last.last().map(|e| e.time));
        }
    }

    #[test]
    fn a_record_is_a_quarter_of_an_event() {
        assert_eq!(4 * size_of::<Record>(), size_of::<Event>());
    }
}
