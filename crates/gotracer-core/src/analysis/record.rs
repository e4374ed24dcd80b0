//! Records: events packed into words of 64 bits.
//!
//! Nearly every event is a transition of a goroutine and fits one word, because
//! the slots of goroutines, the ids of stacks and reasons, and the time since
//! the event before are small numbers. Transitions that do not fit take two
//! words, creations three. The first word's lowest four bits are its [`code`]:
//!
//! | code | first word, bits after the code | further words |
//! |---|---|---|
//! | `WHOLE` | none | none; the event is in a list of its own |
//! | `STARTS`, `RETURNS` | time 18, slot 14, 0 14, 0 6, P 8 | |
//! | `WOKEN` | time 18, slot 14, stack 14, waker's slot 14 | |
//! | `BLOCKS`, `YIELDS`, `CALLS`, `ENDS` | time 18, slot 14, stack 14, reason 6, P 8 | |
//! | `CREATED` | time 18, 0 4, slot 24, more time 14 | stack 32, goroutine 32; creator 32, first stack 32 |
//! | `LONG` | time 18, code 4, slot 24, more time 14 | stack 32, then waker 32, or reason 16 and P 16 |
//!
//! Times are differences to the record before, ns; *more time* has the bits
//! above the first 18. Goroutine ids take 32 bits; `u32::MAX` is none.
//!
//! For example, goroutine in slot 5 blocks with reason 3 and stack 700 on P 2,
//! 1,000 ns after the record before:
//!
//! | P | reason | stack | slot | time | code |
//! |---|---|---|---|---|---|
//! | `00000010` | `000011` | `00001010111100` | `00000000000101` | `000000001111101000` | `0100` |
//!
//! which is the word `0x020c_2bc0_0140_3e84`: 2 << 56 | 3 << 50 | 700 << 36 |
//! 5 << 22 | 1000 << 4 | 4.

use crate::timeline::{Creation, Transition};
use crate::trace::{Event, GoId, GoState, ProcId, Slot, StackId, StringId, Time};

/// Codes: the lowest bits of a record's first word.
pub(super) mod code {
    use crate::trace::GoState;

    /// The next event of the list of whole events.
    pub(crate) const WHOLE: u64 = 0;
    /// Runnable to running.
    pub(crate) const STARTS: u64 = 1;
    /// Syscall to running.
    pub(crate) const RETURNS: u64 = 2;
    /// Waiting to runnable.
    pub(crate) const WOKEN: u64 = 3;
    /// Running to waiting.
    pub(crate) const BLOCKS: u64 = 4;
    /// Running to runnable.
    pub(crate) const YIELDS: u64 = 5;
    /// Running to syscall.
    pub(crate) const CALLS: u64 = 6;
    /// Running to its end.
    pub(crate) const ENDS: u64 = 7;
    /// Created, and runnable.
    pub(crate) const CREATED: u64 = 8;
    /// Unpacks `LONG`.
    pub(crate) const LONG: u64 = 9;
    /// Ignored events up to the time in the next word.
    pub(crate) const PASSED: u64 = 10;
    /// An ignored event at the time in the next word, after which a silence may end.
    pub(crate) const UNHEEDED: u64 = 11;

    /// Codes of the transitions between two states.
    pub(crate) const OF: [[u64; 8]; 8] = {
        let mut of = [[WHOLE; 8]; 8];
        of[GoState::Runnable as usize][GoState::Running as usize] = STARTS;
        of[GoState::Syscall as usize][GoState::Running as usize] = RETURNS;
        of[GoState::Waiting as usize][GoState::Runnable as usize] = WOKEN;
        of[GoState::Running as usize][GoState::Waiting as usize] = BLOCKS;
        of[GoState::Running as usize][GoState::Runnable as usize] = YIELDS;
        of[GoState::Running as usize][GoState::Syscall as usize] = CALLS;
        of[GoState::Running as usize][GoState::NotExist as usize] = ENDS;
        of
    };
}

/// Bit field of a word.
#[derive(Clone, Copy)]
struct Field {
    from: u32,
    bits: u32,
}

impl Field {
    const fn behind(self, bits: u32) -> Self {
        Self {
            from: self.from + self.bits,
            bits,
        }
    }

    #[inline(always)]
    fn holds(self, value: u64) -> bool {
        value >> self.bits == 0
    }

    #[inline(always)]
    fn set(self, value: u64) -> u64 {
        value << self.from
    }

    #[inline(always)]
    fn get(self, word: u64) -> u64 {
        word >> self.from & !(u64::MAX << self.bits)
    }

    /// Returns the field's largest value.
    const fn max(self) -> u64 {
        !(u64::MAX << self.bits)
    }
}

const CODE: Field = Field { from: 0, bits: 4 };
/// Time since the previous record, ns.
const AFTER: Field = CODE.behind(18);
const SLOT: Field = AFTER.behind(14);
/// Stack of the goroutine that stops, or of the waker.
const STACK: Field = SLOT.behind(14);
/// Slot of the waker; the largest value is none.
const WAKER: Field = STACK.behind(14);
/// Reason of the stop, and the P on which the goroutine ran.
const REASON: Field = STACK.behind(6);
const PROC: Field = REASON.behind(8);

