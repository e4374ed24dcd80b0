//! What lasts.

use super::classify::Owner;
use super::stacks::StackKey;
use crate::trace::{GoId, Time};

/// How a goroutine became runnable.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(u8)]
pub enum Way {
    /// It was so when the trace started.
    #[default]
    Unknown,
    /// Something it waited for happened.
    Woken,
    /// It was created.
    Created,
    /// The scheduler took the processor from it.
    Preempted,
    /// It gave the processor up (`runtime.Gosched`).
    Yielded,
    /// It came back from a system call and found no processor.
    SyscallExit,
    /// Another coroutine handed it the processor (`iter.Pull`): it is runnable
    /// in name only, and waits for nothing.
    Switched,
}

impl Way {
    /// All ways to wait for a processor.
    pub const ALL: [Self; 6] = [
        Self::Unknown,
        Self::Woken,
        Self::Created,
        Self::Preempted,
        Self::Yielded,
        Self::SyscallExit,
    ];

    /// Its name in metrics and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Woken => "woken",
            Self::Created => "created",
            Self::Preempted => "preempted",
            Self::Yielded => "yielded",
            Self::SyscallExit => "syscall_exit",
            Self::Switched => "switched",
        }
    }
}

/// What a goroutine waits for, as far as the trace says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Wait {
    /// The trace does not say: it waited before the trace started.
    #[default]
    Unknown,
    /// One of the runtime's semaphores: a lock, a WaitGroup, the runtime's own.
    Sync,
    /// Assist credit from the garbage collector.
    AssistCredit,
    /// The network, or a pipe or terminal that the poller watches.
    Network,
    /// Some time to pass (`time.Sleep`).
    Sleep,
    /// Another coroutine of the same iterator (`iter.Pull`).
    Coroutine,
    /// Nothing: the collector stopped it for a moment to scan its stack.
    Scanned,
    /// Anything else: a channel, the network, sleep.
    Other,
}

/// Why the world was stopped; a number for a name, see
/// [`Timeline::stop_reason`](super::Timeline::stop_reason).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct StopReason(pub(super) u8);

impl StopReason {
    /// A dense number.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// What it is that lasted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A goroutine could run and did not.
    Runnable(Way),
    /// A goroutine waited.
    Blocked(Wait),
    /// A goroutine was in a system call or a cgo call.
    Syscall,
    /// The world was stopped.
    StopTheWorld(StopReason),
    /// A goroutine was within a mark assist, see
    /// [`Timeline::assisted`](super::Timeline::assisted).
    MarkAssist,
    /// A processor was idle while a goroutine was runnable.
    Starvation,
    /// No thread wrote an event, although a goroutine of the program was running. `by` is an operation of which CPU samples
    /// tell that it ran all the time.
    Silence,
    /// The collector marked.
    Marking,
}

/// Set of kinds of intervals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Kinds(u32);

impl Kinds {
    /// How many kinds a set can hold.
    pub const CAPACITY: usize = u32::BITS as usize;

    /// The set of all kinds.
    pub const ALL: Self = Self(u32::MAX);
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// [`Kind::Runnable`], except for switches between coroutines.
    pub const RUNNABLE: Self = Self(1 << 0);
    /// [`Kind::Blocked`] on a semaphore, or for an unknown reason.
    pub const SEMAPHORE: Self = Self(1 << 1);
    /// [`Kind::Syscall`].
    pub const SYSCALL: Self = Self(1 << 2);
    /// [`Kind::StopTheWorld`].
    pub const STOP_THE_WORLD: Self = Self(1 << 3);
    /// [`Kind::MarkAssist`].
    pub const MARK_ASSIST: Self = Self(1 << 4);
    /// [`Kind::Starvation`].
    pub const STARVATION: Self = Self(1 << 5);
    /// [`Kind::Blocked`] for assist credit.
    pub const CREDIT: Self = Self(1 << 6);
    /// [`Kind::Blocked`] for any other reason, and switches between
    /// coroutines.
    pub const OTHER_WAIT: Self = Self(1 << 7);
    /// [`Kind::Silence`].
    pub const SILENCE: Self = Self(1 << 8);
    /// [`Kind::Marking`].
    pub const MARKING: Self = Self(1 << 9);

    /// The union of two sets.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the sets have a kind in common.
    #[inline(always)]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The number of the set's first kind, less than [`CAPACITY`](Self::CAPACITY).
    #[inline(always)]
    pub const fn first(self) -> usize {
        match self.0.trailing_zeros() as usize {
            number if number < Self::CAPACITY => number,
            _ => Self::CAPACITY - 1,
        }
    }

    /// The set of the kind with that number.
    pub const fn of_number(number: usize) -> Self {
        Self(1 << (number % Self::CAPACITY))
    }
}

impl Kind {
    /// The set that holds only this kind.
    #[inline(always)]
    pub fn set(self) -> Kinds {
        match self {
            Self::Runnable(Way::Switched) => Kinds::OTHER_WAIT,
            Self::Runnable(_) => Kinds::RUNNABLE,
            Self::Blocked(Wait::Sync | Wait::Unknown) => Kinds::SEMAPHORE,
            Self::Blocked(Wait::AssistCredit) => Kinds::CREDIT,
            Self::Blocked(
                Wait::Other | Wait::Scanned | Wait::Coroutine | Wait::Network | Wait::Sleep,
            ) => Kinds::OTHER_WAIT,
            Self::Syscall => Kinds::SYSCALL,
            Self::StopTheWorld(_) => Kinds::STOP_THE_WORLD,
            Self::MarkAssist => Kinds::MARK_ASSIST,
            Self::Starvation => Kinds::STARVATION,
            Self::Silence => Kinds::SILENCE,
            Self::Marking => Kinds::MARKING,
        }
    }
}

/// A goroutine and its stack at some moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Actor {
    /// The goroutine; none for the runtime itself.
    pub g: GoId,
    /// Its stack then.
    pub stack: StackKey,
}

impl Actor {
    /// Nobody known.
    pub const NONE: Self = Self {
        g: GoId::NONE,
        stack: StackKey::NONE,
    };
}

/// Something that lasted.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Interval {
    /// What it is.
    pub kind: Kind,
    /// When it began, or when the trace did.
    pub start: Time,
    /// When it ended, or when the trace did.
    pub end: Time,
    /// It began before the trace.
    pub cut_at_start: bool,
    /// It was still going on at the trace's end.
    pub cut_at_end: bool,
    /// It is still going on, and will be told of again when it is over.
    pub under_way: bool,
    /// Whom it happened to, and where that was.
    pub victim: Actor,
    /// Whether the victim is the program's or the runtime's. The tracer's own
    /// goroutines have no intervals.
    pub owner: Owner,
    /// Who brought it about or ended it: the waker, the unlocker, whoever held
    /// a stop-the-world up.
    pub by: Actor,
    /// How long the world was stopped meanwhile, ns.
    pub stopped: u64,
    /// The goroutine stands for a thread of the program's C code, which was
    /// not within a call of Go.
    pub in_c: bool,
}

impl Interval {
    /// How long it lasted, or at least so long, ns.
    #[inline]
    pub fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start).max(0) as u64
    }

    /// Whether [`duration`](Self::duration) is a lower bound.
    pub fn is_cut(&self) -> bool {
        self.cut_at_start || self.cut_at_end
    }
}
