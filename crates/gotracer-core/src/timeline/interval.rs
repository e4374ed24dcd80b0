//! Intervals: states and ranges with start and end.

use super::classify::Owner;
use super::elapsed;
use super::stacks::StackKey;
use super::waiting::Wait;
use crate::trace::{GoId, Time};

/// Cause for which a goroutine became runnable.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(u8)]
pub enum Way {
    /// It was runnable before the trace started.
    #[default]
    Unknown,
    /// Its wait ended.
    Woken,
    /// It was created.
    Created,
    /// The scheduler preempted it.
    Preempted,
    /// It yielded its P (`runtime.Gosched`).
    Yielded,
    /// Its system call returned and no P was idle.
    SyscallExit,
    /// Another coroutine handed it the P (`iter.Pull`). It is runnable in name only and waits for nothing.
    Switched,
}

impl Way {
    /// All causes for which a goroutine waits for a P.
    pub const ALL: [Self; 6] = [
        Self::Unknown,
        Self::Woken,
        Self::Created,
        Self::Preempted,
        Self::Yielded,
        Self::SyscallExit,
    ];

    /// Name in metrics and messages.
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

/// Reason of a stop-the-world, as the number of a name, see [`Timeline::stop_reason`](super::Timeline::stop_reason).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct StopReason(pub(super) u8);

impl StopReason {
    /// Dense number.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Kind of an interval.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A goroutine is runnable and not running.
    Runnable(Way),
    /// A goroutine is waiting.
    Blocked(Wait),
    /// A goroutine is in a system call or a cgo call.
    Syscall,
    /// The world is stopped.
    StopTheWorld(StopReason),
    /// A goroutine is within a mark assist, see [`Timeline::assisted`](super::Timeline::assisted).
    MarkAssist,
    /// A P is idle while a goroutine is runnable.
    Starvation,
    /// No thread writes an event, although a goroutine of the program is running. `by` is the operation that CPU
    /// samples found running, if there are enough of them.
    Silence,
    /// The collector marks.
    Marking,
}

/// Set of kinds of intervals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Kinds(u32);

impl Kinds {
    /// Number of kinds that a set can hold.
    pub const CAPACITY: usize = u32::BITS as usize;

    /// All kinds.
    pub const ALL: Self = Self(u32::MAX);
    /// No kind.
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
    /// [`Kind::Blocked`] for any other reason, and switches between coroutines.
    pub const OTHER_WAIT: Self = Self(1 << 7);
    /// [`Kind::Silence`].
    pub const SILENCE: Self = Self(1 << 8);
    /// [`Kind::Marking`].
    pub const MARKING: Self = Self(1 << 9);
    /// [`Kind::Blocked`] on a channel send, in a `select` or for a pool, if it lasts at least [`LONG`](super::LONG). Shorter ones
    /// are frequent, and only [`SHORT_HANDOFF`](Self::SHORT_HANDOFF) asks for them.
    pub const HANDOFF: Self = Self(1 << 10);
    /// Makes [`HANDOFF`](Self::HANDOFF) include short intervals. No kind is in this set.
    pub const SHORT_HANDOFF: Self = Self(1 << 11);

    /// Union of two sets.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the sets have a kind in common.
    #[inline(always)]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether a wait is in the set; `long` says that it lasted at least [`LONG`](super::LONG).
    #[inline(always)]
    pub(super) fn has_wait(self, wait: Wait, long: bool) -> bool {
        let kind = Self::of_wait(wait);
        self.intersects(kind)
            && (long || kind != Self::HANDOFF || self.intersects(Self::SHORT_HANDOFF))
    }

    /// Set that holds only the kind of a wait.
    #[inline(always)]
    const fn of_wait(wait: Wait) -> Self {
        match wait {
            Wait::Sync | Wait::Unknown => Self::SEMAPHORE,
            Wait::AssistCredit => Self::CREDIT,
            Wait::Send | Wait::Select | Wait::Pool => Self::HANDOFF,
            Wait::Other | Wait::Scanned | Wait::Coroutine | Wait::Network | Wait::Sleep => {
                Self::OTHER_WAIT
            }
        }
    }

    /// Number of the first kind, less than [`CAPACITY`](Self::CAPACITY).
    #[inline(always)]
    pub const fn first(self) -> usize {
        match self.0.trailing_zeros() as usize {
            number if number < Self::CAPACITY => number,
            _ => Self::CAPACITY - 1,
        }
    }

    /// Set of the kind with this number.
    pub const fn of_number(number: usize) -> Self {
        Self(1 << (number % Self::CAPACITY))
    }
}

impl Kind {
    /// Set that holds only this kind.
    #[inline(always)]
    pub fn set(self) -> Kinds {
        match self {
            Self::Runnable(Way::Switched) => Kinds::OTHER_WAIT,
            Self::Runnable(_) => Kinds::RUNNABLE,
            Self::Blocked(wait) => Kinds::of_wait(wait),
            Self::Syscall => Kinds::SYSCALL,
            Self::StopTheWorld(_) => Kinds::STOP_THE_WORLD,
            Self::MarkAssist => Kinds::MARK_ASSIST,
            Self::Starvation => Kinds::STARVATION,
            Self::Silence => Kinds::SILENCE,
            Self::Marking => Kinds::MARKING,
        }
    }
}

/// Goroutine and its stack at some moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Actor {
    /// The goroutine; none for the runtime.
    pub g: GoId,
    /// Its stack at that moment.
    pub stack: StackKey,
}

impl Actor {
    /// Neither goroutine nor stack.
    pub const NONE: Self = Self {
        g: GoId::NONE,
        stack: StackKey::NONE,
    };
}

/// State or range with start and end.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Interval {
    /// Kind of the state or range.
    pub kind: Kind,
    /// Start, or the trace's start.
    pub start: Time,
    /// End, or the trace's end.
    pub end: Time,
    /// The trace started within the interval.
    pub cut_at_start: bool,
    /// The trace ended within the interval.
    pub cut_at_end: bool,
    /// The interval has not ended. It will be emitted again at its end.
    pub under_way: bool,
    /// Goroutine in the state, or goroutine that stopped the world.
    pub victim: Actor,
    /// Owner of the victim. The tracer's goroutines have no intervals.
    pub owner: Owner,
    /// Goroutine that ended or prolonged the interval: the waker, the unlocker, or the last to stop for a
    /// stop-the-world.
    pub by: Actor,
    /// Stop-the-world time within the interval, ns.
    pub stopped: u64,
    /// The goroutine represents a thread of the program's C code, outside of any call into Go.
    pub in_c: bool,
}

impl Interval {
    /// Duration or its lower bound, ns.
    #[inline]
    pub fn duration(&self) -> u64 {
        elapsed(self.start, self.end)
    }

    /// Whether [`duration`](Self::duration) is a lower bound.
    pub fn is_cut(&self) -> bool {
        self.cut_at_start || self.cut_at_end
    }
}