/// First word of a longer record: code of the transition, slot, higher bits of the time.
const LONG_CODE: Field = AFTER.behind(4);
const LONG_SLOT: Field = LONG_CODE.behind(24);
const MORE_AFTER: Field = LONG_SLOT.behind(14);
/// Second word: stack, then the waker, or reason and P.
const LONG_STACK: Field = Field { from: 0, bits: 32 };
const LONG_WAKER: Field = LONG_STACK.behind(32);
const LONG_REASON: Field = LONG_STACK.behind(16);
const LONG_PROC: Field = LONG_REASON.behind(16);

/// Third word of a creation: the creator, and the goroutine's first stack, which is its function.
const CREATOR: Field = Field { from: 0, bits: 32 };
const OWN: Field = CREATOR.behind(32);

/// Packs an event into one word. `by` is the slot of the goroutine in whose context the event occurred, if known;
/// `after` is the time since the previous record, ns. Returns `None` for events that need [`pack_creation`] or
/// [`pack_long`].
#[inline(always)]
pub(super) fn pack(event: &Event, by: u32, after: Time) -> Option<u64> {
    let t = Transition::of(event)?;
    let code = code_of(&t)?;
    let (after, slot, stack) = (after as u64, t.slot.0.into(), t.stack.0.into());
    if !AFTER.holds(after) || !SLOT.holds(slot) || !STACK.holds(stack) {
        return None;
    }
    let rest = if code != code::WOKEN {
        let (reason, p) = (t.reason.0.into(), t.p.0 as u64);
        if !REASON.holds(reason) || !PROC.holds(p) {
            return None;
        }
        REASON.set(reason) | PROC.set(p)
    } else if t.by.is_some() {
        let waker = by.into();
        if waker >= WAKER.max() {
            return None;
        }
        WAKER.set(waker)
    } else {
        WAKER.set(WAKER.max())
    };
    Some(CODE.set(code) | AFTER.set(after) | SLOT.set(slot) | STACK.set(stack) | rest)
}

/// Returns the code of a transition that can be packed into words.
#[inline(always)]
fn code_of(t: &Transition) -> Option<u64> {
    let code = code::OF[t.from as usize % 8][t.to as usize % 8];
    // Only a goroutine that stops has a stack of its own and a reason.
    let expected = if code >= code::BLOCKS {
        t.own == t.stack
    } else {
        t.own == StackId::NONE && t.reason == StringId::default()
    };
    (code != code::WHOLE && expected).then_some(code)
}

/// Packs a transition into two words; `None` if it does not fit.
pub(super) fn pack_long(event: &Event, after: Time) -> Option<[u64; 2]> {
    let t = Transition::of(event)?;
    let code = code_of(&t)?;
    let (slot, reason, p) = (t.slot.0.into(), t.reason.0.into(), t.p.0 as u64);
    let rest = if code == code::WOKEN {
        LONG_WAKER.set(who(t.by)?)
    } else if LONG_REASON.holds(reason) && LONG_PROC.holds(p) {
        LONG_REASON.set(reason) | LONG_PROC.set(p)
    } else {
        return None;
    };
    let first = CODE.set(code::LONG) | long_after(after as u64)? | LONG_CODE.set(code);
    LONG_SLOT.holds(slot).then_some([
        first | LONG_SLOT.set(slot),
        LONG_STACK.set(t.stack.0.into()) | rest,
    ])
}

/// Packs a creation into three words; `None` if it does not fit.
#[inline(always)]
pub(super) fn pack_creation(event: &Event, after: Time) -> Option<[u64; 3]> {
    let c = Creation::of(event).filter(|c| c.to == GoState::Runnable)?;
    let slot = c.slot.0.into();
    let first = CODE.set(code::CREATED) | long_after(after as u64)?;
    if !LONG_SLOT.holds(slot) {
        return None;
    }
    Some([
        first | LONG_SLOT.set(slot),
        LONG_STACK.set(c.stack.0.into()) | LONG_WAKER.set(who(c.id)?),
        CREATOR.set(who(c.by)?) | OWN.set(c.own.0.into()),
    ])
}

/// Encodes a goroutine id; `None` if it exceeds 32 bits. No goroutine (-1) is `u32::MAX`.
#[inline(always)]
fn who(g: GoId) -> Option<u64> {
    (g.0.wrapping_add(1) as u64 >> u32::BITS == 0).then_some((g.0 as u32).into())
}

/// Decodes a goroutine id.
#[inline(always)]
fn goroutine(who: u64) -> GoId {
    match who as u32 {
        u32::MAX => GoId::NONE,
        g => GoId(g.into()),
    }
}

/// Returns the number of words of a record, given its first.
pub(super) fn words(first: u64) -> usize {
    match code(first) {
        code::CREATED => 3,
        code::LONG | code::PASSED | code::UNHEEDED => 2,
        _ => 1,
    }
}

