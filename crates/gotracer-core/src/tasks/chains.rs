//! Chains of waits: a goroutine that waits for another one waits for the other's
//! current activity.
//!
//! At each instant of a wait, its leaf is the state of the goroutine that ends the
//! wait, or, if that goroutine waits itself, the leaf of its wait. If no goroutine
//! ends a wait (a timer, the network poller), or the waker's past is dropped,
//! the leaf is the wait's own state. The leaf of a running goroutine is
//! [`Leaf::RunningElsewhere`]. So leaves add up to the time of the goroutine.
//!
//! When a wait ends, the waker's own waits have ended and their leaves are known,
//! so each wait is resolved once.

use std::collections::VecDeque;
use std::ops::{AddAssign, Sub};

use crate::timeline::{State, StateVector, Timeline, Transition};
use crate::trace::{GoId, GoState, Slot, Time};

/// Maximum length of a chain.
const DEPTH: u8 = 8;
/// Maximum number of stretches kept for each goroutine.
const STRETCHES: usize = 32;
/// Maximum number of generations from a goroutine back through its creators.
const ANCESTORS: usize = 4;

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
    fn elsewhere(self) -> Self {
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
    /// [`Chains::start`] are unknown.
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

/// Part of a goroutine's life with one leaf.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    start: Time,
    end: Time,
    leaf: Leaf,
    depth: u8,
}

/// Goroutine that exists.
#[derive(Clone, Debug)]
struct Lane {
    id: GoId,
    creator: GoId,
    birth: Time,
    state: State,
    since: Time,
    stretches: VecDeque<Stretch>,
    leaves: Leaves,
}

impl Lane {
    fn new(id: GoId, creator: GoId, state: State, since: Time) -> Self {
        Self {
            id,
            creator,
            birth: since,
            state,
            since,
            stretches: VecDeque::new(),
            leaves: Leaves::default(),
        }
    }

    /// Adds a stretch; returns whether the number of stretches grew.
    fn push(&mut self, stretch: Stretch) -> bool {
        let ns = stretch.end.saturating_sub(stretch.start).max(0) as u64;
        if ns == 0 {
            return false;
        }
        self.leaves.add(stretch.leaf, ns);
        match self.stretches.back_mut() {
            Some(last) if last.leaf == stretch.leaf && last.end == stretch.start => {
                last.end = stretch.end;
                last.depth = last.depth.max(stretch.depth);
                false
            }
            _ => {
                let full = self.stretches.len() == STRETCHES;
                if full {
                    self.stretches.pop_front();
                }
                self.stretches.push_back(stretch);
                !full
            }
        }
    }

    /// Leaves up to now.
    fn now(&self, now: Time) -> Leaves {
        let mut leaves = self.leaves;
        let ns = now.saturating_sub(self.since).max(0) as u64;
        leaves.add(Leaf::State(self.state), ns);
        leaves
    }
}

/// Chains of the waits of all goroutines, from the first task or request on.
#[derive(Clone, Debug, Default)]
pub struct Chains {
    active: bool,
    by_slot: Vec<Option<Lane>>,
    /// Number of stretches of all goroutines.
    stretches: usize,
    /// Leaves of the wait that is being resolved.
    found: Vec<Stretch>,
}

impl Chains {
    /// Returns whether chains are followed.
    #[inline(always)]
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// Bytes of memory of all chains.
    pub fn held(&self) -> u64 {
        let lanes = self.by_slot.len() * size_of::<Option<Lane>>();
        // The capacity of a queue is at most twice its length.
        (lanes + 2 * self.stretches * size_of::<Stretch>()) as u64
    }

    /// Starts to follow the chains of all goroutines.
    pub fn start(&mut self, t: &Timeline) {
        if self.active {
            return;
        }
        self.active = true;
        for (slot, g) in t.goroutines_with_slots() {
            if let Some(state) = t.state(g.id) {
                self.open(slot, Lane::new(g.id, GoId::NONE, state, t.now()));
            }
        }
    }

    fn open(&mut self, slot: Slot, lane: Lane) {
        if slot.index() >= self.by_slot.len() {
            self.by_slot.resize(slot.index() + 1, None);
        }
        let before = self.by_slot[slot.index()].replace(lane);
        self.stretches -= before.map_or(0, |lane| lane.stretches.len());
    }

    /// Observes the creation of a goroutine.
    pub fn created(&mut self, slot: Slot, id: GoId, creator: GoId, t: &Timeline) {
        if let Some(state) = t.state(id) {
            self.open(slot, Lane::new(id, creator, state, t.now()));
        }
    }

