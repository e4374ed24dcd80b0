//! What the functions of a stack tell.

/// Whose goroutine a stack belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Owner {
    /// The program's.
    #[default]
    Program,
    /// The runtime's own: garbage collection workers, finalizers.
    Runtime,
    /// The execution tracer's, which would not be there without the trace.
    Tracer,
}

/// Whether the stack waits for a `sync.Mutex` or a `sync.RWMutex`.
pub fn waits_for_lock(functions: &[&str]) -> bool {
    let lock = functions.iter().rposition(|f| is_lock_wait(f));
    lock.is_some_and(|at| !is_of_once(&functions[at..]))
}

/// Whether the stack releases one.
pub fn unlocks(functions: &[&str]) -> bool {
    let unlock = functions.iter().rposition(|f| is_unlock(f));
    unlock.is_some_and(|at| !is_of_once(&functions[at..]))
}

/// Whether the lock's callers are a `sync.Once`, which holds a mutex while its
/// function runs: waiting for that is waiting for the function.
fn is_of_once(callers: &[&str]) -> bool {
    let near = callers.iter().take(3);
    near.into_iter().any(|f| f.starts_with("sync.(*Once)."))
}

/// Whether a function is a call of C code, made by cgo: the function and its
/// file are generated, nobody changes them.
pub fn is_c_call(function: &str) -> bool {
    ["._Cfunc_", "._C2func_", "._Cgo_", "._cgo"]
        .iter()
        .any(|name| function.contains(name))
}

/// Whether the runtime parks the thread in a "syscall" of its own.
pub fn is_parked(functions: &[&str]) -> bool {
    functions.iter().any(|f| PARKED.contains(f))
}

