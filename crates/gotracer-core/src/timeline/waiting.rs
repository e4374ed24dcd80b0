//! Classification of waits by the runtime's reason and the stack.
//!
//! The runtime has one reason, "sync", for all semaphores, and no reason for waits that began before the trace. For
//! these the stack decides. Only its innermost frames up to the first one of the program count: a mutex that a
//! `sync.Once`'s function locks is a mutex.

mod stack;

use super::state::{Part, State};
pub use stack::StackWaits;

/// Kind of a goroutine's wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Wait {
    /// Unknown: the wait began before the trace.
    #[default]
    Unknown,
    /// A semaphore: a lock, a WaitGroup, or the runtime's.
    Sync,
    /// Assist credit from the garbage collector.
    AssistCredit,
    /// The network, or a pipe or terminal in the network poller.
    Network,
    /// `time.Sleep`.
    Sleep,
    /// Another coroutine of the same iterator (`iter.Pull`).
    Coroutine,
    /// The collector suspends the goroutine to scan its stack.
    Scanned,
    /// A channel send.
    Send,
    /// A `select`, which may wait for sends, receives or both.
    Select,
    /// An item of a [`Pool`].
    Pool,
    /// Any other kind, such as a channel receive.
    Other,
}

/// Object of a goroutine's wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum Waiting {
    /// Channel send.
    ChanSend,
    /// Send on a nil channel, which cannot end.
    NilChanSend,
    /// Channel receive.
    ChanReceive,
    /// Receive from a nil channel, which cannot end.
    NilChanReceive,
    /// `select`.
    Select,
    /// `select` without cases, which cannot end.
    NoCases,
    /// Network.
    Network,
    /// Pipe, terminal or child process in the network poller.
    Pipe,
    /// `time.Sleep`.
    Sleep,
    /// `sync.WaitGroup`.
    WaitGroup,
    /// `sync.Cond`.
    Cond,
    /// Lock of a `sync.Cond` after its wait.
    CondRelock,
    /// Function of a `sync.Once` in another goroutine.
    Once,
    /// Lock of an open file.
    FdLock,
    /// End of all operations on a file that is being closed.
    FdClose,
    /// `sync.RWMutex`, to write.
    RwMutexWrite,
    /// `sync.RWMutex`, to read.
    RwMutexRead,
    /// `sync.Mutex`.
    Mutex,
    /// Semaphore of an unknown object.
    Sync,
    /// Assist credit from the collector.
    Credit,
    /// Start of the collector's background workers.
    StartOfMarking,
    /// Start or end of marking.
    EndOfMarking,
    /// A collection by `runtime.GC`.
    RuntimeGc,
    /// Conversion of a weak pointer to a strong one.
    WeakPointer,
    /// Scan of the goroutine's stack by the collector, a profile or the tracer.
    Suspended,
    /// Semaphore of the runtime.
    RuntimeSemaphore,
    /// Another coroutine of the same iterator (`iter.Pull`).
    Coroutine,
    /// A bubble of `testing/synctest`.
    Synctest,
    /// Debugger.
    Debugger,
    /// Panic of another goroutine.
    Panic,
    /// Work for one of the runtime's goroutines.
    Runtime,
    /// Unknown: the wait began before the trace.
    #[default]
    BeforeTrace,
    /// Reason that is not known.
    Unknown,
}

impl Waiting {
    /// All objects of waits.
    pub const ALL: [Self; 33] = [
        Self::ChanSend,
        Self::NilChanSend,
        Self::ChanReceive,
        Self::NilChanReceive,
        Self::Select,
        Self::NoCases,
        Self::Network,
        Self::Pipe,
        Self::Sleep,
        Self::WaitGroup,
        Self::Cond,
        Self::CondRelock,
        Self::Once,
        Self::FdLock,
        Self::FdClose,
        Self::RwMutexWrite,
        Self::RwMutexRead,
        Self::Mutex,
        Self::Sync,
        Self::Credit,
        Self::StartOfMarking,
        Self::EndOfMarking,
        Self::RuntimeGc,
        Self::WeakPointer,
        Self::Suspended,
        Self::RuntimeSemaphore,
        Self::Coroutine,
        Self::Synctest,
        Self::Debugger,
        Self::Panic,
        Self::Runtime,
        Self::BeforeTrace,
        Self::Unknown,
    ];

