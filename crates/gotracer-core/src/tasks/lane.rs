//! Recent past of one goroutine, as stretches of time with one leaf each.

use super::owner::Owner;
use super::stretch::{Stretch, Waiter};
use crate::timeline::{Leaf, Leaves, State};
use crate::trace::{GoId, Time};
use crate::units::elapsed;

/// Maximum number of stretches kept for each goroutine, a power of two.
const STRETCHES: usize = 32;
/// Number of stretches for which a goroutine gets memory at first.
const FEW: usize = 8;

/// Ring buffer of the last stretches.
#[derive(Clone, Debug)]
struct Ring {
    kept: Vec<Stretch>,
    /// Number of stretches since the start.
    pushed: usize,
    /// Start of the oldest stretch.
    start: Time,
}

impl Ring {
    const EMPTY: Self = Self {
        kept: Vec::new(),
        pushed: 0,
        start: 0,
    };

    fn clear(&mut self, start: Time) {
        self.kept.clear();
        (self.pushed, self.start) = (0, start);
    }

    #[inline]
    fn last_mut(&mut self) -> Option<&mut Stretch> {
        let last = self.pushed.wrapping_sub(1) % STRETCHES;
        self.kept.get_mut(last)
    }

    /// Returns by how many stretches the capacity grew.
    #[inline]
    fn push(&mut self, stretch: Stretch) -> usize {
        let at = self.pushed % STRETCHES;
        self.pushed += 1;
        match self.kept.get_mut(at) {
            Some(oldest) => {
                self.start = oldest.end;
                *oldest = stretch;
                0
            }
            None => self.extend(stretch),
        }
    }

    #[inline(never)]
    fn extend(&mut self, stretch: Stretch) -> usize {
        let before = self.kept.capacity();
        if self.kept.len() == before {
            let capacity = if before == 0 { FEW } else { STRETCHES };
            self.kept.reserve_exact(capacity - before);
        }
        self.kept.push(stretch);
        self.kept.capacity() - before
    }

    /// Returns the stretches since `start`, the one at that time included, in two parts, the older ones first; `None` if
    /// that one is lost.
    #[inline]
    fn since(&self, start: Time) -> Option<[&[Stretch]; 2]> {
        let (newer, older) = self.parts();
        match after(newer, start) {
            0 => match after(older, start) {
                0 if self.start > start => None,
                from => Some([&older[from..], newer]),
            },
            from => Some([&[], &newer[from..]]),
        }
    }

    /// Iterates over the stretches with their starts, newest first.
    fn backwards(&self) -> impl Iterator<Item = (Time, &Stretch)> {
        let (newer, older) = self.parts();
        let mut newest_first = older.iter().chain(newer).rev().peekable();
        std::iter::from_fn(move || {
            let stretch = newest_first.next()?;
            let before = newest_first.peek();
            Some((before.map_or(self.start, |before| before.end), stretch))
        })
    }

    /// Returns the newer and the older stretches, each in their order.
    #[inline]
    fn parts(&self) -> (&[Stretch], &[Stretch]) {
        let head = match self.kept.len() {
            STRETCHES => self.pushed % STRETCHES,
            _ => 0,
        };
        self.kept.split_at(head)
    }
}

/// Returns the index after the last stretch that ends up to `start`; 0 if there is none.
#[inline]
fn after(stretches: &[Stretch], start: Time) -> usize {
    let last = stretches.iter().rposition(|stretch| stretch.end <= start);
    last.map_or(0, |last| last + 1)
}

/// Leaves of a goroutine at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct LaneMark {
    leaves: Leaves,
    state: State,
    since: Time,
}

impl LaneMark {
    /// Leaves up to the moment.
    pub(super) fn up_to(mut self, moment: Time) -> Leaves {
        let ns = elapsed(self.since, moment);
        self.leaves.add(Leaf::of(self.state), ns);
        self.leaves
    }
}

