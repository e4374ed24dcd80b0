//! Leaves of chains of waits, and time by leaf.

use std::ops::{AddAssign, Sub};

use super::state::{State, StateVector};
use crate::sums;

/// End of a chain of waits at an instant: a state of the goroutine itself, or of the last one that the chain reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leaf(u8);

impl Leaf {
    /// Another goroutine runs, and this one waits for it.
    pub const RUNNING_ELSEWHERE: Self = Self(State::ALL.len() as u8);

    /// No leaf.
    pub(crate) const NONE: Self = Self(u8::MAX);

    /// Returns this leaf, or `other` if it is none.
    #[inline]
    pub(crate) fn or(self, other: Self) -> Self {
        match self == Self::NONE {
            true => other,
            false => self,
        }
    }

    /// Returns the leaf of a goroutine that waits for no other one.
    #[inline]
    pub const fn of(state: State) -> Self {
        Self(state as u8)
    }

    /// All leaves, in the order of outputs.
    pub fn all() -> impl Iterator<Item = Self> {
        let states = State::ALL.into_iter().map(Self::of);
        states.chain([Self::RUNNING_ELSEWHERE])
    }

    /// Number of the leaf.
    #[inline]
    pub(crate) fn number(self) -> u8 {
        self.0
    }

    /// Returns the leaf with a number.
    #[inline]
    pub(crate) fn numbered(number: u8) -> Self {
        Self(number)
    }

    fn state(self) -> Option<State> {
        State::ALL.get(usize::from(self.0)).copied()
    }

    /// Name in JSON.
    pub fn name(self) -> &'static str {
        self.state().map_or("running_elsewhere", State::name)
    }

    /// Name in texts for people.
    pub fn words(self) -> &'static str {
        self.state().map_or("running elsewhere", State::words)
    }

    /// Whether the chain ends here by itself: the goroutine runs, or waits for no other one. A chain may also end
    /// because the rest of it is unknown.
    pub fn is_end(self) -> bool {
        !matches!(
            self.state(),
            Some(
                State::Lock
                    | State::ChanSend
                    | State::ChanReceive
                    | State::Select
                    | State::WaitGroup
                    | State::Cond
                    | State::Other
            )
        )
    }

    #[inline]
    fn index(self) -> usize {
        usize::from(self.0) % LEAVES
    }

    /// Returns the leaf of a goroutine that waits for one with this leaf.
    #[inline]
    pub(crate) fn elsewhere(self) -> Self {
        match self == Self::of(State::Running) {
            true => Self::RUNNING_ELSEWHERE,
            false => self,
        }
    }
}

/// Number of leaves, rounded up to a power of two so that an index needs no bounds check.
const LEAVES: usize = 16;

/// Time by leaf, ns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Leaves([u64; LEAVES]);

impl Leaves {
    /// No time.
    pub const ZERO: Self = Self([0; LEAVES]);

    /// Time with a leaf.
    pub fn of(&self, leaf: Leaf) -> u64 {
        self.0[leaf.index()]
    }

    /// Time with all leaves.
    pub fn total(&self) -> u64 {
        sums::sum(&self.0)
    }

    /// Returns these leaves if they add up to `time`. Otherwise returns `time` itself, because leaves before the first
    /// followed chain are unknown.
    pub fn or_own(self, time: &StateVector) -> Self {
        if self.total() == time.total() {
            return self;
        }
        let mut own = Self::default();
        for state in State::ALL {
            own.add(Leaf::of(state), time.of(state));
        }
        own
    }

    /// Adds time with a leaf.
    #[inline]
    pub fn add(&mut self, leaf: Leaf, ns: u64) {
        sums::increase(&mut self.0[leaf.index()], ns);
    }
}

impl AddAssign for Leaves {
    fn add_assign(&mut self, other: Self) {
        sums::add(&mut self.0, &other.0);
    }
}

impl Sub for Leaves {
    type Output = Self;

    fn sub(mut self, other: Self) -> Self {
        sums::subtract(&mut self.0, &other.0);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_that_do_not_add_up_are_the_states_themselves() {
        let time = StateVector::from_values(std::array::from_fn(|i| i as u64), 0, [0; 3]);
        let mut leaves = Leaves::default();
        leaves.add(Leaf::RUNNING_ELSEWHERE, time.total());
        assert_eq!(leaves.or_own(&time), leaves);
        leaves.add(Leaf::RUNNING_ELSEWHERE, 1);
        let own = leaves.or_own(&time);
        assert_eq!(own.total(), time.total());
        assert_eq!(own.of(Leaf::RUNNING_ELSEWHERE), 0);
        assert_eq!(own.of(Leaf::of(State::Network)), time.of(State::Network));
    }
}
