//! The one event type that every trace format is turned into.
//!
//! An [`Event`] is small, `Copy` and owns nothing: strings and stacks are
//! handles into the [`Tables`](crate::trace::Tables) of the generation the
//! event belongs to, valid until the reader returns the next
//! [`What::Sync`].

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
            /// No such resource.
            pub const NONE: Self = Self(-1);

            /// Whether this names a resource at all.
            #[inline]
            pub fn is_some(self) -> bool {
                self != Self::NONE
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

/// A dense number of a goroutine among those that exist, so that whoever
/// follows goroutines can index a vector. It is used again after the goroutine
/// ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Slot(#[doc(hidden)] pub u32);

impl Slot {
    /// The number.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a goroutine is doing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum GoState {
    /// Nothing is known of it yet.
    Undetermined,
    /// It does not exist (before its creation, after its end).
    NotExist,
    /// It could run and is not running.
    Runnable,
    /// It runs on a thread and a processor.
    Running,
    /// It waits for something.
    Waiting,
    /// It is in a system call or a cgo call.
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

/// What a processor (P) is doing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum ProcState {
    /// Nothing is known of it yet.
    Undetermined,
    /// It does not exist.
    NotExist,
    /// A thread holds it.
    Running,
    /// No thread holds it.
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

/// A value over time that the runtime writes into the trace.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Metric {
    /// GOMAXPROCS.
    Gomaxprocs,
    /// Bytes of heap objects: moves with allocation and with sweeping.
    HeapObjects,
    /// The heap size at which the collector aims to finish its cycle, bytes.
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

/// Something of the runtime's own that lasts, and what it is bound to.
#[expect(missing_docs, reason = "the variants' documentation names the fields")]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Range {
    /// The world is stopped, by this goroutine, for this reason.
    StopTheWorld { reason: StringId, g: GoId },
    /// The collector's concurrent mark phase.
    GcMark,
    /// Incremental sweeping on a processor.
    GcSweep { p: ProcId },
    /// A goroutine pays for its allocations by marking.
    MarkAssist { g: GoId },
}

/// A kind of event that belongs to an experiment of the runtime.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Experimental(#[doc(hidden)] pub u8);

/// What happened.
#[expect(missing_docs, reason = "the variants' documentation names the fields")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// The `n`th synchronisation point: a generation starts (or, as the last
    /// event, the trace ends).
    Sync { n: u32 },
    /// A runtime metric changed.
    Metric {
        metric: Metric,
        value: u64,
        stack: StackId,
    },
    /// The running goroutine was given a label.
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
    /// `trace.NewTask`; a `parent` of -1 is none.
    TaskBegin {
        id: i64,
        parent: i64,
        name: StringId,
        stack: StackId,
    },
    /// `Task.End`.
    TaskEnd {
        id: i64,
        parent: i64,
        name: StringId,
        stack: StackId,
    },
    /// `trace.StartRegion`.
    RegionBegin {
        task: i64,
        name: StringId,
        stack: StackId,
    },
    /// `Region.End`.
    RegionEnd {
        task: i64,
        name: StringId,
        stack: StackId,
    },
    /// `trace.Log`.
    Log {
        task: i64,
        category: StringId,
        message: StringId,
        stack: StackId,
    },
    /// A goroutine changed state, or (`from == to`) its state was repeated at
    /// the start of a generation. `own_stack` is the goroutine's, `stack`
    /// that of the context in which the event happened.
    Goroutine {
        id: GoId,
        slot: Slot,
        from: GoState,
        to: GoState,
        reason: StringId,
        own_stack: StackId,
        stack: StackId,
    },
    /// A processor changed state, or its state was repeated.
    Proc {
        id: ProcId,
        from: ProcState,
        to: ProcState,
    },
    /// An event of an experiment; [`Experimental::args`] names its arguments.
    Experimental { kind: Experimental, args: [u64; 3] },
}

/// One thing that happened, in the order the Go scheduler made it happen.
///
/// `m`, `p` and `g` are the context *before* the event took effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// When, strictly increasing over the trace.
    pub time: Time,
    /// The thread it happened on.
    pub m: ThreadId,
    /// The processor that thread held.
    pub p: ProcId,
    /// The goroutine that ran there.
    pub g: GoId,
    /// What happened.
    pub what: What,
}

impl Experimental {
    /// The name of the experiment the event belongs to.
    pub fn experiment(&self) -> &'static str {
        "AllocFree"
    }

    /// The event's name.
    pub fn name(&self) -> &'static str {
        wire::experimental(self.0).0
    }

    /// The arguments of such an event by name.
    pub fn args(&self, values: [u64; 3]) -> impl Iterator<Item = (&'static str, u64)> {
        let names = wire::experimental(self.0).1;
        names.iter().copied().zip(values)
    }
}

impl Default for Event {
    /// A synchronisation event outside any trace, to fill blocks with.
    fn default() -> Self {
        Self {
            time: 0,
            m: ThreadId::NONE,
            p: ProcId::NONE,
            g: GoId::NONE,
            what: What::Sync { n: 0 },
        }
    }
}

impl Event {
    /// The kind's name as the reference reader prints it.
    pub fn kind(&self) -> &'static str {
        match self.what {
            What::Sync { .. } => "Sync",
            What::Metric { .. } => "Metric",
            What::Label { .. } => "Label",
            What::StackSample { .. } => "StackSample",
            What::RangeBegin { .. } => "RangeBegin",
            What::RangeActive { .. } => "RangeActive",
            What::RangeEnd { .. } | What::SweepEnd { .. } => "RangeEnd",
            What::TaskBegin { .. } => "TaskBegin",
            What::TaskEnd { .. } => "TaskEnd",
            What::RegionBegin { .. } => "RegionBegin",
            What::RegionEnd { .. } => "RegionEnd",
            What::Log { .. } => "Log",
            What::Goroutine { .. } | What::Proc { .. } => "StateTransition",
            What::Experimental { .. } => "Experimental",
        }
    }

    /// Every name that [`kind`](Self::kind) can return.
    pub const KINDS: [&'static str; 14] = [
        "Sync",
        "Metric",
        "Label",
        "StackSample",
        "RangeBegin",
        "RangeActive",
        "RangeEnd",
        "TaskBegin",
        "TaskEnd",
        "RegionBegin",
        "RegionEnd",
        "Log",
        "StateTransition",
        "Experimental",
    ];

    /// The stack of the context the event happened in.
    pub fn stack(&self) -> StackId {
        match self.what {
            What::Metric { stack, .. }
            | What::StackSample { stack }
            | What::RangeBegin { stack, .. }
            | What::TaskBegin { stack, .. }
            | What::TaskEnd { stack, .. }
            | What::RegionBegin { stack, .. }
            | What::RegionEnd { stack, .. }
            | What::Log { stack, .. }
            | What::Goroutine { stack, .. } => stack,
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