/// A slot for goroutines. It keeps its memory for the next goroutine.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    /// The goroutine, or [`GoId::NONE`] in a free slot.
    pub id: GoId,
    pub creator: GoId,
    pub birth: Time,
    pub state: State,
    /// Start of the state, and end of the last stretch.
    pub since: Time,
    /// The request that the goroutine works for.
    pub owner: Owner,
    /// The same from the next transition on: that of a task, or else that of a server.
    task: Owner,
    server: Owner,
    past: Ring,
    leaves: Leaves,
}

impl Lane {
    /// A free slot.
    pub(super) const FREE: Self = Self {
        id: GoId::NONE,
        creator: GoId::NONE,
        birth: 0,
        state: State::Other,
        since: 0,
        owner: Owner::NONE,
        task: Owner::NONE,
        server: Owner::NONE,
        past: Ring::EMPTY,
        leaves: Leaves::ZERO,
    };

    /// Starts the life of a goroutine.
    pub(super) fn open(&mut self, id: GoId, creator: GoId, state: State, since: Time) {
        self.past.clear(since);
        *self = Self {
            id,
            creator,
            birth: since,
            state,
            since,
            owner: Owner::NONE,
            task: Owner::NONE,
            server: Owner::NONE,
            past: std::mem::replace(&mut self.past, Ring::EMPTY),
            leaves: Leaves::ZERO,
        };
    }

    /// Ends the goroutine's life.
    pub(super) fn close(&mut self) {
        self.id = GoId::NONE;
    }

    /// Adds a stretch; returns by how many stretches the capacity grew.
    #[inline]
    pub(super) fn push(&mut self, stretch: Stretch) -> usize {
        let ns = stretch.end.wrapping_sub(self.since);
        if ns <= 0 {
            return 0;
        }
        self.since = stretch.end;
        self.leaves.add(stretch.leaf(), ns as u64);
        match self.past.last_mut() {
            Some(last) if stretch.continues(last) => {
                last.extend(&stretch);
                0
            }
            _ => self.past.push(stretch),
        }
    }

    /// Sets the task that the goroutine works for. It counts at once if the goroutine runs, and otherwise when its
    /// state ends, so that no wait is split. Returns by how many stretches the capacity grew.
    pub(super) fn works_for(&mut self, task: Owner, now: Time) -> usize {
        self.task = task;
        let owner = self.task.or(self.server);
        if self.owner == owner || self.state != State::Running {
            return 0;
        }
        let grown = self.push(Stretch::own(now, self.state, self.owner));
        self.owner = owner;
        grown
    }

    /// Sets the server's request that the goroutine handles from its next transition on.
    pub(super) fn handles(&mut self, server: Owner) {
        self.server = server;
    }

    /// Starts a state.
    #[inline]
    pub(super) fn enter(&mut self, state: State) {
        self.state = state;
        self.owner = self.task.or(self.server);
    }

    /// Leaves up to the last state transition, and the present state.
    #[inline]
    pub(super) fn mark(&self) -> LaneMark {
        LaneMark {
            leaves: self.leaves,
            state: self.state,
            since: self.since,
        }
    }

    /// Ends this goroutine's wait by `waker`, with the leaves of the waker's past. Returns by how many stretches the
    /// capacity grew; `None`, without a change, if the waker's past does not reach back to the wait's start.
    #[inline]
    pub(super) fn waited_for(&mut self, waker: &Self, end: Time) -> Option<usize> {
        if waker.since > end {
            return None;
        }
        let past = waker.past.since(self.since)?;
        let waiter = Waiter {
            state: self.state,
            owner: self.owner,
        };
        let mut grown = 0;
        for part in past {
            for stretch in part {
                grown += self.push(stretch.of_waiter(stretch.end, waiter));
            }
        }
        let present = Stretch::own(end, waker.state, waker.owner);
        Some(grown + self.push(present.of_waiter(end, waiter)))
    }

