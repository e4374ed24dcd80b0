//! Packed events, which pass from one core to another.
//!
//! Passing an event to another core costs more than its analysis. Each ordinary event is therefore packed into one
//! word with only the fields that the timeline reads. Events that the timeline ignores are left out; all others are
//! passed unpacked. See [`record`] for the bits.

use super::record::{self, code};
use crate::tasks::Tasks;
use crate::timeline::{Creation, SILENCE, Timeline, Transition};
use crate::trace::internal::{NO_SLOT, Sink};
use crate::trace::{Event, EventKind, GoId, GoState, Slot, Time};

/// Words of a full chunk for another core: enough to amortize the handoff, few enough to stay in a cache.
const HANDED_OVER: usize = 16 << 10;
/// Words of a full chunk on the same core: few enough for the first-level cache.
const KEPT: usize = 2 << 10;
/// Events of the v1 format per chunk.
const BLOCK: usize = 2048;

/// A time before all events. The difference to the first event never fits a record, so the first event is passed
/// unpacked, with its time.
const BEFORE: Time = Time::MIN;

/// Reports whether the timeline or the tasks read more of an event than its time.
#[inline(always)]
fn wanted(event: &Event) -> bool {
    Timeline::heeds(event) || Tasks::handles(event)
}

/// Events of one generation, in order.
#[derive(Debug)]
pub(super) struct Packed {
    /// Number of words of a full chunk.
    full: usize,
    words: Vec<u64>,
    whole: Vec<Event>,
    /// Number of words after the first of each record.
    more_words: usize,
    /// Time of the last record.
    last: Time,
    /// Number of events that the timeline ignores since the last record, and the times of the last two.
    unheeded: usize,
    passed: Time,
    passed_before: Time,
    /// Buffer for unpacked events of the v1 format.
    block: Vec<Event>,
}

impl Default for Packed {
    fn default() -> Self {
        Self {
            full: HANDED_OVER,
            words: Vec::new(),
            whole: Vec::new(),
            more_words: 0,
            last: BEFORE,
            unheeded: 0,
            passed: BEFORE,
            passed_before: BEFORE,
            block: Vec::new(),
        }
    }
}

impl Packed {
    /// Creates an empty chunk that stays on its core.
    pub(super) fn on_one_core() -> Self {
        Self {
            full: KEPT,
            ..Self::default()
        }
    }

    /// Removes all events and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.words.clear();
        self.whole.clear();
        (self.more_words, self.unheeded) = (0, 0);
        (self.last, self.passed, self.passed_before) = (BEFORE, BEFORE, BEFORE);
    }

    /// Whether the first event starts a generation.
    pub(super) fn begins(&self) -> bool {
        let first = self.whole.first().map(|event| event.kind);
        matches!(first, Some(EventKind::Sync { .. }))
    }

    /// Records the time of the last ignored event, because a silence may follow it.
    #[cold]
    fn end_unheeded(&mut self) {
        self.unheeded -= 1;
        self.write_time(code::PASSED, self.passed);
    }

    #[cold]
    fn write_time(&mut self, code: u64, time: Time) {
        self.words.extend([code, time as u64]);
        self.more_words += 1;
        self.last = time;
    }

    #[cold]
    #[inline(never)]
    fn write_long(&mut self, event: Event, after: Time) {
        if let Some(words) = record::pack_long(&event, after) {
            self.words.extend(words);
            self.more_words += words.len() - 1;
        } else {
            self.whole.push(event);
            self.words.push(code::WHOLE);
        }
    }

    /// Passes the events to `visitor`, in order.
    #[inline(always)]
    pub(super) fn unpack(&self, visitor: &mut impl EventVisitor) {
        let mut words = self.words.iter().copied();
        let mut whole = self.whole.iter();
        let mut time = BEFORE;
        while let Some(word) = words.next() {
            time = time.wrapping_add(record::after(word));
            // Each code gets its own copy of the timeline's code, with constant states.
            match record::code(word) {
                code::STARTS => visitor.transition(&record::starts(word, time, GoState::Runnable)),
                code::RETURNS => visitor.transition(&record::starts(word, time, GoState::Syscall)),
                code::WOKEN => {
                    let slot = record::waker(word);
                    let by = slot.map(|slot| visitor.goroutine(slot));
                    let by = (slot, by.unwrap_or_default());
                    visitor.transition(&record::woken(word, time, by));
                }
                code::BLOCKS => visitor.transition(&record::stops(word, time, GoState::Waiting)),
                code::YIELDS => visitor.transition(&record::stops(word, time, GoState::Runnable)),
                code::CALLS => visitor.transition(&record::stops(word, time, GoState::Syscall)),
                code::ENDS => visitor.transition(&record::stops(word, time, GoState::NotExist)),
                code::CREATED => {
                    let (Some(second), Some(third)) = (words.next(), words.next()) else {
                        return;
                    };
                    time = time.wrapping_add(record::more_after(word));
                    visitor.creation(&record::creation([word, second, third], time));
                }
                code::LONG => {
                    let Some(second) = words.next() else { return };
                    time = time.wrapping_add(record::more_after(word));
                    visitor.rare_transition(&record::long_transition([word, second], time));
                }
                kind @ (code::PASSED | code::UNHEEDED) => {
                    let Some(at) = words.next() else { return };
                    time = at as Time;
                    match kind {
                        code::PASSED => visitor.pass(time),
                        _ => visitor.unheeded(time),
                    }
                }
                _ => {
                    let Some(event) = whole.next() else { return };
                    time = event.time;
                    visitor.event(event);
                }
            }
        }
        if self.passed > time {
            visitor.pass(self.passed);
        }
    }
}

