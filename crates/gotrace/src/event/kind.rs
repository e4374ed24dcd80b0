//! Kinds of events, with their arguments.

use super::super::event_types;
use super::{GoId, GoState, ProcId, ProcState, Slot, StackId, StringId, TaskId};

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

impl StateTransition {
    /// A goroutine's transition without a reason.
    #[inline(always)]
    pub(crate) fn goroutine(
        (id, slot): (GoId, u32),
        from: GoState,
        to: GoState,
        own_stack: StackId,
        stack: StackId,
    ) -> EventKind {
        EventKind::StateTransition(Self::Goroutine {
            id,
            slot: Slot(slot),
            from,
            to,
            reason: StringId::default(),
            own_stack,
            stack,
        })
    }

    /// A goroutine's transition without a reason and stacks.
    #[inline(always)]
    pub(crate) fn bare(g: (GoId, u32), from: GoState, to: GoState) -> EventKind {
        Self::goroutine(g, from, to, StackId::NONE, StackId::NONE)
    }
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

/// Event of an experiment of the runtime.
///
/// The arguments are bytes: with the alignment of numbers, every [`EventKind`]
/// would be 8 bytes larger.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Experimental {
    event_type: u8,
    args: [[u8; 8]; 3],
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
        event_types::name(self.event_type)
    }

    /// The event's arguments, with their names.
    pub fn args(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = event_types::spec(self.event_type).args;
        names.iter().copied().zip(self.args.map(u64::from_ne_bytes))
    }
}
