//! The event type that the readers of all trace formats return.
//!
//! The names are those of golang.org/x/exp/trace. An [`Event`] is small, `Copy`
//! and owns nothing: strings and stacks are ids into the
//! [`Tables`](crate::Tables) of the event's generation, which are valid until
//! the reader returns the next [`EventKind::Sync`].

use std::fmt;

use super::v2::wire;

/// Nanoseconds on the trace's own clock. Only differences mean anything; a
/// clock snapshot ties them to the wall clock.
pub type Time = i64;

macro_rules! resource_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub i64);

        impl $name {
            /// The value for no id; with it an [`Event`] fits one cache line.
            #[doc(hidden)]
            pub const NONE: Self = Self(-1);

            /// Whether this is another value than [`NONE`](Self::NONE).
            #[doc(hidden)]
            #[inline]
            pub fn is_some(self) -> bool {
                self != Self::NONE
            }

            /// The id, or `None` where the event has none.
            #[inline]
            pub fn known(self) -> Option<Self> {
                self.is_some().then_some(self)
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::NONE
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

resource_id! {
    /// A goroutine, by the runtime's `goid`.
    GoId
}
resource_id! {
    /// A processor (P).
    ProcId
}
resource_id! {
    /// An operating system thread (M).
    ThreadId
}

resource_id! {
    /// A task of the traced program (`trace.NewTask`).
    TaskId
}

impl TaskId {
    /// The background task, which is none of the program's own: the task of
    /// regions and logs outside all tasks.
    pub const BACKGROUND: Self = Self(0);
}

/// A string of the event's generation. The default is the empty string.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct StringId(#[doc(hidden)] pub u32);

/// A stack of the event's generation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct StackId(#[doc(hidden)] pub u32);

impl StringId {
    /// Position in the generation's string table; 0 is the empty string.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl StackId {
    /// The event carries no stack.
    pub const NONE: Self = Self(0);

    /// Position in the generation's stack table; 0 is no stack.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Index of a goroutine among those that exist: dense, for vectors of
/// goroutines. It is reused after the goroutine ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Slot(#[doc(hidden)] pub u32);

impl Slot {
    /// The index.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// State of a goroutine.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum GoState {
    /// Unknown: no event has given the goroutine's state yet.
    Undetermined,
    /// Before its creation or after its end.
    NotExist,
    /// Ready to run, but not running.
    Runnable,
    /// Running on a thread that holds a P.
    Running,
    /// Blocked, for the transition's reason.
    Waiting,
    /// In a system call or a cgo call.
    Syscall,
}

impl GoState {
    /// The state's name as Go tools print it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Undetermined => "Undetermined",
            Self::NotExist => "NotExist",
            Self::Runnable => "Runnable",
            Self::Running => "Running",
            Self::Waiting => "Waiting",
            Self::Syscall => "Syscall",
        }
    }
}

/// State of a P.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum ProcState {
    /// Unknown: no event has given the P's state yet.
    Undetermined,
    /// Not created yet, or removed.
    NotExist,
    /// Held by a thread.
    Running,
    /// Held by no thread.
    Idle,
}

impl ProcState {
    /// The state's name as Go tools print it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Undetermined => "Undetermined",
            Self::NotExist => "NotExist",
            Self::Running => "Running",
            Self::Idle => "Idle",
        }
    }
}

/// A metric of the runtime that the trace records.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Metric {
    /// GOMAXPROCS.
    Gomaxprocs,
    /// Bytes of heap objects: grows with allocation, shrinks with sweeping.
    HeapObjects,
    /// Heap goal of the current GC cycle, bytes.
    HeapGoal,
}

impl Metric {
    /// The metric's name in `runtime/metrics`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gomaxprocs => "/sched/gomaxprocs:threads",
            Self::HeapObjects => "/memory/classes/heap/objects:bytes",
            Self::HeapGoal => "/gc/heap/goal:bytes",
        }
    }
}

/// A range of the runtime, and the goroutine or P that it belongs to.
#[expect(missing_docs, reason = "the variants' documentation names the fields")]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Range {
    /// Goroutine `g` stops the world for `reason`.
    StopTheWorld { reason: StringId, g: GoId },
    /// The concurrent mark phase of the garbage collector.
    GcMark,
    /// Incremental sweeping on P `p`.
    GcSweep { p: ProcId },
    /// Goroutine `g` assists the garbage collector, in return for allocating.
    MarkAssist { g: GoId },
}

