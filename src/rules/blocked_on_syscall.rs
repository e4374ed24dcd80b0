//! Goroutines that stay long in a system call.

use super::{MS, Rule, SECOND, Unit, times};

/// The registry's entry.
pub static RULE: Rule = Rule {
    name: "BlockedOnSyscall",
    unit: Unit::Nanoseconds,
    summary: "Time that goroutines spend in a system call or a cgo call. The runtime's own \
        threads (signal delivery) are not counted.",
    why: "The goroutine holds an operating system thread for all of it. Many such calls \
        mean many threads, and what waits for the goroutine waits for the disk, the \
        terminal or the C library.",
    advice: "Use the network poller where it works (net, os.Pipe, os.File deadlines), bound \
        how many such calls run at once, give them a deadline, or move slow disks and \
        C libraries behind a worker pool.",
    needs: "Syscall events: Go 1.11 and later. Before Go 1.22 only syscalls that lost \
        their processor say how long they took.",
    thresholds: times([
        (10 * MS, 100 * MS),
        (100 * MS, SECOND),
        (SECOND, 10 * SECOND),
    ]),
};
