//! Event types of the old wire format: one table of numbers, names and
//! argument counts.
//!
//! The numbers are those of `runtime/trace.go` in Go 1.21. An event's first
//! byte holds its type and, in the two highest bits, how many arguments follow
//! besides one: up to three. Events with more give their length in bytes first.

macro_rules! events {
    ($($constant:ident = $number:literal $name:literal $(($args:literal))?;)*) => {
        $(pub(super) const $constant: u8 = $number;)*

        /// Name of an event type.
        pub(super) fn name(event_type: u8) -> &'static str {
            match event_type {
                $($number => $name,)*
                _ => "Unknown",
            }
        }

        /// Number of arguments of each timed event, the time included;
        /// [`NOT_TIMED`] for all other types.
        pub(super) const ARGS: [u8; 64] = {
            let mut args = [NOT_TIMED; 64];
            $($(args[$number] = $args;)?)*
            args
        };
    };
}

/// The event has no time, or does not belong to a P.
pub(super) const NOT_TIMED: u8 = 0;

events! {
    BATCH = 1 "Batch";
    FREQUENCY = 2 "Frequency";
    STACK = 3 "Stack";

    GOMAXPROCS = 4 "Gomaxprocs" (3);
    PROC_START = 5 "ProcStart" (2);
    PROC_STOP = 6 "ProcStop" (1);
    GC_START = 7 "GCStart" (3);
    GC_DONE = 8 "GCDone" (1);
    STW_START = 9 "STWStart" (2);
    STW_DONE = 10 "STWDone" (1);
    SWEEP_START = 11 "SweepStart" (2);
    SWEEP_DONE = 12 "SweepDone" (3);
    GO_CREATE = 13 "GoCreate" (4);
    GO_START = 14 "GoStart" (3);
    GO_END = 15 "GoEnd" (1);
    GO_STOP = 16 "GoStop" (2);
    GO_SCHED = 17 "GoSched" (2);
    GO_PREEMPT = 18 "GoPreempt" (2);
    GO_SLEEP = 19 "GoSleep" (2);
    GO_BLOCK = 20 "GoBlock" (2);
    GO_UNBLOCK = 21 "GoUnblock" (4);
    GO_BLOCK_SEND = 22 "GoBlockSend" (2);
    GO_BLOCK_RECV = 23 "GoBlockRecv" (2);
    GO_BLOCK_SELECT = 24 "GoBlockSelect" (2);
    GO_BLOCK_SYNC = 25 "GoBlockSync" (2);
    GO_BLOCK_COND = 26 "GoBlockCond" (2);
    GO_BLOCK_NET = 27 "GoBlockNet" (2);
    GO_SYSCALL = 28 "GoSysCall" (2);
    GO_SYSEXIT = 29 "GoSysExit" (4);
    GO_SYSBLOCK = 30 "GoSysBlock" (1);
    GO_WAITING = 31 "GoWaiting" (2);
    GO_IN_SYSCALL = 32 "GoInSyscall" (2);
    HEAP_ALLOC = 33 "HeapAlloc" (2);
    HEAP_GOAL = 34 "HeapGoal" (2);
    TIMER_GOROUTINE = 35 "TimerGoroutine";
    FUTILE_WAKEUP = 36 "FutileWakeup" (1);
    STRING = 37 "String";
    GO_START_LOCAL = 38 "GoStartLocal" (2);
    GO_UNBLOCK_LOCAL = 39 "GoUnblockLocal" (3);
    GO_SYSEXIT_LOCAL = 40 "GoSysExitLocal" (3);
    GO_START_LABEL = 41 "GoStartLabel" (4);
    GO_BLOCK_GC = 42 "GoBlockGC" (2);
    ASSIST_START = 43 "AssistStart" (2);
    ASSIST_DONE = 44 "AssistDone" (1);
    TASK_CREATE = 45 "TaskCreate" (5);
    TASK_END = 46 "TaskEnd" (3);
    REGION = 47 "Region" (5);
    LOG = 48 "Log" (4);
    CPU_SAMPLE = 49 "CPUSample";
}

/// Event types from here on do not exist.
pub(super) const COUNT: u8 = 50;

/// The bits of an event's first byte that hold its type.
pub(super) const TYPE: u8 = 0x3f;

/// First bytes from here on belong to events whose length in bytes is the
/// first number behind them.
pub(super) const PREFIXED: u8 = 0xc0;

/// The first version of the format that has CPU samples.
pub(super) const WITH_CPU_SAMPLES: u32 = 19;

/// The longest such event, and the longest string, that the reference accepts.
pub(super) const MAX_PREFIXED: u64 = 2048;
pub(super) const MAX_STRING: u64 = 1_000_000;
/// The deepest stack.
pub(super) const MAX_FRAMES: u64 = 1000;