    /// Observes a state transition, after the timeline did.
    pub fn transition(&mut self, transition: &Transition, t: &Timeline) {
        let slot = transition.slot.index();
        let Some(Some(lane)) = self.by_slot.get(slot) else {
            // A goroutine older than the trace may appear late.
            let id = t.goroutine_at(transition.slot);
            if let Some(state) = t.state(id) {
                self.open(transition.slot, Lane::new(id, GoId::NONE, state, t.now()));
            }
            return;
        };
        let (state, start, end) = (lane.state, lane.since, transition.time);
        let mut found = std::mem::take(&mut self.found);
        let waker = transition.by;
        let follows = transition.from == GoState::Waiting && waker.is_some() && waker != lane.id;
        match follows {
            true => self.resolve((start, end), waker, state, t, &mut found),
            false => found.push(own(start, end, state)),
        }
        if let Some(Some(lane)) = self.by_slot.get_mut(slot) {
            for stretch in found.drain(..) {
                self.stretches += usize::from(lane.push(stretch));
            }
            lane.since = end;
            match t.state(lane.id) {
                Some(state) => lane.state = state,
                None => {
                    self.stretches -= lane.stretches.len();
                    self.by_slot[slot] = None;
                }
            }
        }
        found.clear();
        self.found = found;
    }

    /// Resolves a wait that `waker` ended into its leaves.
    fn resolve(
        &self,
        (start, end): (Time, Time),
        waker: GoId,
        state: State,
        t: &Timeline,
        found: &mut Vec<Stretch>,
    ) {
        let (mut from, mut by) = (end, waker);
        // Backwards in time: the waker, then its creator before its birth.
        let mut parts = Vec::new();
        for _ in 0..ANCESTORS {
            let lane = t.slot(by).and_then(|slot| self.by_slot.get(slot.index()));
            let Some(Some(lane)) = lane else { break };
            let open = own(lane.since, from, lane.state);
            for stretch in [&open].into_iter().chain(lane.stretches.iter().rev()) {
                let until = stretch.end.min(from);
                let begin = stretch.start.max(start);
                // Dropped stretches leave a gap.
                if until <= begin || until < from {
                    continue;
                }
                let depth = stretch.depth + 1;
                let leaf = match depth > DEPTH {
                    true => Leaf::State(state),
                    false => stretch.leaf.elsewhere(),
                };
                parts.push(Stretch {
                    start: begin,
                    end: until,
                    leaf,
                    depth: depth.min(DEPTH),
                });
                from = begin;
            }
            if from <= start || from > lane.birth || !lane.creator.is_some() {
                break;
            }
            by = lane.creator;
        }
        if from > start {
            parts.push(own(start, from, state));
        }
        found.extend(parts.into_iter().rev());
    }

    /// Leaves of a goroutine since [`start`](Self::start).
    pub fn snapshot(&self, g: GoId, t: &Timeline) -> Leaves {
        let lane = t.slot(g).and_then(|slot| self.by_slot.get(slot.index()));
        match lane {
            Some(Some(lane)) => lane.now(t.now()),
            _ => Leaves::default(),
        }
    }
}

/// A stretch whose leaf is the goroutine's own state.
fn own(start: Time, end: Time, state: State) -> Stretch {
    Stretch {
        start,
        end,
        leaf: Leaf::State(state),
        depth: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane() -> Lane {
        Lane::new(GoId(1), GoId::NONE, State::Running, 0)
    }

    #[test]
    fn neighbors_with_one_leaf_are_one_stretch_and_their_number_is_bounded() {
        let mut lane = lane();
        assert!(lane.push(own(0, 10, State::Running)));
        assert!(!lane.push(own(10, 15, State::Running)));
        assert!(!lane.push(own(15, 15, State::Select)));
        let mut end = 15;
        for n in 0..2 * STRETCHES as i64 {
            let state = if n % 2 == 0 {
                State::Select
            } else {
                State::Running
            };
            lane.push(own(end, end + 1, state));
            end += 1;
        }
        assert_eq!(lane.stretches.len(), STRETCHES);
        let half = STRETCHES as u64;
        assert_eq!(lane.leaves.of(Leaf::State(State::Running)), 15 + half);
        assert_eq!(lane.leaves.total(), 15 + 2 * half);
        lane.since = end;
        assert_eq!(lane.now(end + 5).of(Leaf::State(State::Running)), 20 + half);
    }

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
