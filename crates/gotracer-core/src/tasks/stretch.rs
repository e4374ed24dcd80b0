//! Part of a goroutine's life with one leaf, and how a chain of waits passes it on.

use super::owner::Owner;
use crate::timeline::{Leaf, State};
use crate::trace::Time;

/// Maximum length of a chain.
const DEPTH: u8 = 8;

/// Part of a goroutine's life with one leaf. It starts where the stretch before it ends.
///
/// It has two words, because the processor stalls if it copies a value that was just written in smaller pieces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub end: Time,
    /// Leaf in the lowest byte, then the leaf of a chain that must not enter the owner's request ([`Leaf::NONE`] if the
    /// goroutine itself works for it), then the depth. The upper half is the owner.
    parts: u64,
}

/// Position of each part.
mod part {
    pub(super) const OUTSIDE: u32 = 8;
    pub(super) const DEPTH: u32 = 16;
    pub(super) const OWNER: u32 = 32;
}

impl Stretch {
    #[inline]
    fn new(end: Time, owner: Owner, (leaf, outside): (Leaf, Leaf), depth: u8) -> Self {
        let parts = u64::from(leaf.number())
            | u64::from(outside.number()) << part::OUTSIDE
            | u64::from(depth) << part::DEPTH
            | u64::from(owner.number()) << part::OWNER;
        Self { end, parts }
    }

    /// Returns a stretch whose leaf is the own state of a goroutine that works for `owner`.
    #[inline]
    pub(super) fn own(end: Time, state: State, owner: Owner) -> Self {
        Self::new(end, owner, (Leaf::of(state), Leaf::NONE), 0)
    }

    /// The leaf.
    #[inline]
    pub(super) fn leaf(&self) -> Leaf {
        Leaf::numbered(self.parts as u8)
    }

    /// Leaf of a chain that must not enter the owner's request.
    #[inline]
    fn outside(&self) -> Leaf {
        Leaf::numbered((self.parts >> part::OUTSIDE) as u8)
    }

    /// Number of goroutines between this one and the leaf.
    #[inline]
    fn depth(&self) -> u8 {
        (self.parts >> part::DEPTH) as u8
    }

    /// The first request in the chain, from this goroutine on.
    #[inline]
    pub(super) fn owner(&self) -> Owner {
        Owner::numbered((self.parts >> part::OWNER) as u32)
    }

    /// Returns the stretch of a goroutine that waits for the one with this stretch. The chain
    /// ends where it would enter a second request.
    #[inline]
    pub(super) fn of_waiter(&self, end: Time, waiter: Waiter) -> Self {
        let wait = Leaf::of(waiter.state);
        if self.depth() >= DEPTH {
            return Self::new(end, waiter.owner, (wait, Leaf::NONE), DEPTH);
        }
        let depth = self.depth() + 1;
        let leaf = self.leaf().elsewhere();
        if self.owner() == Owner::NONE || self.owner() == waiter.owner {
            return Self::new(end, waiter.owner, (leaf, Leaf::NONE), depth);
        }
        let outside = self.outside().or(wait);
        match waiter.owner {
            Owner::NONE => Self::new(end, self.owner(), (leaf, outside), depth),
            _ => Self::new(end, waiter.owner, (outside, Leaf::NONE), depth),
        }
    }

    /// Returns whether the stretch has the same leaf and request as the one before it.
    #[inline]
    pub(super) fn continues(&self, last: &Self) -> bool {
        (self.parts ^ last.parts) & !DEPTHS == 0
    }

    /// Extends the stretch by the one after it, which [`continues`](Self::continues) it.
    #[inline]
    pub(super) fn extend(&mut self, next: &Self) {
        self.end = next.end;
        let depth = (self.parts & DEPTHS).max(next.parts & DEPTHS);
        self.parts = self.parts & !DEPTHS | depth;
    }
}

/// Bits of the depth.
const DEPTHS: u64 = 0xff << part::DEPTH;

/// A goroutine that waits for another one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiter {
    /// State of the wait.
    pub state: State,
    pub owner: Owner,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::TaskId;

    fn waiter(owner: Owner) -> Waiter {
        Waiter {
            state: State::Select,
            owner,
        }
    }

    /// Leaf of a goroutine of `first` that waits in a select for one of `second`, which waits
    /// for a lock, which one of `third` holds during a sleep.
    fn through(first: Owner, second: Owner, third: Owner) -> Leaf {
        let sleeps = Stretch::own(10, State::Sleep, third);
        let locked = sleeps.of_waiter(
            10,
            Waiter {
                state: State::Lock,
                owner: second,
            },
        );
        locked.of_waiter(10, waiter(first)).leaf()
    }

    #[test]
    fn a_chain_ends_at_another_request() {
        let (none, a, b) = (Owner::NONE, Owner::task(TaskId(1)), Owner::task(TaskId(2)));
        let [select, lock, sleep] = [State::Select, State::Lock, State::Sleep].map(Leaf::of);
        for (first, second, third, leaf) in [
            (none, none, none, sleep),
            (a, none, none, sleep),
            (a, a, a, sleep),
            (a, none, a, sleep),
            (none, none, b, sleep),
            (none, b, none, sleep),
            (none, b, b, sleep),
            // The last reason before the other request.
            (a, none, b, lock),
            (a, a, b, lock),
            (none, a, b, lock),
            (a, b, none, select),
            (a, b, a, select),
            (a, b, b, select),
        ] {
            let found = through(first, second, third);
            assert_eq!(found, leaf, "{first:?}, {second:?}, {third:?}");
        }
    }
}
