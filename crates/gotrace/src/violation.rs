//! How a trace can contradict itself.

use super::event::{GoId, ProcId, TaskId, ThreadId};

/// Events that can't have happened in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// No thread's next event is possible.
    #[error("none of the {threads} threads' next events can have happened next")]
    Stuck {
        /// Threads that still had events.
        threads: usize,
    },
    /// Threads wait for each other far more often than real ones do: finding
    /// the order would take time beyond all proportion.
    #[error("{threads} threads wait for each other's events more often than any program's do")]
    Tangled {
        /// Threads that still had events.
        threads: usize,
    },
    /// Times go backwards on a P (Go 1.21 and older).
    #[error("the times of a P's events go backwards: clocks of its processors differ")]
    Times,
    /// An event needs a thread, a P or a goroutine where there is none.
    #[error("event {event} without a {missing}")]
    Missing {
        /// Name of the event's type in the wire format.
        event: &'static str,
        /// The missing context.
        missing: &'static str,
    },
    /// An event must not have a P or a goroutine where there is one.
    #[error("event {event} on a thread that has a {present}")]
    Unexpected {
        /// Name of the event's type in the wire format.
        event: &'static str,
        /// The unexpected context.
        present: &'static str,
    },
    /// An unknown goroutine.
    #[error("event {event} for the unknown goroutine {g}")]
    UnknownGoroutine {
        /// Name of the event's type in the wire format.
        event: &'static str,
        /// The goroutine.
        g: GoId,
    },
    /// An unknown P.
    #[error("event {event} for the unknown P {p}")]
    UnknownProc {
        /// Name of the event's type in the wire format.
        event: &'static str,
        /// The P.
        p: ProcId,
    },
    /// A goroutine is in a state that the event rules out.
    #[error("event {event} for goroutine {g} in another state")]
    GoroutineState {
        /// Name of the event's type in the wire format.
        event: &'static str,
        /// The goroutine.
        g: GoId,
    },
    /// A P is in a state that the event rules out.
    #[error("event {event} for P {p} in another state")]
    ProcState {
        /// Name of the event's type in the wire format.
        event: &'static str,
        /// The P.
        p: ProcId,
    },
    /// A status that does not exist.
    #[error("status {status} does not exist")]
    InvalidStatus {
        /// The number found.
        status: u64,
    },
    /// A goroutine is created that exists.
    #[error("goroutine {g} is created a second time")]
    GoroutineExists {
        /// The goroutine.
        g: GoId,
    },
    /// After the first generation goroutines appear only by being created.
    #[error("goroutine {g} appears from nowhere after the first generation")]
    GoroutineFromNowhere {
        /// The goroutine.
        g: GoId,
    },
    /// A goroutine in a syscall is bound to another thread.
    #[error("goroutine {g} is in a syscall on thread {m}, which has another goroutine")]
    ThreadMismatch {
        /// The goroutine.
        g: GoId,
        /// The thread.
        m: ThreadId,
    },
    /// A P is taken from a thread that does not hold it.
    #[error("P {p} is stolen from thread {m}, which does not hold it")]
    NotHeld {
        /// The P.
        p: ProcId,
        /// The thread.
        m: ThreadId,
    },
    /// A P's sequence number does not follow.
    #[error("the sequence of P {p} is broken by event {event}")]
    Sequence {
        /// Name of the event's type in the wire format.
        event: &'static str,
        /// The P.
        p: ProcId,
    },
    /// A range begins twice, or ends without having begun.
    #[error("the range of event {event} {wrong}")]
    Range {
        /// Name of the event's type in the wire format.
        event: &'static str,
        /// The rule that it breaks.
        wrong: &'static str,
    },
    /// The collector's cycles overlap.
    #[error("event {event} does not fit the state of the garbage collector")]
    Gc {
        /// Name of the event's type in the wire format.
        event: &'static str,
    },
    /// A task begins twice.
    #[error("task {id} begins a second time")]
    TaskExists {
        /// The task.
        id: TaskId,
    },
    /// Regions of a goroutine nest.
    #[error("goroutine {g} ends a region that is not its innermost one")]
    RegionNesting {
        /// The goroutine.
        g: GoId,
    },
}