    /// State of a goroutine with this wait.
    pub fn state(self) -> State {
        match self {
            Self::ChanSend | Self::NilChanSend => State::ChanSend,
            Self::ChanReceive | Self::NilChanReceive => State::ChanReceive,
            Self::Select | Self::NoCases => State::Select,
            Self::Network | Self::Pipe => State::Network,
            Self::Sleep => State::Sleep,
            Self::WaitGroup => State::WaitGroup,
            Self::Cond => State::Cond,
            Self::CondRelock
            | Self::Once
            | Self::FdLock
            | Self::FdClose
            | Self::RwMutexWrite
            | Self::RwMutexRead
            | Self::Mutex => State::Lock,
            Self::Credit => State::GcAssist,
            Self::StartOfMarking
            | Self::EndOfMarking
            | Self::RuntimeGc
            | Self::WeakPointer
            | Self::Suspended => State::GcWait,
            Self::Sync
            | Self::RuntimeSemaphore
            | Self::Coroutine
            | Self::Synctest
            | Self::Debugger
            | Self::Panic
            | Self::Runtime
            | Self::BeforeTrace
            | Self::Unknown => State::Other,
        }
    }

    /// Part of the state vector for this wait.
    #[inline]
    pub(super) fn part(self) -> Part {
        Part::of_wait(self.state())
    }

    /// Name for people, more precise than the state's.
    pub fn label(self) -> &'static str {
        match self {
            Self::ChanSend => "chan send",
            Self::NilChanSend => "chan send (nil channel)",
            Self::ChanReceive => "chan receive",
            Self::NilChanReceive => "chan receive (nil channel)",
            Self::Select => "select",
            Self::NoCases => "select (no cases)",
            Self::Network => "network",
            Self::Pipe => "pipe",
            Self::Sleep => "sleep",
            Self::WaitGroup => "WaitGroup",
            Self::Cond => "Cond",
            Self::CondRelock => "Cond relock",
            Self::Once => "Once",
            Self::FdLock => "file lock",
            Self::FdClose => "file close",
            Self::RwMutexWrite => "RWMutex write",
            Self::RwMutexRead => "RWMutex read",
            Self::Mutex => "Mutex",
            Self::Sync => "sync",
            Self::Credit => "GC assist credit",
            Self::StartOfMarking => "start of GC marking",
            Self::EndOfMarking => "start or end of GC marking",
            Self::RuntimeGc => "runtime.GC",
            Self::WeakPointer => "weak pointer",
            Self::Suspended => "suspended",
            Self::RuntimeSemaphore => "runtime semaphore",
            Self::Coroutine => "coroutine",
            Self::Synctest => "synctest",
            Self::Debugger => "debugger",
            Self::Panic => "panic",
            Self::Runtime => "runtime",
            Self::BeforeTrace => "since before the trace",
            Self::Unknown => "unknown",
        }
    }
}

/// Pool from which a goroutine waits for an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pool {
    /// Connections of a `database/sql.DB`.
    Database,
    /// Connections of a `net/http.Transport`.
    Http,
    /// Semaphore of `golang.org/x/sync/semaphore`.
    Semaphore,
    /// Goroutines of an `errgroup.Group` with a limit.
    Group,
}

impl Pool {
    /// Name in texts for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Database => "a database connection",
            Self::Http => "an HTTP connection",
            Self::Semaphore => "a semaphore",
            Self::Group => "a goroutine of an errgroup",
        }
    }
}

#[cfg(test)]
mod tests;
