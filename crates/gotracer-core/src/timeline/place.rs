//! Which frame of a stack a person would go and change.

use super::classify::{is_c_call, is_lock_wait, is_unlock};
use super::standard::is_standard;

/// The file that cgo generates; nobody has it.
const CGO_FILE: &str = "_cgo_gotypes.go";
/// Modules of the Go project that stand between a program and the runtime as
/// the standard library does.
const SUPPORT: [&str; 2] = ["golang.org/x/sys/", "golang.org/x/sync/"];

/// The index of the frame that a person would go and change: the program's
/// [`own`], else the outermost outside the runtime's plumbing, which says what
/// the goroutine is for.
pub fn place(functions: &[&str], own: Option<usize>) -> Option<usize> {
    let outside = || functions.iter().rposition(|f| !is_plumbing(f));
    let any = || functions.iter().rposition(|f| !f.is_empty());
    own.or_else(outside).or_else(any)
}

/// As [`place`], of a stack that creates a goroutine: where there is no frame
/// of the program's own, the innermost one is where the `go` statement is.
pub fn creation(functions: &[&str], own: Option<usize>) -> Option<usize> {
    let outside = || functions.iter().position(|f| !is_plumbing(f));
    let any = || functions.iter().position(|f| !f.is_empty());
    own.or_else(outside).or_else(any)
}

/// The innermost frame of the program's own. `files` may be empty.
pub fn own(functions: &[&str], files: &[&str]) -> Option<usize> {
    let is_own = |i: &usize| {
        let file = files.get(*i).copied().unwrap_or_default();
        is_programs(functions[*i]) && !file.ends_with(CGO_FILE)
    };
    let first = (0..functions.len()).find(is_own)?;
    // A type that wraps a lock is no user of it.
    let locks = functions[..first]
        .iter()
        .any(|f| is_lock_wait(f) || is_unlock(f));
    let wraps = |i: &usize| is_own(i) && !is_lock_method(functions[*i]);
    let beyond = || (first..functions.len()).find(wraps);
    locks.then(beyond).flatten().or(Some(first))
}

/// Whether a function is the program's own, or that of a module it uses.
fn is_programs(function: &str) -> bool {
    // Most frames are the standard library's: that is looked at first.
    if is_standard(function) || is_c_call(function) {
        return false;
    }
    let function = function
        .rsplit_once("/vendor/")
        .map_or(function, |(_, f)| f);
    !SUPPORT.iter().any(|module| function.starts_with(module))
}

/// Whether a function is a method by whose name a type is a lock.
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

/// Below these nothing is the program's doing.
fn is_plumbing(function: &str) -> bool {
    ["runtime.", "sync.", "internal/", "syscall."]
        .iter()
        .any(|p| function.starts_with(p))
        || function.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_the_program_s_own_innermost_frame() {
        let at = |stack: &[&str]| place(stack, own(stack, &[])).map(|i| stack[i].to_owned());
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
        let at = |stack: &[&str], files: &[&str]| {
            place(stack, own(stack, files)).map(|i| stack[i].to_owned())
        };
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
        // A method of that name that takes no lock is a place as any other.
        let other = ["runtime.chanrecv1", "main.(*Chan).Lock", "main.use"];
        assert_eq!(at(&other, &[]).as_deref(), Some("main.(*Chan).Lock"));
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
