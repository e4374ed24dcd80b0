//! Event types of the wire format and how many arguments each has.
//!
//! The numbers are those of `internal/trace/tracev2/events.go` in the Go tree.

macro_rules! events {
    ($($name:ident = $number:literal $(($args:literal))?;)*) => {
        $(pub const $name: u8 = $number;)*

        /// Arguments after the time of each event that can stand in a batch of
        /// events; [`NOT_TIMED`] for everything else.
        pub const ARGS: [u8; 256] = {
            let mut t = [NOT_TIMED; 256];
            $($(t[$number] = $args;)?)*
            t
        };
    };
}

/// The event type carries no time: it does not stand in a batch of events.
pub const NOT_TIMED: u8 = u8::MAX;

/// Whether an event type carries a time.
#[inline(always)]
pub fn is_timed(kind: u8) -> bool {
    // Nearly all do that there are: looking it up costs more.
    matches!(kind, PROCS_CHANGE..=GO_STATUS_STACK) || ARGS[kind as usize] != NOT_TIMED
}

/// Whether an event of this type may change the state of other threads than
/// the one that wrote it.
#[inline(always)]
pub fn may_concern_others(kind: u8) -> bool {
    matches!(kind, GO_STATUS | GO_STATUS_STACK | PROC_STEAL | PROC_STATUS)
}

events! {
    EVENT_BATCH = 1;
    STACKS = 2;
    STACK = 3;
    STRINGS = 4;
    STRING = 5;
    CPU_SAMPLES = 6;
    CPU_SAMPLE = 7;
    FREQUENCY = 8;

    PROCS_CHANGE = 9 (2);
    PROC_START = 10 (2);
    PROC_STOP = 11 (0);
    PROC_STEAL = 12 (3);
    PROC_STATUS = 13 (2);

    GO_CREATE = 14 (3);
    GO_CREATE_SYSCALL = 15 (1);
    GO_START = 16 (2);
    GO_DESTROY = 17 (0);
    GO_DESTROY_SYSCALL = 18 (0);
    GO_STOP = 19 (2);
    GO_BLOCK = 20 (2);
    GO_UNBLOCK = 21 (3);
    GO_SYSCALL_BEGIN = 22 (2);
    GO_SYSCALL_END = 23 (0);
    GO_SYSCALL_END_BLOCKED = 24 (0);
    GO_STATUS = 25 (3);

    STW_BEGIN = 26 (2);
    STW_END = 27 (0);

    GC_ACTIVE = 28 (1);
    GC_BEGIN = 29 (2);
    GC_END = 30 (1);
    GC_SWEEP_ACTIVE = 31 (1);
    GC_SWEEP_BEGIN = 32 (1);
    GC_SWEEP_END = 33 (2);
    GC_MARK_ASSIST_ACTIVE = 34 (1);
    GC_MARK_ASSIST_BEGIN = 35 (1);
    GC_MARK_ASSIST_END = 36 (0);
    HEAP_ALLOC = 37 (1);
    HEAP_GOAL = 38 (1);

    GO_LABEL = 39 (1);
    USER_TASK_BEGIN = 40 (4);
    USER_TASK_END = 41 (2);
    USER_REGION_BEGIN = 42 (3);
    USER_REGION_END = 43 (3);
    USER_LOG = 44 (4);

    GO_SWITCH = 45 (2);
    GO_SWITCH_DESTROY = 46 (2);
    GO_CREATE_BLOCKED = 47 (3);
    GO_STATUS_STACK = 48 (4);

    EXPERIMENTAL_BATCH = 49;
    SYNC = 50;
    CLOCK_SNAPSHOT = 51 (3);
    END_OF_GENERATION = 52;

    SPAN = 128 (3);
    SPAN_ALLOC = 129 (3);
    SPAN_FREE = 130 (1);
    HEAP_OBJECT = 131 (2);
    HEAP_OBJECT_ALLOC = 132 (2);
    HEAP_OBJECT_FREE = 133 (1);
    GOROUTINE_STACK = 134 (2);
    GOROUTINE_STACK_ALLOC = 135 (2);
    GOROUTINE_STACK_FREE = 136 (1);
}

/// The limits that the runtime keeps and a reader may rely on once checked.
pub const MAX_BATCH_SIZE: u64 = 64 << 10;
pub const MAX_FRAMES_PER_STACK: u64 = 128;
pub const MAX_STRING_SIZE: u64 = 1 << 10;

/// The experiment that ordinary batches belong to: none.
pub const NO_EXPERIMENT: u8 = 0;

/// Name and argument names of an experimental event.
pub fn experimental(wire: u8) -> (&'static str, &'static [&'static str]) {
    match wire {
        SPAN => ("Span", &["id", "npages_value", "kindclass"]),
        SPAN_ALLOC => ("SpanAlloc", &["id", "npages_value", "kindclass"]),
        SPAN_FREE => ("SpanFree", &["id"]),
        HEAP_OBJECT => ("HeapObject", &["id", "type"]),
        HEAP_OBJECT_ALLOC => ("HeapObjectAlloc", &["id", "type"]),
        HEAP_OBJECT_FREE => ("HeapObjectFree", &["id"]),
        GOROUTINE_STACK => ("GoroutineStack", &["id", "order"]),
        GOROUTINE_STACK_ALLOC => ("GoroutineStackAlloc", &["id", "order"]),
        GOROUTINE_STACK_FREE => ("GoroutineStackFree", &["id"]),
        _ => ("Unknown", &[]),
    }
}