/// Event of an experiment of the runtime.
///
/// The arguments are bytes: with the alignment of numbers, every [`EventKind`]
/// would be 8 bytes larger.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Experimental {
    event_type: u8,
    args: [[u8; 8]; 3],
}

/// A goroutine or a P changes state. If `from == to`, a new generation repeats
/// its state.
#[expect(missing_docs, reason = "the variants' documentation names the fields")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum StateTransition {
    /// Goroutine `id` changes state for `reason`. `own_stack` is its stack,
    /// `stack` that of the goroutine which causes the transition.
    Goroutine {
        id: GoId,
        slot: Slot,
        from: GoState,
        to: GoState,
        reason: StringId,
        own_stack: StackId,
        stack: StackId,
    },
    /// P `id` changes state.
    Proc {
        id: ProcId,
        from: ProcState,
        to: ProcState,
    },
}

/// Kind of an event, with its arguments.
#[expect(missing_docs, reason = "the variants' documentation names the fields")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// The `n`th synchronization point: a generation starts (or, as the last
    /// event, the trace ends).
    Sync { n: u32 },
    /// A runtime metric changes.
    Metric {
        metric: Metric,
        value: u64,
        stack: StackId,
    },
    /// The running goroutine gets a label.
    Label { label: StringId },
    /// A CPU profile sample.
    StackSample { stack: StackId },
    /// A range begins.
    RangeBegin { range: Range, stack: StackId },
    /// A range was already open when its generation began.
    RangeActive { range: Range },
    /// A range other than sweeping ends.
    RangeEnd { range: Range },
    /// The range [`Range::GcSweep`] ends; `swept` and `reclaimed` are bytes.
    SweepEnd {
        p: ProcId,
        swept: u64,
        reclaimed: u64,
    },
    /// `trace.NewTask`. `parent.known()` is `None` for a task without a parent.
    TaskBegin {
        id: TaskId,
        parent: TaskId,
        name: StringId,
        stack: StackId,
    },
    /// `Task.End`. `parent.known()` is `None` and `name` is empty if the task
    /// began before the trace.
    TaskEnd {
        id: TaskId,
        parent: TaskId,
        name: StringId,
        stack: StackId,
    },
    /// `trace.StartRegion`.
    RegionBegin {
        task: TaskId,
        name: StringId,
        stack: StackId,
    },
    /// `Region.End`.
    RegionEnd {
        task: TaskId,
        name: StringId,
        stack: StackId,
    },
    /// `trace.Log`.
    Log {
        task: TaskId,
        category: StringId,
        message: StringId,
        stack: StackId,
    },
    /// A goroutine or a P changes state.
    StateTransition(StateTransition),
    /// An event of an experiment.
    Experimental(Experimental),
}

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

impl Experimental {
    pub(crate) fn new(event_type: u8, args: [u64; 3]) -> Self {
        Self {
            event_type,
            args: args.map(u64::to_ne_bytes),
        }
    }

    /// The name of the experiment the event belongs to.
    pub fn experiment(&self) -> &'static str {
        "AllocFree"
    }

    /// The event's name.
    pub fn name(&self) -> &'static str {
        wire::name(self.event_type)
    }

    /// The event's arguments, with their names.
    pub fn args(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = wire::spec(self.event_type).args;
        names.iter().copied().zip(self.args.map(u64::from_ne_bytes))
    }
}

macro_rules! kinds {
    ($($($variant:pat_param)|+ => $name:literal,)*) => {
        impl EventKind {
            /// All names that [`name`](Self::name) returns.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The kind's name in golang.org/x/exp/trace.
            pub fn name(&self) -> &'static str {
                match self {
                    $($($variant)|+ => $name,)*
                }
            }
        }
    };
}

kinds! {
    Self::Sync { .. } => "Sync",
    Self::Metric { .. } => "Metric",
    Self::Label { .. } => "Label",
    Self::StackSample { .. } => "StackSample",
    Self::RangeBegin { .. } => "RangeBegin",
    Self::RangeActive { .. } => "RangeActive",
    Self::RangeEnd { .. } | Self::SweepEnd { .. } => "RangeEnd",
    Self::TaskBegin { .. } => "TaskBegin",
    Self::TaskEnd { .. } => "TaskEnd",
    Self::RegionBegin { .. } => "RegionBegin",
    Self::RegionEnd { .. } => "RegionEnd",
    Self::Log { .. } => "Log",
    Self::StateTransition(_) => "StateTransition",
    Self::Experimental(_) => "Experimental",
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
