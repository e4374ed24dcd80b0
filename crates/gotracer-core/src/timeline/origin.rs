//! What set a goroutine going: the world outside, or the computation that it
//! is a part of.

use super::Timeline;
use super::classify::Owner;
use super::goroutines::Goroutine;
use super::interval::{Wait, Way};
use crate::trace::{GoId, Time};

/// How many goroutines back is looked for what set one going.
const HOPS: usize = 16;

/// What set a goroutine going.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The network, a timer, or the runtime, by way of this goroutine.
    Outside(GoId),
    /// Goroutines that compute and feed each other.
    Computation,
}

impl Timeline {
    /// Whether a runnable goroutine only takes its turn in a computation:
    /// goroutines of that created or woke it, and `instead` is what ran
    /// meanwhile. One that the network, a timer or the end of a system call
    /// made runnable does not.
    pub fn takes_turn(&self, g: GoId, instead: GoId) -> bool {
        let since = match self.gs.find(g) {
            Some(g) if g.way != Way::SyscallExit && self.takes_part(g) => g.since,
            _ => return false,
        };
        match self.origin(g, since) {
            Origin::Computation => true,
            // What one timer or request set going fans out, and its parts wait
            // for each other. Behind the first one all of them wait.
            Origin::Outside(first) => {
                first != g
                    && first != instead
                    && self.origin(instead, since) == Origin::Outside(first)
            }
        }
    }

    /// Whether a goroutine takes part in a computation: this is its first turn,
    /// it has computed before, or it feeds the one that woke it. What only
    /// waits for a result does not.
    fn takes_part(&self, g: &Goroutine) -> bool {
        let feeds = || {
            self.gs
                .find(g.woken_by)
                .is_some_and(|by| by.woken_by == g.id)
        };
        g.way == Way::Created || g.preempted != Time::MIN || feeds()
    }

    /// What set a goroutine going that was made runnable then, as far as is
    /// known. One that had been preempted by then computed.
    fn origin(&self, g: GoId, then: Time) -> Origin {
        let mut at = g;
        for _ in 0..HOPS {
            // What created or woke it may have ended since.
            let Some(g) = self.gs.find(at) else {
                return Origin::Computation;
            };
            if g.woken == Time::MIN || (g.woken < g.preempted && g.preempted < then) {
                return Origin::Computation;
            }
            if self.is_set_going_from_outside(g) {
                return Origin::Outside(at);
            }
            at = g.woken_by;
        }
        Origin::Computation
    }

    fn is_set_going_from_outside(&self, g: &Goroutine) -> bool {
        let by = self.gs.find(g.woken_by);
        matches!(g.wait, Wait::Network | Wait::Sleep)
            || !g.woken_by.is_some()
            || by.is_some_and(|by| by.owner != Owner::Program)
    }
}
