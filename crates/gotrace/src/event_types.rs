//! Event types of Go 1.22 and later: one table, as `tracev2.Specs` in the Go tree.
//!
//! A new event type is a line of the table, its handler in [`order`](super::v2::order)
//! and a line of the dispatch there. Numbers, names and arguments are those of
//! `internal/trace/tracev2/events.go`.

/// Description of an event type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Name of the type.
    pub name: &'static str,
    /// Names of the arguments; those of timed events follow the time.
    pub args: &'static [&'static str],
    /// Whether the event has a time, and so may be in a batch of events.
    pub timed: bool,
}

impl Spec {
    const UNKNOWN: Self = Self {
        name: "Unknown",
        args: &[],
        timed: false,
    };
}

macro_rules! events {
    ($($constant:ident = $number:literal $name:literal $timed:ident [$($arg:literal),*];)*) => {
        $(pub(crate) const $constant: u8 = $number;)*

        /// Description of each event type, by its number.
        static SPECS: [Spec; 256] = {
            let mut specs = [Spec::UNKNOWN; 256];
            $(specs[$constant as usize] = Spec {
                name: $name,
                args: &[$($arg),*],
                timed: events!(@$timed),
            };)*
            specs
        };

        /// Number of arguments after the time of each timed event;
        /// [`NOT_TIMED`] for all other types.
        pub(crate) const ARGS: [u8; 256] = {
            let mut args = [NOT_TIMED; 256];
            $(if events!(@$timed) {
                let names: &[&str] = &[$($arg),*];
                args[$constant as usize] = names.len() as u8;
            })*
            args
        };
    };
    (@timed) => { true };
    (@untimed) => { false };
}

/// The event type has no time: it is not in batches of events.
pub(crate) const NOT_TIMED: u8 = u8::MAX;

/// Description of an event type; its name is `Unknown` for a number that is no
/// event type.
pub(crate) fn spec(event_type: u8) -> &'static Spec {
    &SPECS[event_type as usize]
}

/// All event types with their numbers.
pub fn specs() -> impl Iterator<Item = (u8, &'static Spec)> {
    let known = |(_, spec): &(u8, &Spec)| **spec != Spec::UNKNOWN;
    (0..=u8::MAX).zip(&SPECS).filter(known)
}

/// Name of an event type.
pub(crate) fn name(event_type: u8) -> &'static str {
    spec(event_type).name
}

/// Whether an event type has a time.
#[inline(always)]
pub(crate) fn is_timed(event_type: u8) -> bool {
    // Nearly all events of a trace are in this range, and comparing is cheaper
    // than the table.
    matches!(event_type, PROCS_CHANGE..=GO_STATUS_STACK) || ARGS[event_type as usize] != NOT_TIMED
}

/// Whether an event of this type may change the state of other threads than
/// the one that wrote it.
#[inline(always)]
pub(crate) fn may_concern_others(event_type: u8) -> bool {
    matches!(
        event_type,
        GO_STATUS | GO_STATUS_STACK | PROC_STEAL | PROC_STATUS
    )
}

