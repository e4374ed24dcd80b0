//! Leaks.

use gotracer::report::{Report, Severity};

use crate::{bad, fixture, found, report, told};

/// The findings of GoroutineLeakGrowth that fail a build, as place and number.
fn leaks(report: &Report) -> Vec<(&str, u64)> {
    let found = bad(report, "GoroutineLeakGrowth").into_iter();
    let name = |f: &'_ str| f.rfind('/').map_or(0, |slash| slash + 1);
    let mut leaks: Vec<_> = found
        .map(|f| (&f.place.function[name(&f.place.function)..], f.worst))
        .collect();
    leaks.sort_unstable();
    leaks
}

#[test]
fn a_leak_is_growth_that_goes_on() {
    for (name, leak) in [
        ("1.27-leakread", ("main.acceptLoop", 130)),
        ("1.23-leakafter", ("main.onExpire", 120)),
        // Servers that nobody stops; workers and connection cleaners end by themselves.
        ("real-1.26-fasthttp", ("fasthttp.(*workerPool).Start", 91)),
    ] {
        let r = report(name);
        assert_eq!(leaks(&r), [leak], "{name}: {}", told(&r));
    }
    // Pools that work until the end, and a burst of requests in flight.
    for name in ["1.27-growpool", "pool30-go1.26", "burst-in-flight-go1.26"] {
        let r = report(name);
        assert_eq!(leaks(&r), [], "{name}: {}", told(&r));
    }
}

#[test]
fn the_runtime_s_clean_ups_and_a_burst_that_is_over_are_quiet() {
    for name in ["1.27-cleanup", "1.27-unique", "1.27-burst"] {
        let r = report(name);
        for rule in ["MutexContention", "GoroutineLeakGrowth", "BlockedOnSyscall"] {
            assert!(bad(&r, rule).is_empty(), "{name}: {}", told(&r));
        }
    }
    let peak = report("1.27-burst").program.goroutines.peak;
    assert!((400..=405).contains(&peak), "{peak}");
}

#[test]
fn goroutines_that_all_begin_early_may_be_kept_on_purpose() {
    // A program starts 16 parts of five goroutines within 0.8 of 3.3 s.
    let r = report("parts-start-go1.27");
    assert_eq!(leaks(&r), [], "{}", told(&r));
    let kept = found(&r, "GoroutineLeakGrowth", Severity::Info);
    assert_eq!((kept.len(), kept[0].worst), (1, 80), "{}", told(&r));
    // A leak of half a second in a trace of 1.2 s.
    let r = fixture("1.27.3", "goroutine_leak");
    assert_eq!(leaks(&r).len(), 2, "{}", told(&r));
}
