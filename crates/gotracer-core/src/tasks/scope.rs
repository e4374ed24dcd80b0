//! Time of a goroutine in a scope: a task, a region or a request.

use super::chains::Chains;
use super::lane::{Lane, LaneMark};
use crate::timeline::{InState, Leaf, Leaves, Mark, State, StateVector, Timeline};
use crate::trace::{GoId, Slot};

/// Begin of a scope in its goroutine.
///
/// Both marks are plain copies: most scopes end in the state in which they began, and need no more of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope {
    /// `None` if the goroutine did not exist.
    mark: Option<Mark>,
    /// `None` if the goroutine's chain was not followed.
    lane: Option<LaneMark>,
}

impl Scope {
    /// Scope that begins with its goroutine.
    pub(super) const WHOLE: Self = Self {
        mark: None,
        lane: None,
    };

    /// Begins a scope of the goroutine in a slot.
    #[inline]
    pub(super) fn begin(slot: Slot, g: GoId, chains: &Chains, t: &Timeline) -> Self {
        Self {
            mark: t.mark(slot),
            lane: chains.lane_at(slot, g).map(Lane::mark),
        }
    }

    /// Returns the goroutine's time in the scope up to now. Without `chains`, the leaves are the states themselves.
    pub(super) fn spent(&self, g: GoId, chains: Option<&Chains>, t: &Timeline) -> Spent {
        let Some(slot) = t.slot(g) else {
            return Spent::default();
        };
        let lane = chains.and_then(|chains| chains.lane_at(slot, g));
        if let Some(mark) = &self.mark
            && let Some(time) = t.in_state_since(slot, mark)
        {
            match lane {
                Some(lane) if self.lane.is_some() => {
                    return Spent::InState(time, Leaf::of(lane.state));
                }
                None => return Spent::InState(time, Leaf::of(time.state())),
                // Chains are followed since the first task or request.
                Some(_) => {}
            }
        }
        let mut time = t.snapshot_at(slot);
        if let Some(mark) = &self.mark {
            time = time - mark.vector();
        }
        let mut leaves = lane.map_or(Leaves::ZERO, |lane| lane.mark().up_to(t.now()));
        if let (Some(lane), Some(mark)) = (&self.lane, &self.mark) {
            leaves = leaves - lane.up_to(mark.at());
        }
        Spent::InStates(time, leaves.or_own(&time))
    }
}

/// Time of a goroutine in a scope, by state and by leaf of its chains.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "an allocation for each request takes longer than to copy it"
)]
pub(super) enum Spent {
    /// In one state.
    InState(InState, Leaf),
    /// In several states.
    InStates(StateVector, Leaves),
}

impl Default for Spent {
    fn default() -> Self {
        Self::InStates(StateVector::default(), Leaves::ZERO)
    }
}

impl Spent {
    /// Adds the time by state and by leaf.
    pub(super) fn add_to(&self, vector: &mut StateVector, leaves: &mut Leaves) {
        match self {
            Self::InState(time, leaf) => {
                time.add_to(vector);
                leaves.add(*leaf, time.ns());
            }
            Self::InStates(time, by_leaf) => {
                *vector += *time;
                *leaves += *by_leaf;
            }
        }
    }

    /// Returns the time without a wait in `state`, ns.
    pub(super) fn without(&self, state: State, ns: u64) -> Self {
        let (mut states, mut leaf) = ([0; State::ALL.len()], Leaves::ZERO);
        states[state.index()] = ns;
        leaf.add(Leaf::of(state), ns);
        let (time, leaves) = self.both();
        let wait = StateVector::from_values(states, 0, [0; 3]);
        Self::InStates(time - wait, leaves - leaf)
    }

    /// Time by state.
    pub(super) fn time(&self) -> StateVector {
        self.both().0
    }

    /// Time by leaf.
    pub(super) fn leaves(&self) -> Leaves {
        self.both().1
    }

    fn both(&self) -> (StateVector, Leaves) {
        let mut both = (StateVector::default(), Leaves::ZERO);
        self.add_to(&mut both.0, &mut both.1);
        both
    }

    /// Time in which the goroutine ran, ns.
    pub(super) fn running(&self) -> u64 {
        match self {
            Self::InState(time, _) if time.state() == State::Running => time.ns(),
            Self::InState(..) => 0,
            Self::InStates(time, _) => time.of(State::Running),
        }
    }
}
