//! The event type that the readers of all trace formats return.
//!
//! The names are those of golang.org/x/exp/trace. An [`Event`] is small, `Copy`
//! and owns nothing: strings and stacks are ids into the
//! [`Tables`](crate::Tables) of the event's generation, which are valid until
//! the reader returns the next [`EventKind::Sync`].

mod ids;
mod kind;
mod state;

pub use ids::{GoId, ProcId, Slot, StackId, StringId, TaskId, ThreadId};
pub use kind::{EventKind, Experimental, Metric, Range, StateTransition};
pub use state::{GoState, ProcState};

/// Nanoseconds on the trace's own clock. Only differences mean anything; a
/// clock snapshot ties them to the wall clock.
pub type Time = i64;

/// An event of the trace, in the order of the Go scheduler.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Event {
    /// Time of the event, strictly increasing over the trace.
    pub time: Time,
    #[doc(hidden)]
    pub m: ThreadId,
    #[doc(hidden)]
    pub p: ProcId,
    #[doc(hidden)]
    pub g: GoId,
    /// Kind and arguments.
    pub kind: EventKind,
}

impl Default for Event {
    /// A synchronization event outside any trace, to fill blocks with.
    fn default() -> Self {
        Self {
            time: 0,
            m: ThreadId::NONE,
            p: ProcId::NONE,
            g: GoId::NONE,
            kind: EventKind::Sync { n: 0 },
        }
    }
}

/// The context of an event is that *before* the event took effect.
impl Event {
    /// An event outside any trace, for tests of programs that follow events.
    #[doc(hidden)]
    pub fn new(time: Time, (m, p, g): (ThreadId, ProcId, GoId), kind: EventKind) -> Self {
        Self {
            time,
            m,
            p,
            g,
            kind,
        }
    }

    /// The thread on which the event happened.
    #[inline]
    pub fn thread(&self) -> Option<ThreadId> {
        self.m.known()
    }

    /// The P that the thread held.
    #[inline]
    pub fn proc(&self) -> Option<ProcId> {
        self.p.known()
    }

    /// The goroutine that ran on the thread.
    #[inline]
    pub fn goroutine(&self) -> Option<GoId> {
        self.g.known()
    }

    /// Stack of the goroutine that caused the event; [`StackId::NONE`] if the
    /// trace has none.
    pub fn stack(&self) -> StackId {
        match self.kind {
            EventKind::Metric { stack, .. }
            | EventKind::StackSample { stack }
            | EventKind::RangeBegin { stack, .. }
            | EventKind::TaskBegin { stack, .. }
            | EventKind::TaskEnd { stack, .. }
            | EventKind::RegionBegin { stack, .. }
            | EventKind::RegionEnd { stack, .. }
            | EventKind::Log { stack, .. }
            | EventKind::StateTransition(StateTransition::Goroutine { stack, .. }) => stack,
            _ => StackId::NONE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_cache_line() {
        assert!(size_of::<Event>() <= 64, "{}", size_of::<Event>());
    }
}
