//! Locks, channels and pools.

use gotracer::report::Severity;

use crate::{MS, bad, fixture, found, measured, report, told};

#[test]
fn the_holder_of_a_lock_is_who_held_it_longest() {
    for name in ["1.23-rwwriter", "1.27-rwwriter"] {
        let r = report(name);
        let waits = bad(&r, "MutexContention");
        let cause = |place: &str| {
            let of = waits.iter().find(|f| f.place.function == place);
            &of.and_then(|f| f.cause.as_ref()).expect("a cause").text
        };
        // Readers wait behind a writer that waits for a reader that sleeps.
        let get = cause("main.(*config).get");
        assert!(
            get.contains("slowReport") && get.contains("slept for 80"),
            "{name}: {get}"
        );
        let reload = cause("main.(*config).reload");
        assert!(
            reload.contains("slowReport") && reload.contains("slept"),
            "{name}: {reload}"
        );
    }
    // Several goroutines held the lock one after the other, each in a read.
    let r = report("1.27-locksyscall");
    let cause = bad(&r, "MutexContention")[0]
        .cause
        .as_ref()
        .expect("a cause");
    assert!(
        cause.text.contains("was in a system call for"),
        "{}",
        cause.text
    );
}

#[test]
fn locks_of_files_and_sync_once_are_told_by_name() {
    // 34 writes wait for the lock of one slow file.
    let r = report("fdmutex-go1.26");
    let waits = bad(&r, "MutexContention");
    assert_eq!(waits.len(), 1, "{}", told(&r));
    assert_eq!(
        (waits[0].count, waits[0].worst / MS, waits[0].total / MS),
        (34, 107, 2080)
    );
    assert_eq!(waits[0].place.function, "main.writeLine");
    assert!(waits[0].message.contains("the lock of an open file"));
    // Waits for a sync.Once are an info, and measured apart.
    for version in ["1.22.10", "1.27.3"] {
        let r = fixture(version, "sync_waits");
        assert!(bad(&r, "MutexContention").is_empty(), "{version}");
        assert_eq!(measured(&r, "MutexContention").count(), 0, "{version}");
        let once = found(&r, "MutexContention", Severity::Info);
        assert!(
            once.iter().all(|f| f.message.contains("sync.Once")),
            "{}",
            told(&r)
        );
        assert!(!once.is_empty(), "{version}");
    }
}

#[test]
fn finalizers_are_code_of_the_program() {
    // A finalizer waits 300 ms for a lock whose holder sleeps.
    let r = report("finalizer-go1.22");
    let waits = bad(&r, "MutexContention");
    assert_eq!(waits.len(), 1, "{}", told(&r));
    assert_eq!(
        (&*waits[0].place.function, waits[0].worst / MS),
        ("main.closeHandle", 300)
    );
    let cause = waits[0].cause.as_ref().expect("a holder");
    assert!(cause.text.contains("slept for 300ms"), "{}", cause.text);
    // Waits of the finalizers' goroutine itself are the runtime's.
    for version in ["1.22.10", "1.27.3"] {
        assert!(bad(&fixture(version, "idle"), "MutexContention").is_empty());
    }
}

#[test]
fn waits_for_channels_and_connections_are_found_and_limits_are_no_fault() {
    for name in ["1.23-chanmutex", "1.27-chanmutex"] {
        let r = report(name);
        let waits = found(&r, "ChannelBackpressure", Severity::Info);
        assert_eq!(waits.len(), 1, "{name}: {}", told(&r));
        assert_eq!(waits[0].place.function, "main.chanLock");
        // The program measured 14 waits, the longest of 722 ms; the first one got the lock at once.
        assert_eq!((waits[0].count, waits[0].worst / MS), (13, 721));
        let cause = &waits[0].cause.as_ref().expect("a cause").text;
        assert!(
            cause.starts_with("6 goroutines delayed it one after the other"),
            "{cause}"
        );
        assert!(found(&r, "MutexContention", Severity::Info).is_empty());
    }
    let r = report("1.27-httppool");
    let waits = found(&r, "ChannelBackpressure", Severity::Info);
    assert_eq!(waits.len(), 1, "{}", told(&r));
    assert!(
        waits[0].message.ends_with("for an HTTP connection"),
        "{}",
        told(&r)
    );
    // A limit of tasks that the program set itself.
    let r = report("1.27-errgroup");
    assert!(r.findings.is_empty(), "{}", told(&r));
    assert!(measured(&r, "ChannelBackpressure").count() > 30);
}

#[test]
fn closures_of_the_standard_library_are_no_places() {
    // 20 goroutines call a function of sync.OnceValue, which is inlined into the program.
    let r = report("oncevalue-go1.26");
    let once = found(&r, "MutexContention", Severity::Info);
    assert_eq!(once.len(), 1, "{}", told(&r));
    assert!(
        once[0].place.file.ends_with("locks.go"),
        "{:?}",
        once[0].place
    );
}
