//! Leaves of chains of waits, and time by leaf.

use std::ops::{AddAssign, Sub};

use crate::timeline::{State, StateVector};

/// End of a chain of waits at an instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leaf {
    /// A state of the goroutine itself, or of the last one that the chain reaches.
    State(State),
    /// Another goroutine runs, and this one waits for it.
    RunningElsewhere,
}

impl Leaf {
    /// Number of leaves.
    pub const COUNT: usize = State::ALL.len() + 1;

    /// All leaves, in the order of outputs.
    pub fn all() -> impl Iterator<Item = Self> {
        let states = State::ALL.into_iter().map(Self::State);
        states.chain([Self::RunningElsewhere])
    }

    /// Name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::State(state) => state.name(),
            Self::RunningElsewhere => "running_elsewhere",
        }
    }

    /// Name in texts for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::State(state) => state.words(),
            Self::RunningElsewhere => "running elsewhere",
        }
    }

    fn index(self) -> usize {
        match self {
            Self::State(state) => state.index(),
            Self::RunningElsewhere => State::ALL.len(),
        }
    }

    /// Returns the leaf of a goroutine that waits for one with this leaf.
    pub(super) fn elsewhere(self) -> Self {
        match self {
            Self::State(State::Running) => Self::RunningElsewhere,
            leaf => leaf,
        }
    }
}

/// Time by leaf, ns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Leaves([u64; Leaf::COUNT]);

impl Leaves {
    /// Time with a leaf.
    pub fn of(&self, leaf: Leaf) -> u64 {
        self.0[leaf.index()]
    }

    /// Time with all leaves.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Returns these leaves if they add up to `time`. Otherwise returns `time` itself, because leaves before
    /// [`Chains::start`](super::Chains::start) are unknown.
    pub fn or_own(self, time: &StateVector) -> Self {
        if self.total() == time.total() {
            return self;
        }
        let mut own = Self::default();
        for state in State::ALL {
            own.add(Leaf::State(state), time.of(state));
        }
        own
    }

    /// Adds time with a leaf.
    pub fn add(&mut self, leaf: Leaf, ns: u64) {
        let sum = &mut self.0[leaf.index()];
        *sum = sum.saturating_add(ns);
    }
}

impl AddAssign for Leaves {
    fn add_assign(&mut self, other: Self) {
        let all = self.0.iter_mut().zip(other.0);
        all.for_each(|(a, b)| *a = a.saturating_add(b));
    }
}

impl Sub for Leaves {
    type Output = Self;

    fn sub(mut self, other: Self) -> Self {
        let all = self.0.iter_mut().zip(other.0);
        all.for_each(|(a, b)| *a = a.saturating_sub(b));
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
        leaves.add(Leaf::RunningElsewhere, time.total());
        assert_eq!(leaves.or_own(&time), leaves);
        leaves.add(Leaf::RunningElsewhere, 1);
        let own = leaves.or_own(&time);
        assert_eq!(own.total(), time.total());
        assert_eq!(own.of(Leaf::RunningElsewhere), 0);
        assert_eq!(own.of(Leaf::State(State::Network)), time.of(State::Network));
    }
}