impl Sink for Packed {
    #[inline(always)]
    fn is_full(&self) -> bool {
        self.words.len() >= self.full
    }

    #[inline(always)]
    fn len(&self) -> usize {
        self.words.len() - self.more_words + self.unheeded
    }

    #[inline(always)]
    fn write(&mut self, event: Event, by: u32) {
        let mut after = event.time.wrapping_sub(self.last);
        if let Some(word) = record::pack(&event, by, after) {
            self.words.push(word);
            self.last = event.time;
            return;
        }
        if after >= SILENCE && self.passed > self.last {
            self.end_unheeded();
            after = event.time.wrapping_sub(self.last);
        }
        if let Some(words) = record::pack_creation(&event, after) {
            self.words.extend(words);
            self.more_words += words.len() - 1;
        } else if wanted(&event) {
            self.write_long(event, after);
        } else if event.time.saturating_sub(self.last.max(self.passed)) >= SILENCE {
            // A silence may end at this event. The time before this chunk is unknown here.
            self.write_time(code::UNHEEDED, event.time);
        } else {
            self.unheeded += 1;
            (self.passed_before, self.passed) = (self.passed, event.time);
            return;
        }
        self.last = event.time;
    }

    fn retract(&mut self) {
        if self.passed > self.last {
            self.unheeded -= 1;
            self.passed = self.passed_before;
            return;
        }
        // The position of the last record follows only from the records before it.
        let (mut at, mut next) = (0, 0);
        while let Some(&word) = self.words.get(next) {
            (at, next) = (next, next + record::words(word));
        }
        if self.words.get(at) == Some(&code::WHOLE) {
            self.whole.pop();
        }
        self.more_words -= (next - at).saturating_sub(1);
        self.words.truncate(at);
    }

    fn take_from<E>(
        &mut self,
        fill: impl FnOnce(&mut [Event]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let mut block = std::mem::take(&mut self.block);
        block.resize(BLOCK, Event::default());
        let filled = fill(&mut block);
        if let Ok(filled) = filled {
            let events = block[..filled].iter();
            events.for_each(|event| self.write(*event, NO_SLOT));
        }
        self.block = block;
        filled
    }
}

/// Consumer of unpacked events.
pub(super) trait EventVisitor {
    fn transition(&mut self, transition: &Transition);
    /// As [`transition`](Self::transition), for rare transitions.
    fn rare_transition(&mut self, transition: &Transition);
    fn creation(&mut self, creation: &Creation);
    fn event(&mut self, event: &Event);
    /// Returns the id of the goroutine in a slot.
    fn goroutine(&self, slot: Slot) -> GoId;
    /// Skips to `time`: the timeline ignores the events up to it, and no silence lies between them.
    fn pass(&mut self, time: Time);
    /// Visits an event of which the timeline reads only the time.
    fn unheeded(&mut self, time: Time);
}

#[cfg(test)]
mod tests;
