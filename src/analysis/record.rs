//! One event in few bytes.

use crate::timeline::{Creation, Transition};
use crate::trace::{Event, GoId, GoState, ProcId, Slot, StackId, StringId, Time};

/// An event in few bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Record {
    /// Time since the event before, ns.
    pub after: u32,
    /// What it is, of [`code`], above the 24 bits of the goroutine's slot.
    what: u32,
    /// A stack of its generation.
    stack: u32,
    /// A processor below the reason why the goroutine stops, or the goroutine
    /// that woke it, or the id of one that is created.
    rest: u32,
}

/// What else there is to a goroutine that is created.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// Who created it.
    by: u32,
    /// The function it is started with, as a stack of the generation.
    own: u32,
}

/// What a record is; 0 is the next of the events that go as they are.
pub mod code {
    pub const WHOLE: u8 = 0;
    /// It runs.
    pub const STARTS: u8 = 1;
    /// It is back from a syscall, and runs.
    pub const RETURNS: u8 = 2;
    /// It was woken.
    pub const WOKEN: u8 = 3;
    /// It waits, could run, is in a syscall, or ends.
    pub const BLOCKS: u8 = 4;
    pub const YIELDS: u8 = 5;
    pub const CALLS: u8 = 6;
    pub const ENDS: u8 = 7;
    /// It is created; the next [`Origin`](super::Origin) goes with it.
    pub const CREATED: u8 = 8;

    use crate::trace::GoState;

    /// The code of a transition between two states.
    pub const OF: [[u8; 8]; 8] = {
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

const SLOT_BITS: u32 = 24;
const PROC_BITS: u32 = 16;

/// None if it goes as it is.
#[inline(always)]
pub fn pack(event: &Event, after: Time) -> Option<Record> {
    let t = Transition::of(event)?;
    let code = code::OF[t.from as usize % 8][t.to as usize % 8];
    if code == code::WHOLE || t.slot.0 >> SLOT_BITS != 0 || after as u64 >> u32::BITS != 0 {
        return None;
    }
    let rest = if code == code::WOKEN {
        who(t.by)?
    } else {
        let small = t.p.0 as u64 >> PROC_BITS == 0 && t.reason.0 >> PROC_BITS == 0;
        small.then_some(t.p.0 as u32 | t.reason.0 << PROC_BITS)?
    };
    // Only who stops has a stack of its own, and a reason.
    let expected = if code >= code::BLOCKS {
        t.own == t.stack
    } else {
        t.own == StackId::NONE && t.reason == StringId::default()
    };
    expected.then_some(Record {
        after: after as u32,
        what: u32::from(code) << SLOT_BITS | t.slot.0,
        stack: t.stack.0,
        rest,
    })
}

/// As [`pack`].
#[inline(always)]
pub fn pack_creation(event: &Event, after: Time) -> Option<(Record, Origin)> {
    let c = Creation::of(event).filter(|c| c.to == GoState::Runnable)?;
    if c.slot.0 >> SLOT_BITS != 0 || after as u64 >> u32::BITS != 0 {
        return None;
    }
    let record = Record {
        after: after as u32,
        what: u32::from(code::CREATED) << SLOT_BITS | c.slot.0,
        stack: c.stack.0,
        rest: who(c.id)?,
    };
    let (by, own) = (who(c.by)?, c.own.0);
    Some((record, Origin { by, own }))
}

/// None if it does not fit. Nobody is one less than the first goroutine.
#[inline(always)]
fn who(g: GoId) -> Option<u32> {
    (g.0.wrapping_add(1) as u64 >> u32::BITS == 0).then_some(g.0 as u32)
}

/// The inverse of [`who`].
#[inline(always)]
fn goroutine(who: u32) -> GoId {
    match who {
        u32::MAX => GoId::NONE,
        g => GoId(g.into()),
    }
}

impl Record {
    /// What it is.
    #[inline(always)]
    pub fn code(&self) -> u8 {
        (self.what >> SLOT_BITS) as u8
    }

    #[inline(always)]
    pub fn created(&self, time: Time, origin: Origin) -> Creation {
        Creation {
            time,
            id: goroutine(self.rest),
            slot: Slot(self.what & ((1 << SLOT_BITS) - 1)),
            to: GoState::Runnable,
            p: ProcId::NONE,
            by: goroutine(origin.by),
            own: StackId(origin.own),
            stack: StackId(self.stack),
        }
    }

    #[inline(always)]
    fn transition(&self, time: Time, from: GoState, to: GoState) -> Transition {
        Transition {
            time,
            slot: Slot(self.what & ((1 << SLOT_BITS) - 1)),
            from,
            to,
            p: ProcId::NONE,
            by: GoId::NONE,
            reason: StringId::default(),
            own: StackId::NONE,
            stack: StackId(self.stack),
        }
    }

    #[inline(always)]
    fn proc(&self) -> ProcId {
        ProcId((self.rest & ((1 << PROC_BITS) - 1)).into())
    }

    #[inline(always)]
    pub fn starts(&self, time: Time, from: GoState) -> Transition {
        Transition {
            p: self.proc(),
            ..self.transition(time, from, GoState::Running)
        }
    }

    #[inline(always)]
    pub fn woken(&self, time: Time) -> Transition {
        Transition {
            by: goroutine(self.rest),
            ..self.transition(time, GoState::Waiting, GoState::Runnable)
        }
    }

    #[inline(always)]
    pub fn stops(&self, time: Time, to: GoState) -> Transition {
        Transition {
            p: self.proc(),
            reason: StringId(self.rest >> PROC_BITS),
            own: StackId(self.stack),
            ..self.transition(time, GoState::Running, to)
        }
    }
}
