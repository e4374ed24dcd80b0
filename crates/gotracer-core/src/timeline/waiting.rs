//! Classification of waits by the runtime's reason and the stack.
//!
//! The runtime has one reason, "sync", for all semaphores, and no reason for waits that began before the trace. For
//! these the stack decides. Only its innermost frames up to the first one of the program count: a mutex that a
//! `sync.Once`'s function locks is a mutex.

use super::classify::{is_below, is_lock_wait};
use super::interval::Wait;
use super::state::{Part, State};

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

/// Objects of waits with a given stack, by the runtime's reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StackWaits {
    /// For reason "sync".
    pub sync: Waiting,
    /// For reason "chan receive".
    pub receive: Waiting,
    /// For reason "network".
    pub network: Waiting,
    /// For reason "forever".
    pub forever: Waiting,
    /// Without a reason.
    pub silent: Waiting,
    /// Without a reason, if the wait began before the trace.
    pub before: Waiting,
    /// Pool whose function is the innermost frame outside of the runtime's packages.
    pub pool: Option<Pool>,
}

impl Default for StackWaits {
    /// Returns the waits without a stack.
    fn default() -> Self {
        Self {
            sync: Waiting::Sync,
            receive: Waiting::ChanReceive,
            network: Waiting::Network,
            forever: Waiting::NoCases,
            silent: Waiting::Coroutine,
            before: Waiting::BeforeTrace,
            pool: None,
        }
    }
}

impl StackWaits {
    /// Kind of a wait that began before the trace.
    pub fn wait_before(&self) -> Wait {
        match self.before {
            Waiting::ChanSend | Waiting::ChanReceive | Waiting::Select if self.pool.is_some() => {
                Wait::Pool
            }
            Waiting::ChanSend => Wait::Send,
            _ => Wait::Unknown,
        }
    }

    /// Classifies a stack, innermost frame first.
    pub fn of(functions: &[&str]) -> Self {
        let inner = functions.iter().take_while(|f| f.is_empty() || is_below(f));
        let (inner, outer) = functions.split_at(inner.count());
        let holds = |name: &str| inner.contains(&name);
        let starts = |name: &str| inner.iter().any(|f| f.starts_with(name));
        let sync = sync(inner);
        let network = match starts("os.(*File)") {
            true => Waiting::Pipe,
            false => Waiting::Network,
        };
        Self {
            sync,
            receive: match holds("runtime.gcBgMarkStartWorkers") {
                true => Waiting::StartOfMarking,
                false => Waiting::ChanReceive,
            },
            network,
            forever: if starts("runtime.chansend") {
                Waiting::NilChanSend
            } else if starts("runtime.chanrecv") {
                Waiting::NilChanReceive
            } else if functions == ["runtime.main"] {
                Waiting::Panic
            } else {
                Waiting::NoCases
            },
            silent: match functions.is_empty() || starts("runtime.coro") {
                true => Waiting::Coroutine,
                false => Waiting::Unknown,
            },
            before: before(inner, sync, network),
            pool: outer.first().and_then(|f| pool(f)),
        }
    }
}

/// Classifies a wait for a semaphore.
fn sync(inner: &[&str]) -> Waiting {
    let any = |names: &[&str]| inner.iter().any(|f| names.contains(f));
    let starts = |names: &[&str]| inner.iter().any(|f| names.iter().any(|n| f.starts_with(n)));
    let is_lock = |f: &&str| is_lock_wait(f) || f.starts_with("internal/sync.(*Mutex).");
    let first = inner.iter().position(is_lock);
    let callers = first.map_or(&[][..], |first| {
        let outside = inner[first..].iter().position(|f| !is_lock(f));
        outside.map_or(&[][..], |outside| &inner[first + outside..])
    });
    let called_by = |name: &str| callers.iter().any(|f| f.starts_with(name));
    if any(&MARKING) {
        Waiting::EndOfMarking
    } else if starts(&STOPPING) {
        Waiting::RuntimeSemaphore
    } else if any(&["sync.(*WaitGroup).Wait"]) {
        Waiting::WaitGroup
    } else if called_by("sync.(*Cond).Wait") {
        Waiting::CondRelock
    } else if callers
        .first()
        .is_some_and(|f| f.starts_with("sync.(*Once)."))
    {
        Waiting::Once
    } else if any(&["internal/poll.(*fdMutex).rwlock"]) {
        Waiting::FdLock
    } else if any(&["internal/poll.(*FD).Close"]) {
        Waiting::FdClose
    } else if any(&["sync.(*RWMutex).Lock"]) {
        Waiting::RwMutexWrite
    } else if starts(&[
        "sync.(*RWMutex).RLock",
        "sync.(*rlocker).Lock",
        "sync.runtime_SemacquireRWMutexRLock",
    ]) {
        Waiting::RwMutexRead
    } else if any(&["sync.runtime_SemacquireRWMutex"]) {
        Waiting::RwMutexWrite
    } else if first.is_some() {
        Waiting::Mutex
    } else {
        Waiting::Sync
    }
}

/// Functions that wait for the start or the end of marking.
const MARKING: [&str; 4] = [
    "runtime.gcMarkDone",
    "runtime.gcStart",
    "runtime.GC",
    "runtime.gcBgMarkWorker",
];

/// Prefixes of functions that wait for a semaphore of the runtime.
const STOPPING: [&str; 6] = [
    "runtime.stopTheWorld",
    "runtime.ReadMemStats",
    "runtime.GOMAXPROCS",
    "runtime.traceAdvance",
    "runtime.StartTrace",
    "runtime.goroutineProfile",
];

