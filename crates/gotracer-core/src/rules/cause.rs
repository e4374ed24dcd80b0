//! Why something lasted: what brought it about, and the cause that a finding states.

use crate::timeline::Actor;

/// What brought the worst occurrence of a group about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Culprit {
    /// The trace does not tell.
    #[default]
    Unknown,
    /// It was not over at the trace's end.
    GoesOn,
    /// This goroutine ended it, or it is what the occurrence is about.
    Goroutine(Actor),
    /// This goroutine was the last to stop for a stop-the-world. Without it only the silence is known.
    LateToStop {
        /// The goroutine, if there is one.
        by: Option<Actor>,
        /// The longest time without an event within the stop, ns.
        silent: u64,
    },
    /// This goroutine ran meanwhile.
    Ran {
        /// The goroutine that ran longest, or nobody.
        actor: Actor,
        /// For how long, ns.
        ran: u64,
        /// For how long the process did not run meanwhile, ns.
        stalled: u64,
    },
    /// The world was stopped meanwhile, for so long, ns.
    Stopped(u64),
    /// This goroutine allocated so many bytes.
    Allocated(Actor, u64),
}

/// Kind of a cause.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CauseKind {
    /// A goroutine was the last to stop for a stop-the-world.
    LateToStop,
    /// A goroutine ran while another one waited for a processor.
    RanInstead,
    /// The world was stopped meanwhile.
    StopTheWorld,
    /// The process did not run meanwhile.
    ProcessStalled,
    /// A goroutine held the lock.
    HeldBy,
    /// Where goroutines wait that are left.
    BlockedIn,
    /// The goroutine that allocated most.
    AllocatedMost,
    /// The memory limit is below the live heap.
    MemoryLimit,
    /// The live heap may grow only little until the next collection.
    SmallGogc,
    /// The program allocates fast.
    AllocationRate,
    /// An operation that could not be interrupted.
    Operation,
}

impl CauseKind {
    /// All kinds.
    pub const ALL: [Self; 11] = [
        Self::LateToStop,
        Self::RanInstead,
        Self::StopTheWorld,
        Self::ProcessStalled,
        Self::HeldBy,
        Self::BlockedIn,
        Self::AllocatedMost,
        Self::MemoryLimit,
        Self::SmallGogc,
        Self::AllocationRate,
        Self::Operation,
    ];

    /// Its name in outputs for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::LateToStop => "late_to_stop",
            Self::RanInstead => "ran_instead",
            Self::StopTheWorld => "stop_the_world",
            Self::ProcessStalled => "process_stalled",
            Self::HeldBy => "held_by",
            Self::BlockedIn => "blocked_in",
            Self::AllocatedMost => "allocated_most",
            Self::MemoryLimit => "memory_limit",
            Self::SmallGogc => "small_gogc",
            Self::AllocationRate => "allocation_rate",
            Self::Operation => "operation",
        }
    }
}

/// Why something lasted.
#[derive(Debug)]
pub struct Cause {
    /// A word for scripts.
    pub kind: CauseKind,
    /// The same for people.
    pub text: String,
    /// The goroutine to blame and its stack, or nobody.
    pub actor: Actor,
}