/// Functions in which a goroutine waits for a lock, of all Go versions since
/// 1.11: the lock itself may have been inlined away, its slow path never is.
fn is_lock_wait(function: &str) -> bool {
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

fn is_unlock(function: &str) -> bool {
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

/// A function's name within package sync, which has a part of itself below
/// internal/ since Go 1.24; empty for functions of other packages.
fn name_in_sync(function: &str) -> &str {
    let public = function.strip_prefix("sync.");
    let name = public.or_else(|| function.strip_prefix("internal/sync."));
    name.unwrap_or_default()
}

/// Whom outside of the program a system call waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Outside {
    /// Nobody: the kernel or a disk works on it.
    #[default]
    Nobody,
    /// A child process, until it exits.
    Child,
    /// Whoever writes what it reads. Only how long it lasts tells a disk from
    /// a pipe or a terminal.
    Writer,
}

/// Whom outside of the program the system call at the stack's top waits for.
pub fn outside(functions: &[&str]) -> Outside {
    let any = |of: &[&str]| functions.iter().any(|f| of.contains(f));
    if any(&CHILD_WAITS) {
        Outside::Child
    } else if any(&READS) {
        Outside::Writer
    } else {
        Outside::Nobody
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

/// Functions that read from wherever a file, pipe or terminal is now; those
/// that read at an offset only work on files.
const READS: [&str; 8] = [
    "os.(*File).Read",
    "internal/poll.(*FD).Read",
    "syscall.Read",
    "syscall.read",
    "syscall.ReadFile",
    "syscall.ReadConsole",
    "golang.org/x/sys/unix.Read",
    "golang.org/x/sys/unix.read",
];

/// Functions in which the runtime parks threads.
const PARKED: [&str; 5] = [
    // Go 1.20 to 1.22 have no frame of signal_recv.
    "os/signal.loop",
    "os/signal.signal_recv",
    "runtime/pprof.readProfile",
    "runtime.(*profBuf).read",
    "runtime.notetsleepg",
];

/// Whose goroutine it is, by the function it was started with.
pub fn owner(root: &str) -> Owner {
    let tracer = ["runtime/trace.", "runtime.trace", "runtime.(*trace"];
    if tracer.iter().any(|t| root.starts_with(t)) {
        return Owner::Tracer;
    }
    match root.strip_prefix("runtime.") {
        // Both start with the program's own code below them.
        Some("main" | "goexit") | None => Owner::Program,
        Some(_) => Owner::Runtime,
    }
}

/// The first elements of the standard library's package paths.
const STANDARD: [&str; 55] = [
    "archive",
    "arena",
    "bufio",
    "bytes",
    "cmp",
    "compress",
    "container",
    "context",
    "crypto",
    "database",
    "debug",
    "embed",
    "encoding",
    "errors",
    "expvar",
    "flag",
    "fmt",
    "go",
    "hash",
    "html",
    "image",
    "index",
    "internal",
    "io",
    "iter",
    "log",
    "maps",
    "math",
    "mime",
    "net",
    "os",
    "path",
    "plugin",
    "reflect",
    "regexp",
    "runtime",
    "simd",
    "slices",
    "sort",
    "strconv",
    "strings",
    "structs",
    "sync",
    "syscall",
    "testing",
    "text",
    "time",
    "unicode",
    "unique",
    "unsafe",
    "uuid",
    "vendor",
    "weak",
    "type:",
    "_cgo",
];

/// Whether a function is the standard library's.
pub fn is_standard(function: &str) -> bool {
    let end = function.find(['/', '.']).unwrap_or(function.len());
    let first = match function[end..].chars().next() {
        // A dot before the first slash belongs to a host name, unless no slash
        // follows in the package path.
        Some('.')
            if function[end..]
                .find('/')
                .is_some_and(|s| !function[end..end + s].contains(['(', '['])) =>
        {
            return false;
        }
        _ => &function[..end],
    };
    first.is_empty() || STANDARD.contains(&first)
}

/// Below these nothing is the program's doing.
fn is_plumbing(function: &str) -> bool {
    ["runtime.", "sync.", "internal/", "syscall."]
        .iter()
        .any(|p| function.starts_with(p))
        || function.is_empty()
}

/// The index of the frame that a person would go and change: the innermost one
/// outside the standard library, else the innermost outside its plumbing.
pub fn place(functions: &[&str]) -> Option<usize> {
    let own = functions.iter().position(|f| !is_standard(f));
    let outside = || functions.iter().position(|f| !is_plumbing(f));
    let any = || functions.iter().position(|f| !f.is_empty());
    own.or_else(outside).or_else(any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_the_program_s_own_innermost_frame() {
        let at = |stack: &[&str]| place(stack).map(|i| stack[i].to_owned());
        let lock = [
            "sync.(*Mutex).Lock",
            "log.(*Logger).output",
            "example.com/shop/cart.(*Cart).Add",
        ];
        assert_eq!(
            at(&lock).as_deref(),
            Some("example.com/shop/cart.(*Cart).Add")
        );
        let server = [
            "internal/poll.(*FD).Read",
            "net.(*conn).Read",
            "net/http.(*conn).serve",
        ];
        assert_eq!(at(&server).as_deref(), Some("net.(*conn).Read"));
        assert_eq!(
            at(&["runtime.gcBgMarkWorker"]).as_deref(),
            Some("runtime.gcBgMarkWorker")
        );
        assert_eq!(at(&["", "main.main"]).as_deref(), Some("main.main"));
        assert_eq!(at(&[""]), None);
    }

    #[test]
    fn the_standard_library_is_told_from_modules() {
        for std in [
            "net/http.(*conn).serve",
            "fmt.Println",
            "vendor/golang.org/x/net/http2/hpack.x",
            "slices.SortFunc[go.shape.struct { a/b.C }]",
        ] {
            assert!(is_standard(std), "{std}");
        }
        for own in [
            "main.main",
            "go.uber.org/zap.New",
            "github.com/a/b.F",
            "corpus/workloads.X",
            "net.example/x.Y",
        ] {
            assert!(!is_standard(own), "{own}");
        }
    }

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
