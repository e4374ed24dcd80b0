//! One event in few bytes.
//!
//! Nearly every event fits one word: the goroutines that exist, the stacks and
//! reasons of a generation are not many, and the next event is not far. Those
//! that do not fit take two words, those that are creations three.

use crate::timeline::{Creation, Transition};
use crate::trace::{Event, GoId, GoState, ProcId, Slot, StackId, StringId, Time};

/// What a word is, in its lowest bits.
pub mod code {
    use crate::trace::GoState;

    /// The next of the events that go as they are.
    pub const WHOLE: u64 = 0;
    /// It runs.
    pub const STARTS: u64 = 1;
    /// It is back from a syscall, and runs.
    pub const RETURNS: u64 = 2;
    /// It was woken.
    pub const WOKEN: u64 = 3;
    /// It waits, could run, is in a syscall, or ends.
    pub const BLOCKS: u64 = 4;
    pub const YIELDS: u64 = 5;
    pub const CALLS: u64 = 6;
    pub const ENDS: u64 = 7;
    /// It is created.
    pub const CREATED: u64 = 8;
    /// One of the transitions, in two words.
    pub const LONG: u64 = 9;

    /// The code of a transition between two states.
    pub const OF: [[u64; 8]; 8] = {
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

/// Some bits of a word.
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

    /// The largest value.
    const fn max(self) -> u64 {
        !(u64::MAX << self.bits)
    }
}

const CODE: Field = Field { from: 0, bits: 4 };
/// Time since the record before, ns.
const AFTER: Field = CODE.behind(18);
const SLOT: Field = AFTER.behind(14);
/// The stack with which a goroutine stops, or of who woke it.
const STACK: Field = SLOT.behind(14);
/// Who woke it, by its slot; the largest is nobody.
const WAKER: Field = STACK.behind(14);
/// Why it stops, and the processor that it ran on.
const REASON: Field = STACK.behind(6);
const PROC: Field = REASON.behind(8);

/// Of more words, the first: which transition, the slot, and the higher bits of
/// the time.
const LONG_CODE: Field = AFTER.behind(4);
const LONG_SLOT: Field = LONG_CODE.behind(24);
const MORE_AFTER: Field = LONG_SLOT.behind(14);
/// The second: the stack, and who woke it, or why it stops and where it ran.
const LONG_STACK: Field = Field { from: 0, bits: 32 };
const LONG_WAKER: Field = LONG_STACK.behind(32);
const LONG_REASON: Field = LONG_STACK.behind(16);
const LONG_PROC: Field = LONG_REASON.behind(16);

/// The third of a creation: who created it, and the function it is started
/// with, as a stack.
const CREATOR: Field = Field { from: 0, bits: 32 };
const OWN: Field = CREATOR.behind(32);

/// The one word of an event, if it fits. `by` is the slot of the goroutine in
/// whose context it happened, if it is known; `after` is the time since the
/// last record, ns.
#[inline(always)]
pub fn pack(event: &Event, by: u32, after: Time) -> Option<u64> {
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

/// The code of a transition, if it can be told in words.
#[inline(always)]
fn code_of(t: &Transition) -> Option<u64> {
    let code = code::OF[t.from as usize % 8][t.to as usize % 8];
    // Only who stops has a stack of its own, and a reason.
    let expected = if code >= code::BLOCKS {
        t.own == t.stack
    } else {
        t.own == StackId::NONE && t.reason == StringId::default()
    };
    (code != code::WHOLE && expected).then_some(code)
}

/// The two words of a transition, if it fits them; otherwise as [`pack`].
pub fn pack_long(event: &Event, after: Time) -> Option<[u64; 2]> {
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

/// The three words of a creation, if it fits them; otherwise as [`pack`].
#[inline(always)]
pub fn pack_creation(event: &Event, after: Time) -> Option<[u64; 3]> {
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

/// None if it does not fit. Nobody is one less than the first goroutine.
#[inline(always)]
fn who(g: GoId) -> Option<u64> {
    (g.0.wrapping_add(1) as u64 >> u32::BITS == 0).then_some((g.0 as u32).into())
}

/// The inverse of [`who`].
#[inline(always)]
fn goroutine(who: u64) -> GoId {
    match who as u32 {
        u32::MAX => GoId::NONE,
        g => GoId(g.into()),
    }
}

/// How many words a record has, by its first one.
pub fn words(first: u64) -> usize {
    match code(first) {
        code::CREATED => 3,
        code::LONG => 2,
        _ => 1,
    }
}

/// The code of a word.
#[inline(always)]
pub fn code(word: u64) -> u64 {
    CODE.get(word)
}

/// The time since the record before, ns.
#[inline(always)]
pub fn after(word: u64) -> Time {
    AFTER.get(word) as Time
}

/// What is to be added to that where there are more words.
#[inline(always)]
pub fn more_after(word: u64) -> Time {
    (MORE_AFTER.get(word) << AFTER.bits) as Time
}

/// The inverse of both. None if it does not fit.
#[inline(always)]
fn long_after(after: u64) -> Option<u64> {
    let more = after >> AFTER.bits;
    let fits = MORE_AFTER.holds(more);
    fits.then_some(AFTER.set(after & AFTER.max()) | MORE_AFTER.set(more))
}

/// Who woke the goroutine, by its slot.
#[inline(always)]
pub fn waker(word: u64) -> Option<Slot> {
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
        reason: StringId::default(),
        own: StackId::NONE,
        stack: StackId(STACK.get(word) as u32),
    }
}

/// A goroutine starts to run, in one word.
#[inline(always)]
pub fn starts(word: u64, time: Time, from: GoState) -> Transition {
    Transition {
        p: ProcId(PROC.get(word) as i64),
        ..transition(word, time, from, GoState::Running)
    }
}

/// A goroutine was woken, in one word.
#[inline(always)]
pub fn woken(word: u64, time: Time, by: GoId) -> Transition {
    Transition {
        by,
        ..transition(word, time, GoState::Waiting, GoState::Runnable)
    }
}

/// A goroutine stops, in one word.
#[inline(always)]
pub fn stops(word: u64, time: Time, to: GoState) -> Transition {
    let t = transition(word, time, GoState::Running, to);
    Transition {
        p: ProcId(PROC.get(word) as i64),
        reason: StringId(REASON.get(word) as u32),
        own: t.stack,
        ..t
    }
}

/// A transition in two words.
pub fn long_transition([first, second]: [u64; 2], time: Time) -> Transition {
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

/// A goroutine is created.
#[inline(always)]
pub fn creation([first, second, third]: [u64; 3], time: Time) -> Creation {
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
