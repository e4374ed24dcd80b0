//! Causes of findings.

use std::cmp::Reverse;

use crate::timeline::{Actor, Allocator, Doing, Leaf, Leaves};

/// Cause of the worst occurrence of a group, before it is put into words.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Culprit {
    /// The trace does not show the cause.
    #[default]
    Unknown,
    /// The occurrence had not ended at the trace's end.
    GoesOn,
    /// This goroutine ended the occurrence, or is its subject.
    Goroutine(Actor),
    /// This goroutine was the last to stop for a stop-the-world. Without a goroutine only the silence is known.
    LateToStop {
        /// The goroutine, if the trace shows it.
        by: Option<Actor>,
        /// The longest time without an event within the stop, ns.
        silent: u64,
    },
    /// A goroutine ran during the occurrence.
    Ran {
        /// The goroutine that ran longest; without an id if there is none.
        actor: Actor,
        /// Time it ran, ns.
        ran: u64,
        /// Time the process did not run during the occurrence, ns.
        stalled: u64,
    },
    /// The world was stopped for this part of the occurrence, ns.
    Stopped(u64),
    /// This goroutine allocated most.
    Allocated(Allocator),
}

/// Kind of a cause.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CauseKind {
    /// A goroutine was the last to stop for a stop-the-world.
    LateToStop,
    /// A goroutine ran while another one waited for a P.
    RanInstead,
    /// The world was stopped during the occurrence.
    StopTheWorld,
    /// The process did not run during the occurrence.
    ProcessStalled,
    /// A goroutine held the lock or the item of a pool.
    HeldBy,
    /// A goroutine received late from the channel.
    ReceivedLate,
    /// The remaining goroutines wait at one place.
    BlockedIn,
    /// A goroutine allocated most.
    AllocatedMost,
    /// The memory limit is below the live heap.
    MemoryLimit,
    /// GOGC lets the live heap grow only little between two collections.
    SmallGogc,
    /// The program starts collections itself.
    RequestedCollections,
    /// The program allocates fast.
    AllocationRate,
    /// An operation that could not be interrupted.
    Operation,
}

impl CauseKind {
    /// All kinds.
    pub const ALL: [Self; 13] = [
        Self::LateToStop,
        Self::RanInstead,
        Self::StopTheWorld,
        Self::ProcessStalled,
        Self::HeldBy,
        Self::ReceivedLate,
        Self::BlockedIn,
        Self::AllocatedMost,
        Self::MemoryLimit,
        Self::SmallGogc,
        Self::RequestedCollections,
        Self::AllocationRate,
        Self::Operation,
    ];

    /// Name in outputs for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::LateToStop => "late_to_stop",
            Self::RanInstead => "ran_instead",
            Self::StopTheWorld => "stop_the_world",
            Self::ProcessStalled => "process_stalled",
            Self::HeldBy => "held_by",
            Self::ReceivedLate => "received_late",
            Self::BlockedIn => "blocked_in",
            Self::AllocatedMost => "allocated_most",
            Self::MemoryLimit => "memory_limit",
            Self::SmallGogc => "small_gogc",
            Self::RequestedCollections => "requested_collections",
            Self::AllocationRate => "allocation_rate",
            Self::Operation => "operation",
        }
    }
}

/// Cause of a finding.
#[derive(Debug)]
pub struct Cause {
    /// Kind, for scripts.
    pub kind: CauseKind,
    /// Description, for people.
    pub text: String,
    /// The responsible goroutine and its stack; without an id if there is none.
    pub actor: Actor,
}

/// Describes what waits were in the end, if the activity of the goroutine that ended them does not tell: another wait
/// for goroutines, or no single activity. `None` if no leaf takes half of the time.
pub(super) fn in_the_end(leaves: &Leaves, doing: Option<Doing>) -> Option<String> {
    if !matches!(doing, None | Some(Doing::Semaphore | Doing::Waiting)) {
        return None;
    }
    let leaf = Leaf::all().min_by_key(|leaf| Reverse(leaves.of(*leaf)))?;
    let share = leaves.of(leaf) as f64 / leaves.total() as f64;
    let told = leaf.is_end() && share >= 0.5;
    told.then(|| {
        format!(
            "in the end, {:.0}% of it is {}",
            share * 100.0,
            leaf.words()
        )
    })
}
