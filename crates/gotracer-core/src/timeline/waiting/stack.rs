//! Waits with a given stack.

use super::{Pool, Wait, Waiting};
use crate::timeline::classify::{is_below, is_lock_wait};

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
