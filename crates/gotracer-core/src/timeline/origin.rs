//! Origin of a goroutine's activity: outside of the program, or the computation that it is part of.

use super::Timeline;
use super::classify::Owner;
use super::goroutines::Goroutine;
use super::interval::{Wait, Way};
use crate::trace::{GoId, Time};

/// Maximum number of wakers to follow back.
const HOPS: usize = 16;

/// Origin of a goroutine's activity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    /// The network, a timer, or the runtime, through this goroutine.
    Outside(GoId),
    /// Goroutines that compute and wake each other.
    Computation,
}

impl Timeline {
    /// Whether a runnable goroutine only takes its turn in a computation: a goroutine of the same computation created
    /// or woke it, and `instead` ran meanwhile. A goroutine that became runnable by the network, a timer or the end
    /// of a system call takes no turn.
    pub fn takes_turn(&self, g: GoId, instead: GoId) -> bool {
        let since = match self.gs.find(g) {
            Some(g) if g.way != Way::SyscallExit && self.takes_part(g) => g.since,
            _ => return false,
        };
        match self.origin(g, since) {
            Origin::Computation => true,
            // A timer or request fans out to goroutines that wait for each other. All of them wait behind the first
            // one.
            Origin::Outside(first) => {
                first != g
                    && first != instead
                    && self.origin(instead, since) == Origin::Outside(first)
            }
        }
    }

    /// Whether a goroutine takes part in a computation: it has just been created, it has computed before, or it wakes
    /// its waker. A goroutine that only waits for a result does not.
    fn takes_part(&self, g: &Goroutine) -> bool {
        let feeds = || {
            self.gs
                .find(g.woken_by)
                .is_some_and(|by| by.woken_by == g.id)
        };
        g.way == Way::Created || g.preempted != Time::MIN || feeds()
    }

    /// Returns the origin of a goroutine that became runnable at `then`, as far as it is known. A goroutine that was
    /// preempted by then computed.
    fn origin(&self, g: GoId, then: Time) -> Origin {
        let mut at = g;
        for _ in 0..HOPS {
            // The waker may have ended since.
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
