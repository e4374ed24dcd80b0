//! A moment of a trace, as pictures show it: runs on each P, waits, and wake-ups.

/// Time around the worst occurrence of a finding. Times within it are ns since its start.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Identifier of the finding.
    pub finding: String,
    /// Start of the moment, ns since the trace's start.
    pub from: u64,
    /// Length of the moment, ns.
    pub length: u64,
    /// One row per P, then one row per goroutine.
    pub rows: Vec<Row>,
    /// Times in which the world was stopped, with the reason.
    pub stops: Vec<Span>,
    /// Wake-ups of the goroutines in the rows.
    pub wakes: Vec<Wake>,
}

/// One line of the picture.
#[derive(Clone, Debug)]
pub struct Row {
    /// Label: `P 0`, or a goroutine and its place.
    pub name: String,
    /// Intervals, in order of time.
    pub spans: Vec<Span>,
}

/// One interval.
#[derive(Clone, PartialEq, Debug)]
pub struct Span {
    /// Start.
    pub from: u64,
    /// End.
    pub to: u64,
    /// State during the interval.
    pub state: SpanState,
    /// Text of the tooltip.
    pub text: String,
}

/// State during an interval.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum SpanState {
    /// A goroutine runs on a P.
    Run,
    /// A goroutine of the finding runs on a P.
    Victim,
    /// The goroutine that caused the finding runs on a P.
    Culprit,
    /// A goroutine is runnable and has no P.
    Runnable,
    /// A goroutine is blocked.
    Blocked,
    /// A goroutine is in a syscall.
    Syscall,
    /// The world is stopped.
    Stopped,
}

impl SpanState {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Run,
        Self::Victim,
        Self::Culprit,
        Self::Runnable,
        Self::Blocked,
        Self::Syscall,
        Self::Stopped,
    ];

    /// Returns its class in a page's style.
    pub fn class(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Victim => "victim",
            Self::Culprit => "culprit",
            Self::Runnable => "ready",
            Self::Blocked => "blocked",
            Self::Syscall => "syscall",
            Self::Stopped => "stop",
        }
    }

    /// Returns its name in a legend.
    pub fn name(self) -> &'static str {
        match self {
            Self::Run => "runs",
            Self::Victim => "the finding's goroutine runs",
            Self::Culprit => "the cause runs",
            Self::Runnable => "runnable, no P",
            Self::Blocked => "blocked",
            Self::Syscall => "in a syscall",
            Self::Stopped => "world stopped",
        }
    }
}

/// A wake-up: a line from the row of the waker to the row of the goroutine that it woke.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wake {
    /// Time of the wake-up.
    pub at: u64,
    /// Row of the waker.
    pub from: usize,
    /// Row of the goroutine.
    pub to: usize,
}
