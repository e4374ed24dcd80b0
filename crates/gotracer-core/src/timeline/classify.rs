//! Classification of stacks by their functions.

/// Owner of a goroutine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Owner {
    /// The program.
    #[default]
    Program,
    /// The runtime: garbage collection workers, finalizers.
    Runtime,
    /// The execution tracer. Its goroutines exist only because of the trace.
    Tracer,
}

/// Type of a lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Lock {
    /// `sync.Mutex`.
    Mutex,
    /// `sync.RWMutex`.
    RwMutex,
    /// Lock of an open file, one for readers and one for writers.
    File,
    /// `sync.Once`, while another goroutine runs its function.
    Once,
}

impl Lock {
    /// All types.
    pub const ALL: [Self; 4] = [Self::Mutex, Self::RwMutex, Self::File, Self::Once];

    /// Name in JSON and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mutex => "mutex",
            Self::RwMutex => "rwmutex",
            Self::File => "file",
            Self::Once => "once",
        }
    }
}

/// Returns the type of the lock that the stack waits for. Only the innermost frames up to the first one of the
/// program count, because the goroutine does not wait for the frames below.
pub(super) fn lock(functions: &[&str]) -> Option<Lock> {
    let inner = functions.iter().take_while(|f| f.is_empty() || is_below(f));
    let inner = &functions[..inner.count()];
    if inner.contains(&"internal/poll.(*fdMutex).rwlock") {
        return Some(Lock::File);
    }
    let at = inner.iter().rposition(|f| is_lock_wait(f))?;
    let is = |name: &str| inner.iter().any(|f| name_in_sync(f).starts_with(name));
    Some(if is_of_once(&inner[at..]) {
        Lock::Once
    } else if is("(*RWMutex)") || is("(*rlocker)") || is("runtime_SemacquireRWMutex") {
        Lock::RwMutex
    } else {
        Lock::Mutex
    })
}

/// Whether a function belongs to one of the packages through which goroutines wait.
pub(super) fn is_below(function: &str) -> bool {
    [
        "runtime.",
        "sync.",
        "internal/",
        "os.",
        "net.",
        "time.",
        "syscall.",
    ]
    .iter()
    .any(|package| function.starts_with(package))
}

/// Whether a goroutine in this function is blocked. A preempted goroutine is not: it computes.
pub(super) fn is_blocking(innermost: &str) -> bool {
    is_below(innermost) && !innermost.starts_with("runtime.asyncPreempt")
}

/// Whether a function receives from a channel. `runtime.selectgo` may do so, and is left out.
pub(super) fn is_receive(innermost: &str) -> bool {
    innermost.starts_with("runtime.chanrecv") || innermost == "runtime.selectnbrecv"
}

/// Whether the stack releases a lock.
pub(super) fn unlocks(functions: &[&str]) -> bool {
    let unlock = functions.iter().rposition(|f| is_unlock(f));
    unlock.is_some_and(|at| !is_of_once(&functions[at..]))
        || functions.contains(&"internal/poll.(*fdMutex).rwunlock")
}

/// Whether a `sync.Once` calls the lock. It holds a mutex while its function runs, so a goroutine that waits for the
/// mutex waits for the function.
fn is_of_once(callers: &[&str]) -> bool {
    let near = callers.iter().take(3);
    near.into_iter().any(|f| f.starts_with("sync.(*Once)."))
}

/// Whether a function is a call of C code that cgo generated.
pub fn is_c_call(function: &str) -> bool {
    let name = function
        .rfind('/')
        .map_or(function, |slash| &function[slash + 1..]);
    let name = name.split_once('.').map_or("", |(_, name)| name);
    ["_Cfunc_", "_C2func_", "_Cgo_", "_cgo"]
        .iter()
        .any(|generated| name.starts_with(generated))
}

/// Whether the runtime parks the thread in a "syscall".
pub(super) fn is_parked(functions: &[&str]) -> bool {
    functions.iter().any(|f| PARKED.contains(f))
}

/// Whether a goroutine in this function waits for a lock, in any Go version since 1.11. The lock method may have been
/// inlined; its slow path never is.
pub(super) fn is_lock_wait(function: &str) -> bool {
    matches!(
        name_in_sync(function),
        "(*Mutex).Lock"
            | "(*Mutex).lockSlow"
            | "(*RWMutex).Lock"
            | "(*RWMutex).RLock"
            | "(*rlocker).Lock"
            | "runtime_SemacquireMutex"
            | "runtime_SemacquireRWMutex"
            | "runtime_SemacquireRWMutexRLock"
    )
}

pub(super) fn is_unlock(function: &str) -> bool {
    matches!(
        name_in_sync(function),
        "(*Mutex).Unlock"
            | "(*Mutex).unlockSlow"
            | "(*RWMutex).Unlock"
            | "(*RWMutex).RUnlock"
            | "(*RWMutex).rUnlockSlow"
            | "(*rlocker).Unlock"
    )
}