/// Returns the code of a word.
#[inline(always)]
pub(super) fn code(word: u64) -> u64 {
    CODE.get(word)
}

/// Returns the time since the previous record, ns.
#[inline(always)]
pub(super) fn after(word: u64) -> Time {
    AFTER.get(word) as Time
}

/// Returns the higher bits of the time in a record of several words.
#[inline(always)]
pub(super) fn more_after(word: u64) -> Time {
    (MORE_AFTER.get(word) << AFTER.bits) as Time
}

/// Encodes a time for several words; `None` if it is too long.
#[inline(always)]
fn long_after(after: u64) -> Option<u64> {
    let more = after >> AFTER.bits;
    let fits = MORE_AFTER.holds(more);
    fits.then_some(AFTER.set(after & AFTER.max()) | MORE_AFTER.set(more))
}

/// Returns the slot of the waker.
#[inline(always)]
pub(super) fn waker(word: u64) -> Option<Slot> {
    let slot = WAKER.get(word);
    (slot != WAKER.max()).then_some(Slot(slot as u32))
}

#[inline(always)]
fn transition(word: u64, time: Time, from: GoState, to: GoState) -> Transition {
    Transition {
        time,
        slot: Slot(SLOT.get(word) as u32),
        from,
        to,
        p: ProcId::NONE,
        by: GoId::NONE,
        by_slot: None,
        reason: StringId::default(),
        own: StackId::NONE,
        stack: StackId(STACK.get(word) as u32),
    }
}

/// Unpacks `STARTS` and `RETURNS`.
#[inline(always)]
pub(super) fn starts(word: u64, time: Time, from: GoState) -> Transition {
    Transition {
        p: ProcId(PROC.get(word) as i64),
        ..transition(word, time, from, GoState::Running)
    }
}

/// Unpacks `WOKEN`.
#[inline(always)]
pub(super) fn woken(word: u64, time: Time, (by_slot, by): (Option<Slot>, GoId)) -> Transition {
    Transition {
        by,
        by_slot,
        ..transition(word, time, GoState::Waiting, GoState::Runnable)
    }
}

/// Unpacks `BLOCKS`, `YIELDS`, `CALLS` and `ENDS`.
#[inline(always)]
pub(super) fn stops(word: u64, time: Time, to: GoState) -> Transition {
    let t = transition(word, time, GoState::Running, to);
    Transition {
        p: ProcId(PROC.get(word) as i64),
        reason: StringId(REASON.get(word) as u32),
        own: t.stack,
        ..t
    }
}

/// Unpacks `LONG`.
pub(super) fn long_transition([first, second]: [u64; 2], time: Time) -> Transition {
    let (from, to) = match LONG_CODE.get(first) {
        code::STARTS => (GoState::Runnable, GoState::Running),
        code::RETURNS => (GoState::Syscall, GoState::Running),
        code::WOKEN => (GoState::Waiting, GoState::Runnable),
        code::BLOCKS => (GoState::Running, GoState::Waiting),
        code::YIELDS => (GoState::Running, GoState::Runnable),
        code::CALLS => (GoState::Running, GoState::Syscall),
        _ => (GoState::Running, GoState::NotExist),
    };
    let stack = StackId(LONG_STACK.get(second) as u32);
    let t = Transition {
        time,
        slot: Slot(LONG_SLOT.get(first) as u32),
        from,
        to,
        p: ProcId(LONG_PROC.get(second) as i64),
        by: GoId::NONE,
        by_slot: None,
        reason: StringId(LONG_REASON.get(second) as u32),
        own: StackId::NONE,
        stack,
    };
    match from {
        GoState::Waiting => Transition {
            p: ProcId::NONE,
            by: goroutine(LONG_WAKER.get(second)),
            reason: StringId::default(),
            ..t
        },
        GoState::Running => Transition { own: stack, ..t },
        _ => t,
    }
}

/// Unpacks `CREATED`.
#[inline(always)]
pub(super) fn creation([first, second, third]: [u64; 3], time: Time) -> Creation {
    Creation {
        time,
        id: goroutine(LONG_WAKER.get(second)),
        slot: Slot(LONG_SLOT.get(first) as u32),
        to: GoState::Runnable,
        p: ProcId::NONE,
        by: goroutine(CREATOR.get(third)),
        own: StackId(OWN.get(third) as u32),
        stack: StackId(LONG_STACK.get(second) as u32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{EventKind, StateTransition, ThreadId};

    #[test]
    fn the_example_of_the_documentation_is_right() {
        let stack = StackId(700);
        let blocks = EventKind::StateTransition(StateTransition::Goroutine {
            id: GoId(9),
            slot: Slot(5),
            from: GoState::Running,
            to: GoState::Waiting,
            reason: StringId(3),
            own_stack: stack,
            stack,
        });
        let event = Event::new(2_000, (ThreadId(1), ProcId(2), GoId(9)), blocks);
        let word = pack(&event, 5, 1_000);
        assert_eq!(word, Some(0x020c_2bc0_0140_3e84));
        assert_eq!(word.map(code), Some(code::BLOCKS));
    }
}