/// Classifies a wait that began before the trace, by the function that parked the goroutine.
fn before(inner: &[&str], sync: Waiting, network: Waiting) -> Waiting {
    let parks = ["runtime.gopark", "runtime.goparkunlock"];
    let mut functions = inner.iter().skip_while(|f| parks.contains(f));
    let Some(function) = functions.next() else {
        return Waiting::BeforeTrace;
    };
    match *function {
        "runtime.chanrecv" => Waiting::ChanReceive,
        "runtime.chansend" => Waiting::ChanSend,
        "runtime.selectgo" => Waiting::Select,
        "runtime.block" => Waiting::NoCases,
        "time.Sleep" => Waiting::Sleep,
        "runtime.netpollblock" => network,
        "sync.runtime_notifyListWait" => Waiting::Cond,
        "runtime.gcParkAssist" => Waiting::Credit,
        "runtime.gcWaitOnMark" => Waiting::RuntimeGc,
        "runtime.semacquire1" => sync,
        name if name.starts_with("runtime.coro") => Waiting::Coroutine,
        _ => Waiting::BeforeTrace,
    }
}

/// Pool that a function takes an item from.
fn pool(function: &str) -> Option<Pool> {
    match function {
        "database/sql.(*DB).conn" => Some(Pool::Database),
        "net/http.(*Transport).getConn" => Some(Pool::Http),
        // Both may be vendored.
        _ if function.ends_with("golang.org/x/sync/semaphore.(*Weighted).Acquire") => {
            Some(Pool::Semaphore)
        }
        _ if function.ends_with("golang.org/x/sync/errgroup.(*Group).Go") => Some(Pool::Group),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sync_of(functions: &[&str]) -> Waiting {
        StackWaits::of(functions).sync
    }

    #[test]
    fn semaphores_are_told_apart_by_the_innermost_frames() {
        let mutex = [
            "internal/sync.(*Mutex).lockSlow",
            "internal/sync.(*Mutex).Lock",
            "sync.(*Mutex).Lock",
            "main.f",
        ];
        assert_eq!(sync_of(&mutex), Waiting::Mutex);
        let once = [
            "sync.(*Mutex).lockSlow",
            "sync.(*Mutex).Lock",
            "sync.(*Once).doSlow",
            "sync.(*Once).Do",
            "main.f",
        ];
        assert_eq!(sync_of(&once), Waiting::Once);
        // The function of the sync.Once locks a mutex.
        let within = [
            "sync.(*Mutex).Lock",
            "main.init",
            "sync.(*Once).doSlow",
            "main.f",
        ];
        assert_eq!(sync_of(&within), Waiting::Mutex);
        assert_eq!(
            sync_of(&["sync.(*WaitGroup).Wait", "main.f"]),
            Waiting::WaitGroup
        );
        let relock = ["sync.(*Mutex).Lock", "sync.(*Cond).Wait", "main.f"];
        assert_eq!(sync_of(&relock), Waiting::CondRelock);
        let writers = ["sync.(*Mutex).Lock", "sync.(*RWMutex).Lock", "main.f"];
        assert_eq!(sync_of(&writers), Waiting::RwMutexWrite);
        assert_eq!(
            sync_of(&["sync.(*RWMutex).RLock", "main.f"]),
            Waiting::RwMutexRead
        );
        let fd = [
            "internal/poll.(*fdMutex).rwlock",
            "internal/poll.(*FD).Write",
            "os.(*File).Write",
            "main.f",
        ];
        assert_eq!(sync_of(&fd), Waiting::FdLock);
        let done = ["runtime.gcMarkDone", "runtime.gcAssistAlloc", "main.f"];
        assert_eq!(sync_of(&done), Waiting::EndOfMarking);
        let stats = ["runtime.stopTheWorldGC", "runtime.ReadMemStats", "main.f"];
        assert_eq!(sync_of(&stats), Waiting::RuntimeSemaphore);
        assert_eq!(sync_of(&[]), Waiting::Sync);
    }

    #[test]
    fn waits_from_before_the_trace_are_told_by_what_parked_them() {
        let before = |functions: &[&str]| StackWaits::of(functions).before;
        let park = "runtime.gopark";
        assert_eq!(
            before(&[park, "runtime.chanrecv", "main.f"]),
            Waiting::ChanReceive
        );
        let group = [
            park,
            "runtime.goparkunlock",
            "runtime.semacquire1",
            "sync.runtime_SemacquireWaitGroup",
            "sync.(*WaitGroup).Wait",
            "main.f",
        ];
        assert_eq!(before(&group), Waiting::WaitGroup);
        let pipe = [
            park,
            "runtime.netpollblock",
            "internal/poll.(*FD).Read",
            "os.(*File).Read",
            "main.f",
        ];
        assert_eq!(before(&pipe), Waiting::Pipe);
        assert_eq!(before(&[park, "runtime.bgsweep"]), Waiting::BeforeTrace);
        assert_eq!(before(&[]), Waiting::BeforeTrace);
    }

    #[test]
    fn waits_for_ever_and_pools() {
        let of = |functions: &[&str]| StackWaits::of(functions);
        assert_eq!(
            of(&["runtime.chansend1", "main.f"]).forever,
            Waiting::NilChanSend
        );
        assert_eq!(of(&["runtime.main"]).forever, Waiting::Panic);
        assert_eq!(
            of(&["runtime.block", "runtime.main"]).forever,
            Waiting::NoCases
        );
        assert_eq!(of(&["main.main", "runtime.main"]).forever, Waiting::NoCases);
        let conn = ["runtime.selectgo", "database/sql.(*DB).conn", "main.f"];
        assert_eq!(of(&conn).pool, Some(Pool::Database));
        assert_eq!(
            of(&["runtime.selectgo", "main.f", "database/sql.(*DB).conn"]).pool,
            None
        );
    }
}