    /// Resolves the part of another goroutine's wait that began at `start`, backwards from `end`, as far as this
    /// goroutine's past is known. Appends the parts, newest first, and returns where they begin.
    pub(super) fn retrace(
        &self,
        (start, end): (Time, Time),
        waiter: Waiter,
        parts: &mut Vec<Stretch>,
    ) -> Time {
        let mut from = end;
        if self.since < from {
            let current = Stretch::own(from, self.state, self.owner);
            parts.push(current.of_waiter(from, waiter));
            from = self.since.max(start);
        }
        for (begin, stretch) in self.past.backwards() {
            // Dropped stretches leave a gap.
            if from <= start || stretch.end < from {
                break;
            }
            if begin >= from {
                continue;
            }
            parts.push(stretch.of_waiter(from, waiter));
            from = begin.max(start);
        }
        from
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::TaskId;

    fn lane(since: Time) -> Lane {
        let mut lane = Lane::FREE;
        lane.open(GoId(1), GoId::NONE, State::Running, since);
        lane
    }

    fn own(end: Time, state: State) -> Stretch {
        Stretch::own(end, state, Owner::NONE)
    }

    fn waiter(owner: Owner) -> Waiter {
        Waiter {
            state: State::Select,
            owner,
        }
    }

    #[test]
    fn neighbors_with_one_leaf_are_one_stretch_and_their_number_is_bounded() {
        let mut lane = lane(0);
        assert!(lane.push(own(10, State::Running)) > 0);
        assert_eq!(lane.push(own(15, State::Running)), 0);
        assert_eq!(lane.push(own(15, State::Select)), 0);
        for n in 0..2 * STRETCHES as i64 {
            let state = [State::Select, State::Running][n as usize % 2];
            lane.push(own(16 + n, state));
        }
        assert_eq!(lane.past.kept.len(), STRETCHES);
        assert_eq!(lane.past.kept.capacity(), STRETCHES);
        let half = STRETCHES as u64;
        assert_eq!(lane.leaves.of(Leaf::of(State::Running)), 15 + half);
        assert_eq!(lane.leaves.total(), 15 + 2 * half);
        let now = lane.mark().up_to(lane.since + 5);
        assert_eq!(now.of(Leaf::of(State::Running)), 20 + half);
    }

    #[test]
    fn a_wait_is_retraced_as_far_as_the_past_is_known() {
        let mut lane = lane(100);
        lane.push(own(110, State::Running));
        lane.push(own(150, State::Network));
        lane.state = State::Running;
        let retraced = |lane: &Lane, start, end| {
            let mut parts = Vec::new();
            let from = lane.retrace((start, end), waiter(Owner::NONE), &mut parts);
            let parts: Vec<_> = parts.iter().map(|part| (part.end, part.leaf())).collect();
            (from, parts)
        };
        let (elsewhere, network) = (Leaf::RUNNING_ELSEWHERE, Leaf::of(State::Network));
        let (whole, part) = (retraced(&lane, 90, 160), retraced(&lane, 120, 140));
        assert_eq!(
            whole,
            (
                100,
                vec![(160, elsewhere), (150, network), (110, elsewhere)]
            )
        );
        assert_eq!(part, (120, vec![(140, network)]));
        // Only the last stretches are kept.
        for n in 0..STRETCHES as i64 {
            let state = [State::Running, State::Network][n as usize % 2];
            lane.push(own(151 + n, state));
        }
        assert_eq!(retraced(&lane, 90, 160).0, 150);
        assert_eq!(retraced(&lane, 90, 140), (140, vec![]));
    }

    #[test]
    fn a_request_changes_at_once_or_after_a_wait() {
        let mut lane = lane(0);
        let (a, b) = (Owner::task(TaskId(1)), Owner::server(GoId(1)));
        lane.works_for(a, 10);
        lane.push(Stretch::own(20, State::Running, lane.owner));
        lane.enter(State::Network);
        lane.works_for(Owner::NONE, 25);
        lane.handles(b);
        assert_eq!((lane.owner, lane.since), (a, 20));
        lane.push(Stretch::own(30, State::Network, lane.owner));
        lane.enter(State::Running);
        assert_eq!(lane.owner, b);
        let owners: Vec<_> = lane.past.backwards().map(|(_, s)| s.owner()).collect();
        assert_eq!(owners, [a, a, Owner::NONE]);
    }
}