events! {
    EVENT_BATCH = 1 "EventBatch" untimed ["gen", "m", "time", "size"];
    STACKS = 2 "Stacks" untimed [];
    STACK = 3 "Stack" untimed ["id", "nframes"];
    STRINGS = 4 "Strings" untimed [];
    STRING = 5 "String" untimed ["id"];
    CPU_SAMPLES = 6 "CPUSamples" untimed [];
    CPU_SAMPLE = 7 "CPUSample" untimed ["time", "m", "p", "g", "stack"];
    FREQUENCY = 8 "Frequency" untimed ["freq"];

    PROCS_CHANGE = 9 "ProcsChange" timed ["procs_value", "stack"];
    PROC_START = 10 "ProcStart" timed ["p", "p_seq"];
    PROC_STOP = 11 "ProcStop" timed [];
    PROC_STEAL = 12 "ProcSteal" timed ["p", "p_seq", "m"];
    PROC_STATUS = 13 "ProcStatus" timed ["p", "pstatus"];

    GO_CREATE = 14 "GoCreate" timed ["new_g", "new_stack", "stack"];
    GO_CREATE_SYSCALL = 15 "GoCreateSyscall" timed ["new_g"];
    GO_START = 16 "GoStart" timed ["g", "g_seq"];
    GO_DESTROY = 17 "GoDestroy" timed [];
    GO_DESTROY_SYSCALL = 18 "GoDestroySyscall" timed [];
    GO_STOP = 19 "GoStop" timed ["reason_string", "stack"];
    GO_BLOCK = 20 "GoBlock" timed ["reason_string", "stack"];
    GO_UNBLOCK = 21 "GoUnblock" timed ["g", "g_seq", "stack"];
    GO_SYSCALL_BEGIN = 22 "GoSyscallBegin" timed ["p_seq", "stack"];
    GO_SYSCALL_END = 23 "GoSyscallEnd" timed [];
    GO_SYSCALL_END_BLOCKED = 24 "GoSyscallEndBlocked" timed [];
    GO_STATUS = 25 "GoStatus" timed ["g", "m", "gstatus"];

    STW_BEGIN = 26 "STWBegin" timed ["kind_string", "stack"];
    STW_END = 27 "STWEnd" timed [];

    GC_ACTIVE = 28 "GCActive" timed ["gc_seq"];
    GC_BEGIN = 29 "GCBegin" timed ["gc_seq", "stack"];
    GC_END = 30 "GCEnd" timed ["gc_seq"];
    GC_SWEEP_ACTIVE = 31 "GCSweepActive" timed ["p"];
    GC_SWEEP_BEGIN = 32 "GCSweepBegin" timed ["stack"];
    GC_SWEEP_END = 33 "GCSweepEnd" timed ["swept_value", "reclaimed_value"];
    GC_MARK_ASSIST_ACTIVE = 34 "GCMarkAssistActive" timed ["g"];
    GC_MARK_ASSIST_BEGIN = 35 "GCMarkAssistBegin" timed ["stack"];
    GC_MARK_ASSIST_END = 36 "GCMarkAssistEnd" timed [];
    HEAP_ALLOC = 37 "HeapAlloc" timed ["heapalloc_value"];
    HEAP_GOAL = 38 "HeapGoal" timed ["heapgoal_value"];

    GO_LABEL = 39 "GoLabel" timed ["label_string"];
    USER_TASK_BEGIN = 40 "UserTaskBegin" timed ["task", "parent_task", "name_string", "stack"];
    USER_TASK_END = 41 "UserTaskEnd" timed ["task", "stack"];
    USER_REGION_BEGIN = 42 "UserRegionBegin" timed ["task", "name_string", "stack"];
    USER_REGION_END = 43 "UserRegionEnd" timed ["task", "name_string", "stack"];
    USER_LOG = 44 "UserLog" timed ["task", "key_string", "value_string", "stack"];

    GO_SWITCH = 45 "GoSwitch" timed ["g", "g_seq"];
    GO_SWITCH_DESTROY = 46 "GoSwitchDestroy" timed ["g", "g_seq"];
    GO_CREATE_BLOCKED = 47 "GoCreateBlocked" timed ["new_g", "new_stack", "stack"];
    GO_STATUS_STACK = 48 "GoStatusStack" timed ["g", "m", "gstatus", "stack"];

    EXPERIMENTAL_BATCH = 49 "ExperimentalBatch" untimed ["exp", "gen", "m", "time"];
    SYNC = 50 "Sync" untimed [];
    CLOCK_SNAPSHOT = 51 "ClockSnapshot" timed ["mono", "sec", "nsec"];
    END_OF_GENERATION = 52 "EndOfGeneration" untimed [];

    SPAN = 128 "Span" timed ["id", "npages_value", "kindclass"];
    SPAN_ALLOC = 129 "SpanAlloc" timed ["id", "npages_value", "kindclass"];
    SPAN_FREE = 130 "SpanFree" timed ["id"];
    HEAP_OBJECT = 131 "HeapObject" timed ["id", "type"];
    HEAP_OBJECT_ALLOC = 132 "HeapObjectAlloc" timed ["id", "type"];
    HEAP_OBJECT_FREE = 133 "HeapObjectFree" timed ["id"];
    GOROUTINE_STACK = 134 "GoroutineStack" timed ["id", "order"];
    GOROUTINE_STACK_ALLOC = 135 "GoroutineStackAlloc" timed ["id", "order"];
    GOROUTINE_STACK_FREE = 136 "GoroutineStackFree" timed ["id"];
}

/// Limits of the runtime, which the reader checks.
pub(crate) const MAX_BATCH_SIZE: u64 = 64 << 10;
pub(crate) const MAX_FRAMES_PER_STACK: u64 = 128;
pub(crate) const MAX_STRING_SIZE: u64 = 1 << 10;

/// The experiment that ordinary batches belong to: none.
pub(crate) const NO_EXPERIMENT: u8 = 0;
