//! Place of a stack: the frame to show and to change.

use super::classify::{is_c_call, is_lock_wait, is_unlock};
use super::standard::is_standard;

/// File that cgo generates and no repository contains.
const CGO_FILE: &str = "_cgo_gotypes.go";
/// Files of the standard library whose closures have the name of the function into which they were inlined.
const INLINED: [&str; 4] = [
    "iter/iter.go",
    "maps/iter.go",
    "slices/iter.go",
    "sync/oncefunc.go",
];
/// Modules of the Go project between program and runtime, treated like the standard library.
const SUPPORT: [&str; 2] = ["golang.org/x/sys/", "golang.org/x/sync/"];

/// Returns the index of the frame to show for a stack: the program's [`own`], else the outermost frame outside of the
/// runtime's plumbing, which shows the purpose of the goroutine.
pub(super) fn place(functions: &[&str], own: Option<usize>) -> Option<usize> {
    let outside = || functions.iter().rposition(|f| !is_plumbing(f));
    let any = || functions.iter().rposition(|f| !f.is_empty());
    own.or_else(outside).or_else(any)
}

/// Returns the index of the frame to show for a stack that creates a goroutine. Without a frame of the program it is
/// the innermost one, which contains the `go` statement.
pub(super) fn creation(functions: &[&str], own: Option<usize>) -> Option<usize> {
    let outside = || functions.iter().position(|f| !is_plumbing(f));
    let any = || functions.iter().position(|f| !f.is_empty());
    own.or_else(outside).or_else(any)
}

/// Whether a frame is one of the program.
pub(super) fn is_own(function: &str, file: &str) -> bool {
    is_programs(function) && !file.ends_with(CGO_FILE) && !is_inlined(file)
}

/// Returns the index of the innermost frame of the program, given whether each frame [is one](is_own).
pub(super) fn own(functions: &[&str], is_own: impl Fn(usize) -> bool) -> Option<usize> {
    let first = (0..functions.len()).find(|&i| is_own(i))?;
    // A method of a type that wraps a lock is not the place that takes the lock.
    let locks = functions[..first]
        .iter()
        .any(|f| is_lock_wait(f) || is_unlock(f));
    let wraps = |&i: &usize| is_own(i) && !is_lock_method(functions[i]);
    let beyond = || (first..functions.len()).find(wraps);
    locks.then(beyond).flatten().or(Some(first))
}

/// Whether a file is one of the [`INLINED`] ones. With `-trimpath` it has no directory.
fn is_inlined(file: &str) -> bool {
    let directory = INLINED.iter().find_map(|name| file.strip_suffix(name));
    directory.is_some_and(|d| d.is_empty() || d.ends_with("/src/"))
}

/// Whether a function belongs to the program or a module that it uses.
fn is_programs(function: &str) -> bool {
    // Most frames are the standard library's, so these are checked first.
    if is_standard(function) || is_c_call(function) {
        return false;
    }
    let function = function
        .rsplit_once("/vendor/")
        .map_or(function, |(_, f)| f);
    !SUPPORT.iter().any(|module| function.starts_with(module))
}

/// Whether a function is a method with the name of a lock's method.
fn is_lock_method(function: &str) -> bool {
    let name = function
        .rfind('/')
        .map_or(function, |slash| &function[slash + 1..]);
    let method = name.split_once('.').map_or("", |(_, method)| method);
    let name = method.rsplit_once('.').map_or("", |(_, name)| name);
    matches!(
        name,
        "Lock" | "RLock" | "Unlock" | "RUnlock" | "lock" | "rlock" | "unlock" | "runlock"
    )
}

/// Whether a function belongs to packages that the program never calls on its own account.
fn is_plumbing(function: &str) -> bool {
    ["runtime.", "sync.", "internal/", "syscall."]
        .iter()
        .any(|p| function.starts_with(p))
        || function.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Function of the frame to show. `files` may be empty.
    fn at(stack: &[&str], files: &[&str]) -> Option<String> {
        let file = |i: usize| files.get(i).copied().unwrap_or_default();
        let own = own(stack, |i| is_own(stack[i], file(i)));
        place(stack, own).map(|i| stack[i].to_owned())
    }

    #[test]
    fn the_place_is_the_program_s_own_innermost_frame() {
        let at = |stack: &[&str]| at(stack, &[]);
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
        assert_eq!(at(&server).as_deref(), Some("net/http.(*conn).serve"));
        assert_eq!(
            at(&["runtime.gcBgMarkWorker"]).as_deref(),
            Some("runtime.gcBgMarkWorker")
        );
        assert_eq!(at(&["", "main.main"]).as_deref(), Some("main.main"));
        assert_eq!(at(&[""]), None);
    }

    #[test]
    fn helpers_between_the_program_and_the_runtime_are_no_places() {
        let c = ["runtime.cgocall", "main._Cfunc_slow", "main.main.func2"];
        assert_eq!(at(&c, &[]).as_deref(), Some("main.main.func2"));
        let c = ["main.wrap", "main.main"];
        let files = ["_cgo_gotypes.go", "main.go"];
        assert_eq!(at(&c, &files).as_deref(), Some("main.main"));
        let sys = [
            "syscall.Syscall",
            "golang.org/x/sys/unix.Msync",
            "a.com/b.Sync",
        ];
        assert_eq!(at(&sys, &[]).as_deref(), Some("a.com/b.Sync"));
        let group = [
            "example.com/app/vendor/golang.org/x/sync/errgroup.(*Group).Go",
            "main.run",
        ];
        assert_eq!(at(&group, &[]).as_deref(), Some("main.run"));
        let wrapped = ["sync.(*Mutex).Lock", "main.(*Wrapped).Lock", "main.use"];
        assert_eq!(at(&wrapped, &[]).as_deref(), Some("main.use"));
        // Methods with such a name that take no lock are places.
        let other = ["runtime.chanrecv1", "main.(*Chan).Lock", "main.use"];
        assert_eq!(at(&other, &[]).as_deref(), Some("main.(*Chan).Lock"));
        let once = ["sync.(*Once).Do", "main.f.OnceValue[...].3", "main.g"];
        for file in ["/usr/local/go/src/sync/oncefunc.go", "sync/oncefunc.go"] {
            let files = ["sync/once.go", file, "main.go"];
            assert_eq!(at(&once, &files).as_deref(), Some("main.g"));
        }
        let files = ["sync/once.go", "/app/maps/iter.go", "main.go"];
        assert_eq!(at(&once, &files).as_deref(), Some(once[1]));
        let function = ["sync.(*Mutex).Lock", "main.lock"];
        assert_eq!(at(&function, &[]).as_deref(), Some("main.lock"));
    }

    #[test]
    fn where_a_goroutine_is_created_is_the_innermost_frame() {
        let dial = [
            "net/http.(*Transport).dialConn",
            "net/http.(*Transport).dialConnFor",
        ];
        assert_eq!(creation(&dial, None), Some(0));
        assert_eq!(place(&dial, None), Some(1));
    }
}
