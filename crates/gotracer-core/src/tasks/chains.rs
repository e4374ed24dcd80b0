//! Chains of waits: a goroutine that waits for another one waits for the other's
//! current activity.
//!
//! At each instant of a wait, its leaf is the state of the goroutine that ends the
//! wait, or, if that goroutine waits itself, the leaf of its wait. If no goroutine
//! ends a wait (a timer, the network poller), or the waker's past is dropped,
//! the leaf is the wait's own state. The leaf of a running goroutine is
//! [`Leaf::RunningElsewhere`](super::Leaf::RunningElsewhere). So leaves add up to the time of the goroutine.
//!
//! When a wait ends, the waker's own waits have ended and their leaves are known,
//! so each wait is resolved once.

use super::lane::{Lane, Stretch};
use super::leaves::Leaves;
use crate::timeline::{State, Timeline, Transition};
use crate::trace::{GoId, GoState, Slot, Time};

/// Maximum number of generations from a goroutine back through its creators.
const ANCESTORS: usize = 4;

/// Chains of the waits of all goroutines, from the first task or request on.
#[derive(Clone, Debug, Default)]
pub struct Chains {
    active: bool,
    by_slot: Vec<Option<Lane>>,
    /// Number of stretches of all goroutines.
    stretches: usize,
    /// Leaves of the wait that is being resolved; kept for its allocation.
    parts: Vec<Stretch>,
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
        // The capacity of a vector is at most twice its length.
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
        self.stretches -= before.map_or(0, |lane| lane.len());
    }

    /// Observes the creation of a goroutine.
    pub fn created(&mut self, slot: Slot, id: GoId, creator: GoId, t: &Timeline) {
        if let Some(state) = t.state(id) {
            self.open(slot, Lane::new(id, creator, state, t.now()));
        }
    }

    /// Observes a state transition, after the timeline did.
    #[inline]
    pub fn transition(&mut self, transition: &Transition, t: &Timeline) {
        let slot = transition.slot;
        let Some(Some(lane)) = self.by_slot.get_mut(slot.index()) else {
            return self.appeared(slot, t);
        };
        let waker = transition.by;
        if transition.from == GoState::Waiting && waker.is_some() && waker != lane.id {
            return self.resolved(transition, t);
        }
        let grew = lane.push(Stretch::own(transition.time, lane.state));
        self.stretches += usize::from(grew);
        if transition.to == GoState::NotExist {
            return self.ended(slot);
        }
        lane.state = t.state_at(slot).unwrap_or(lane.state);
    }

    fn ended(&mut self, slot: Slot) {
        let lane = self.by_slot.get_mut(slot.index()).and_then(Option::take);
        self.stretches -= lane.map_or(0, |lane| lane.len());
    }

    /// Opens a goroutine older than the trace whose first event is late.
    #[inline(never)]
    fn appeared(&mut self, slot: Slot, t: &Timeline) {
        let id = t.goroutine_at(slot);
        if let Some(state) = t.state(id) {
            self.open(slot, Lane::new(id, GoId::NONE, state, t.now()));
        }
    }

    /// Adds the leaves of a wait that another goroutine ended.
    fn resolved(&mut self, transition: &Transition, t: &Timeline) {
        let slot = transition.slot.index();
        let Some(Some(lane)) = self.by_slot.get(slot) else {
            return;
        };
        let wait = (lane.since, transition.time);
        let mut parts = std::mem::take(&mut self.parts);
        self.resolve(wait, transition.by, lane.state, t, &mut parts);
        if let Some(Some(lane)) = self.by_slot.get_mut(slot) {
            for part in parts.drain(..).rev() {
                self.stretches += usize::from(lane.push(part));
            }
            lane.state = t.state_at(transition.slot).unwrap_or(lane.state);
        }
        self.parts = parts;
    }

    /// Resolves a wait in `state` that `waker` ended into its leaves, newest first: backwards in time along the waker,
    /// then along its creator before its birth.
    fn resolve(
        &self,
        (start, end): (Time, Time),
        waker: GoId,
        state: State,
        t: &Timeline,
        parts: &mut Vec<Stretch>,
    ) {
        let (mut from, mut by) = (end, waker);
        for _ in 0..ANCESTORS {
            let lane = t.slot(by).and_then(|slot| self.by_slot.get(slot.index()));
            let Some(Some(lane)) = lane else { break };
            from = lane.retrace((start, from), state, parts);
            if from <= start || from > lane.birth || !lane.creator.is_some() {
                break;
            }
            by = lane.creator;
        }
        if from > start {
            parts.push(Stretch::own(from, state));
        }
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
