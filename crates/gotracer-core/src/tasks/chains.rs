//! Chains of waits: a goroutine that waits for another one waits for the other's
//! current activity.
//!
//! At each instant of a wait, its leaf is the state of the goroutine that ends the
//! wait, or, if that goroutine waits itself, the leaf of its wait. If no goroutine
//! ends a wait (a timer, the network poller), or the waker's past is dropped,
//! the leaf is the wait's own state. A chain that starts in a request or enters one ends where
//! it would enter another: its leaf is the last wait before that. The leaf of a running goroutine is
//! [`Leaf::RUNNING_ELSEWHERE`](crate::timeline::Leaf::RUNNING_ELSEWHERE). So leaves add up to the time of the goroutine.
//!
//! When a wait ends, the waker's own waits have ended and their leaves are known,
//! so each wait is resolved once.

use super::lane::Lane;
use super::owner::Owner;
use super::stretch::{Stretch, Waiter};
use crate::timeline::{Timeline, Transition};
use crate::trace::{GoId, GoState, Slot, Time};

/// Maximum number of generations from a goroutine back through its creators.
const ANCESTORS: usize = 4;

/// Chains of the waits of all goroutines, from the first task or request on.
#[derive(Clone, Debug, Default)]
pub struct Chains {
    active: bool,
    by_slot: Vec<Lane>,
    /// Number of stretches for which lanes have memory.
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
        let lanes = self.by_slot.len() * size_of::<Lane>();
        (lanes + self.stretches * size_of::<Stretch>()) as u64
    }

    /// Starts to follow the chains of all goroutines.
    pub fn start(&mut self, t: &Timeline) {
        if self.active {
            return;
        }
        self.active = true;
        for (slot, g) in t.goroutines_with_slots() {
            self.open(slot, g.id, GoId::NONE, t);
        }
    }

    /// Observes a goroutine that is created, or first seen.
    pub fn open(&mut self, slot: Slot, id: GoId, creator: GoId, t: &Timeline) {
        let Some(state) = t.state(id) else { return };
        if slot.index() >= self.by_slot.len() {
            self.by_slot.resize(slot.index() + 1, Lane::FREE);
        }
        self.by_slot[slot.index()].open(id, creator, state, t.now());
    }

    /// Observes a state transition, after the timeline did. Inlined into each kind of transition, where most branches
    /// are decided.
    #[inline(always)]
    pub fn transition(&mut self, transition: &Transition, t: &Timeline) {
        let slot = transition.slot;
        let lane = self.by_slot.get_mut(slot.index());
        let Some(lane) = lane.filter(|lane| lane.id.is_some()) else {
            return self.appeared(slot, t);
        };
        let by = transition.by;
        if transition.from == GoState::Waiting && by.is_some() && by != lane.id {
            return self.resolved(transition, t);
        }
        self.stretches += lane.push(Stretch::own(transition.time, lane.state, lane.owner));
        match transition.to {
            GoState::NotExist => lane.close(),
            _ => lane.enter(t.state_at(slot).unwrap_or(lane.state)),
        }
    }

    /// Opens a goroutine older than the trace whose first event is late.
    #[inline(never)]
    fn appeared(&mut self, slot: Slot, t: &Timeline) {
        self.open(slot, t.goroutine_at(slot), GoId::NONE, t);
    }

    /// Adds the leaves of a wait that another goroutine ended.
    #[inline(never)]
    fn resolved(&mut self, transition: &Transition, t: &Timeline) {
        let by = transition.by;
        let by_slot = transition.by_slot.or_else(|| t.slot(by));
        let slots = by_slot.map(|by| [transition.slot.index(), by.index()]);
        // Nearly all wakers are older than the wait, and their past is known.
        if let Some(slots) = slots
            && let Ok([lane, waker]) = self.by_slot.get_disjoint_mut(slots)
            && waker.id == by
            && let Some(grown) = lane.waited_for(waker, transition.time)
        {
            self.stretches += grown;
            lane.enter(t.state_at(transition.slot).unwrap_or(lane.state));
        } else {
            self.retraced(transition, t);
        }
    }

    /// As [`resolved`](Self::resolved), if the waker's creators or lost stretches matter.
    #[cold]
    fn retraced(&mut self, transition: &Transition, t: &Timeline) {
        let slot = transition.slot.index();
        let Some(lane) = self.by_slot.get(slot) else {
            return;
        };
        let wait = (lane.since, transition.time);
        let mut parts = std::mem::take(&mut self.parts);
        let waiter = Waiter {
            state: lane.state,
            owner: lane.owner,
        };
        self.resolve(wait, transition.by, waiter, t, &mut parts);
        if let Some(lane) = self.by_slot.get_mut(slot) {
            for part in parts.drain(..).rev() {
                self.stretches += lane.push(part);
            }
            lane.enter(t.state_at(transition.slot).unwrap_or(lane.state));
        }
        self.parts = parts;
    }

    /// Returns the lane of a goroutine that exists.
    #[inline]
    fn lane(&self, g: GoId, t: &Timeline) -> Option<&Lane> {
        self.lane_at(t.slot(g)?, g)
    }

    /// Returns the lane of a goroutine in its slot.
    #[inline]
    pub(super) fn lane_at(&self, slot: Slot, g: GoId) -> Option<&Lane> {
        let lane = self.by_slot.get(slot.index())?;
        (lane.id == g).then_some(lane)
    }

    /// Resolves a wait that `waker` ended into its leaves, newest first: backwards in time along the waker,
    /// then along its creator before its birth.
    fn resolve(
        &self,
        (start, end): (Time, Time),
        waker: GoId,
        waiter: Waiter,
        t: &Timeline,
        parts: &mut Vec<Stretch>,
    ) {
        let (mut from, mut by) = (end, waker);
        for _ in 0..ANCESTORS {
            let Some(lane) = self.lane(by, t) else { break };
            from = lane.retrace((start, from), waiter, parts);
            if from <= start || from > lane.birth || !lane.creator.is_some() {
                break;
            }
            by = lane.creator;
        }
        if from > start {
            parts.push(Stretch::own(from, waiter.state, waiter.owner));
        }
    }

    /// Sets the task that a goroutine works for.
    pub(super) fn works_for(&mut self, slot: Slot, g: GoId, task: Owner, now: Time) {
        if let Some(lane) = self.lane_mut(slot, g) {
            let grown = lane.works_for(task, now);
            self.stretches += grown;
        }
    }

    /// Sets whether a server's goroutine handles a request from its next transition on.
    pub(super) fn handles(&mut self, slot: Slot, g: GoId, does: bool) {
        if let Some(lane) = self.lane_mut(slot, g) {
            lane.handles(if does { Owner::server(g) } else { Owner::NONE });
        }
    }

    fn lane_mut(&mut self, slot: Slot, g: GoId) -> Option<&mut Lane> {
        let lane = self.by_slot.get_mut(slot.index())?;
        (lane.id == g).then_some(lane)
    }
}
