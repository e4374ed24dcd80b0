//! Event types of the old wire format and how many arguments each has.
//!
//! The numbers are those of `runtime/trace.go` in Go 1.21. An event's first
//! byte holds its type and, in the two highest bits, how many arguments follow
//! besides one: up to three. Events with more give their length in bytes first.

macro_rules! events {
    ($($name:ident = $number:literal $(($args:literal))?;)*) => {
        $(pub const $name: u8 = $number;)*

        /// Arguments of each event that has a time, which is the first of
        /// them; [`NOT_TIMED`] for everything else.
        pub const ARGS: [u8; 64] = {
            let mut t = [NOT_TIMED; 64];
            $($(t[$number] = $args;)?)*
            t
        };
    };
}

/// The event carries no time or is not one of a P.
pub const NOT_TIMED: u8 = 0;

events! {
    BATCH = 1;
    FREQUENCY = 2;
    STACK = 3;

    GOMAXPROCS = 4 (3);
    PROC_START = 5 (2);
    PROC_STOP = 6 (1);
    GC_START = 7 (3);
    GC_DONE = 8 (1);
    STW_START = 9 (2);
    STW_DONE = 10 (1);
    SWEEP_START = 11 (2);
    SWEEP_DONE = 12 (3);
    GO_CREATE = 13 (4);
    GO_START = 14 (3);
    GO_END = 15 (1);
    GO_STOP = 16 (2);
    GO_SCHED = 17 (2);
    GO_PREEMPT = 18 (2);
    GO_SLEEP = 19 (2);
    GO_BLOCK = 20 (2);
    GO_UNBLOCK = 21 (4);
    GO_BLOCK_SEND = 22 (2);
    GO_BLOCK_RECV = 23 (2);
    GO_BLOCK_SELECT = 24 (2);
    GO_BLOCK_SYNC = 25 (2);
    GO_BLOCK_COND = 26 (2);
    GO_BLOCK_NET = 27 (2);
    GO_SYSCALL = 28 (2);
    GO_SYSEXIT = 29 (4);
    GO_SYSBLOCK = 30 (1);
    GO_WAITING = 31 (2);
    GO_IN_SYSCALL = 32 (2);
    HEAP_ALLOC = 33 (2);
    HEAP_GOAL = 34 (2);
    TIMER_GOROUTINE = 35;
    FUTILE_WAKEUP = 36 (1);
    STRING = 37;
    GO_START_LOCAL = 38 (2);
    GO_UNBLOCK_LOCAL = 39 (3);
    GO_SYSEXIT_LOCAL = 40 (3);
    GO_START_LABEL = 41 (4);
    GO_BLOCK_GC = 42 (2);
    ASSIST_START = 43 (2);
    ASSIST_DONE = 44 (1);
    TASK_CREATE = 45 (5);
    TASK_END = 46 (3);
    REGION = 47 (5);
    LOG = 48 (4);
    CPU_SAMPLE = 49;
}

/// Event types from here on do not exist.
pub const COUNT: u8 = 50;

/// The bits of an event's first byte that hold its type.
pub const TYPE: u8 = 0x3f;

/// First bytes from here on belong to events whose length in bytes is the
/// first number behind them.
pub const PREFIXED: u8 = 0xc0;

/// The first version of the format that has CPU samples.
pub const WITH_CPU_SAMPLES: u32 = 19;

/// The longest such event, and the longest string, that the reference accepts.
pub const MAX_PREFIXED: u64 = 2048;
pub const MAX_STRING: u64 = 1_000_000;
/// The deepest stack.
pub const MAX_FRAMES: u64 = 1000;