/// Name of a function within package sync, parts of which moved to internal/ in Go 1.24. Empty for other packages.
fn name_in_sync(function: &str) -> &str {
    let public = function.strip_prefix("sync.");
    let name = public.or_else(|| function.strip_prefix("internal/sync."));
    name.unwrap_or_default()
}

/// Process or device outside of the program that ends a system call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Outside {
    /// The kernel or a disk.
    #[default]
    Kernel,
    /// A child process, when it exits.
    Child,
    /// The writer of the file, pipe or terminal that the call reads. Only the duration distinguishes a disk from a
    /// pipe or terminal.
    Writer,
}

/// Returns the process or device that ends the system call at the top of the stack.
pub(super) fn outside(functions: &[&str]) -> Outside {
    let any = |of: &[&str]| functions.iter().any(|f| of.contains(f));
    if any(&CHILD_WAITS) {
        Outside::Child
    } else if any(&READS) {
        Outside::Writer
    } else {
        Outside::Kernel
    }
}

/// Functions that wait for a child process.
const CHILD_WAITS: [&str; 10] = [
    "os.(*Process).Wait",
    "os.(*Process).wait",
    "os.(*Process).blockUntilWaitable",
    "os.(*Process).pidfdWait",
    "syscall.Wait4",
    "syscall.wait4",
    "internal/syscall/unix.Waitid",
    "golang.org/x/sys/unix.Wait4",
    "golang.org/x/sys/unix.wait4",
    "golang.org/x/sys/unix.Waitid",
];

/// Functions that read from the present offset of a file, pipe or terminal, or wait for events and connections. Reads
/// at a given offset are left out: only files have them.
const READS: [&str; 32] = [
    "os.(*File).Read",
    "internal/poll.(*FD).Read",
    "syscall.Read",
    "syscall.read",
    "syscall.ReadFile",
    "syscall.ReadConsole",
    "syscall.Accept",
    "syscall.Accept4",
    "syscall.EpollWait",
    "syscall.Kevent",
    "syscall.Recvfrom",
    "syscall.Recvmsg",
    "syscall.Select",
    "golang.org/x/sys/unix.Read",
    "golang.org/x/sys/unix.read",
    "golang.org/x/sys/unix.Accept",
    "golang.org/x/sys/unix.Accept4",
    "golang.org/x/sys/unix.EpollWait",
    "golang.org/x/sys/unix.EpollPwait",
    "golang.org/x/sys/unix.Kevent",
    "golang.org/x/sys/unix.Poll",
    "golang.org/x/sys/unix.Ppoll",
    "golang.org/x/sys/unix.Pselect",
    "golang.org/x/sys/unix.Readv",
    "golang.org/x/sys/unix.Recvfrom",
    "golang.org/x/sys/unix.Recvmsg",
    "golang.org/x/sys/unix.RecvmsgBuffers",
    "golang.org/x/sys/unix.Select",
    "golang.org/x/sys/unix.recvfrom",
    "golang.org/x/sys/unix.recvmsg",
    "syscall.recvfrom",
    "syscall.recvmsg",
];

/// Function of the goroutine that exists while a CPU profile is active.
pub(super) const PROFILER: &str = "runtime/pprof.profileWriter";

/// Functions in which the runtime parks threads.
const PARKED: [&str; 5] = [
    // Go 1.20 to 1.22 have no frame of signal_recv.
    "os/signal.loop",
    "os/signal.signal_recv",
    "runtime/pprof.readProfile",
    "runtime.(*profBuf).read",
    "runtime.notetsleepg",
];

/// Returns the owner of a goroutine by its start function.
pub(super) fn owner(root: &str) -> Owner {
    let tracer = ["runtime/trace.", "runtime.trace", "runtime.(*trace"];
    if tracer.iter().any(|t| root.starts_with(t)) {
        return Owner::Tracer;
    }
    match root.strip_prefix("runtime.") {
        // Both have the program's own code above them.
        Some("main" | "goexit") | None => Owner::Program,
        Some(_) => Owner::Runtime,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goroutines_belong_to_program_runtime_or_tracer() {
        assert_eq!(owner("runtime.gcBgMarkWorker"), Owner::Runtime);
        assert_eq!(owner("runtime.main"), Owner::Program);
        assert_eq!(owner("runtime/trace.Start.func1"), Owner::Tracer);
        assert_eq!(
            owner("runtime.(*traceAdvancerState).start.func1"),
            Owner::Tracer
        );
        assert_eq!(owner("runtime.traceStartReadCPU.func1"), Owner::Tracer);
        assert_eq!(owner("main.worker"), Owner::Program);
    }
}
