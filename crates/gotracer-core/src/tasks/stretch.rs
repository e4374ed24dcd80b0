//! Part of a goroutine's life with one leaf, and how a chain of waits passes it on.

use super::owner::Owner;
use crate::timeline::{Leaf, State};
use crate::trace::Time;

/// Maximum length of a chain.
const DEPTH: u8 = 8;

/// Part of a goroutine's life with one leaf. It starts where the stretch before it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub end: Time,
    /// The first request in the chain, from this goroutine on.
    pub owner: Owner,
    pub leaf: Leaf,
    /// Leaf of a chain that must not enter the owner's request; [`Leaf::NONE`] if the goroutine itself works for it.
    outside: Leaf,
    /// Number of goroutines between this one and the leaf.
    pub depth: u8,
}

impl Stretch {
    /// Returns a stretch whose leaf is the own state of a goroutine that works for `owner`.
    #[inline]
    pub(super) fn own(end: Time, state: State, owner: Owner) -> Self {
        Self {
            end,
            owner,
            leaf: Leaf::of(state),
            outside: Leaf::NONE,
            depth: 0,
        }
    }

    /// Returns the stretch of a goroutine that waits for the one with this stretch. The chain
    /// ends where it would enter a second request.
    #[inline]
    pub(super) fn of_waiter(&self, end: Time, waiter: Waiter) -> Self {
        let wait = Stretch::own(end, waiter.state, waiter.owner);
        if self.depth >= DEPTH {
            return Self {
                depth: DEPTH,
                ..wait
            };
        }
        let depth = self.depth + 1;
        let leaf = self.leaf.elsewhere();
        if self.owner == Owner::NONE || self.owner == waiter.owner {
            return Self {
                leaf,
                depth,
                ..wait
            };
        }
        let outside = self.outside.or(wait.leaf);
        match waiter.owner {
            Owner::NONE => Self {
                leaf,
                depth,
                outside,
                owner: self.owner,
                ..wait
            },
            _ => Self {
                leaf: outside,
                depth,
                ..wait
            },
        }
    }

    /// Returns whether the stretch has the same leaf and request as the one before it.
    #[inline]
    pub(super) fn continues(&self, last: &Self) -> bool {
        self.owner == last.owner && self.leaf == last.leaf && self.outside == last.outside
    }
}

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
        locked.of_waiter(10, waiter(first)).leaf
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
