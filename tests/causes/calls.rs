//! System calls, C calls and places.

use gotracer::report::Severity;

use crate::{MS, bad, fixture, found, measured, report, told};

#[test]
fn waiting_for_somebody_outside_is_no_slow_call() {
    for (name, place, said) in [
        ("1.23-stdio", "main.readRequests", "input"),
        ("1.27-stdio", "main.readRequests", "input"),
        ("waits-for-stdin-go1.27", "main.main.func1", "input"),
        ("1.27-exec", "main.runJob", "child process"),
        // A loop of its own around epoll_wait.
        ("epoll-go1.27", "main.init.3.func10.1", "input"),
    ] {
        let r = report(name);
        let calls = found(&r, "BlockedOnSyscall", Severity::Info);
        assert_eq!(calls.len(), 1, "{name}: {}", told(&r));
        assert_eq!(
            (calls[0].severity, &*calls[0].place.function),
            (Severity::Info, place)
        );
        assert!(calls[0].message.contains(said), "{}", calls[0].message);
        // It is measured under a reason of its own.
        assert!(measured(&r, "BlockedOnSyscall").max() < 100 * MS, "{name}");
        let rule = r
            .rules
            .iter()
            .find(|r| r.rule.name == "BlockedOnSyscall")
            .expect("asked");
        let apart = rule.by_reason.iter().filter(|(reason, _)| reason != "call");
        assert!(
            apart.map(|(_, d)| d.max()).max() >= Some(400 * MS),
            "{name}"
        );
    }
    // Go 1.22 has no frame of signal_recv. C threads are in C code of their own between two calls of Go.
    for name in [
        "signal-notify-go1.22",
        "cgo-thread-waits-in-c-go1.27",
        "cgo-thread-waits-in-c-go1.21",
    ] {
        let r = report(name);
        assert!(r.findings.is_empty(), "{name}: {}", told(&r));
    }
}

#[test]
fn a_read_that_keeps_others_waiting_is_a_slow_call() {
    for name in ["1.23-locksyscall", "1.27-locksyscall"] {
        let r = report(name);
        let reads = bad(&r, "BlockedOnSyscall");
        assert_eq!(reads.len(), 1, "{name}: {}", told(&r));
        assert!(
            reads[0].count >= 11 && (140..250).contains(&(reads[0].worst / MS)),
            "{}",
            told(&r)
        );
    }
}

#[test]
fn many_threads_in_calls_at_once_are_told() {
    // 100 goroutines in calls of 30 ms each.
    let r = report("many-threads-go1.26");
    let crowd: Vec<_> = found(&r, "BlockedOnSyscall", Severity::Info);
    assert_eq!(crowd.len(), 1, "{}", told(&r));
    let crowd = crowd[0];
    assert_eq!(crowd.severity, Severity::Info);
    assert!(
        crowd
            .message
            .starts_with("100 goroutines were in system calls"),
        "{}",
        crowd.message
    );
    assert_eq!(crowd.place.function, "main.slowDisk");
    assert_eq!(crowd.phase.as_deref(), Some("many_threads"));
    assert!((150..220).contains(&(crowd.worst / MS)), "{}", told(&r));
    // Long calls of few threads, and many short ones.
    for r in [
        fixture("1.27.3", "syscall_long"),
        fixture("1.27.3", "syscall_quick"),
        report("1.27-locksyscall"),
        report("real-1.26-fasthttp"),
    ] {
        let calls = found(&r, "BlockedOnSyscall", Severity::Info);
        let many = calls.iter().find(|f| f.phase.is_some());
        assert!(many.is_none(), "{}", told(&r));
    }
}

#[test]
fn places_are_where_a_person_can_change_something() {
    let r = report("cgo-call-place-go1.27");
    let calls = bad(&r, "BlockedOnSyscall");
    assert_eq!(calls.len(), 1, "{}", told(&r));
    assert_eq!(
        (&*calls[0].place.function, calls[0].place.line),
        ("main.main.func2", 46)
    );
    assert!(
        calls[0]
            .message
            .contains("in a C call for 151ms (main._Cfunc_slow)"),
        "{}",
        told(&r)
    );
    // A goroutine that ends is placed where it was started.
    let r = report("tightloop-gcpause-go1.26");
    let pauses = bad(&r, "GCPauseSpike");
    assert_eq!(pauses.len(), 1, "{}", told(&r));
    assert_eq!(
        (&*pauses[0].place.function, pauses[0].worst / MS),
        ("main.init.func13.1", 242)
    );
    // Nothing is found at a place that nobody knows, and nothing of no goroutine.
    let r = report("cgo-callback-unknown-place-go1.27");
    assert!(
        r.findings.iter().all(|f| !f.place.function.is_empty()),
        "{}",
        told(&r)
    );
    assert!(
        r.findings
            .iter()
            .all(|f| !f.message.contains("goroutine -1")),
        "{}",
        told(&r)
    );
    let waits = bad(&r, "MutexContention");
    assert_eq!(
        (&*waits[0].place.function, waits[0].place.line),
        ("main.goCallback", 30)
    );
}
