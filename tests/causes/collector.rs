//! The collector, stops of the world, and the heap.

use crate::{MS, bad, fixture, measured, report, told};

#[test]
fn a_stop_ends_when_goroutines_run_again() {
    // Two stops of 6 and 12 ms by their ranges: goroutines of other threads ran after 0.05 ms.
    let r = report("1.26-gclimit");
    assert!(bad(&r, "GCPauseSpike").is_empty(), "{}", told(&r));
    assert!(measured(&r, "GCPauseSpike").max() < 5 * MS);
    // Of two long stops one is over after 2.1 ms, the other one is real.
    let r = report("real-1.26-gin");
    let pauses = bad(&r, "GCPauseSpike");
    assert_eq!(pauses.len(), 1, "{}", told(&r));
    assert_eq!((pauses[0].count, pauses[0].worst / MS), (1, 26));
}

#[test]
fn waiting_for_a_processor_is_no_assisting() {
    // The assists' ranges last 31.3 ms in all. For 18.1 ms of that the goroutines were runnable, for 0.5 ms they waited
    // for others to end marking.
    let r = report("real-1.26-gin");
    let assists = measured(&r, "GCAssist");
    assert_eq!((assists.count(), assists.sum() / MS), (48, 12));
    assert!(bad(&r, "GCAssist").is_empty(), "{}", told(&r));
    // Assists that are work are found still.
    let r = report("1.26-gclimit");
    let assists = bad(&r, "GCAssist");
    assert_eq!(assists.len(), 1, "{}", told(&r));
    assert_eq!(assists[0].place.function, "main.decode");
    // For 89 ms of the longest one no thread wrote an event.
    assert!(assists[0].worst > 40 * MS, "{}", told(&r));
}

#[test]
fn stops_that_are_not_the_collector_s_are_told_by_reason() {
    // Three heap dumps stop the world for 80 ms each.
    let r = report("1.26-heapdump");
    let stops = bad(&r, "StopTheWorld");
    assert_eq!(stops.len(), 1, "{}", told(&r));
    assert_eq!(
        (stops[0].count, stops[0].phase.as_deref()),
        (3, Some("write heap dump"))
    );
    assert!(stops[0].worst > 60 * MS, "{}", told(&r));
    assert!(bad(&r, "GCPauseSpike").is_empty(), "{}", told(&r));
    // The collector's stops are not this rule's, and those of tracing are nobody's.
    for name in ["tightloop-gcpause-go1.26", "1.26-gclimit"] {
        let r = report(name);
        assert_eq!(measured(&r, "StopTheWorld").count(), 0, "{name}");
    }
}

#[test]
fn a_collector_that_never_stops_is_told_with_its_cause() {
    for name in ["1.26-gclimit", "gc-thrash-go1.26"] {
        let r = report(name);
        let found = bad(&r, "GCPressure");
        assert_eq!(found.len(), 1, "{name}: {}", told(&r));
        let cause = found[0].cause.as_ref().expect("a cause");
        assert_eq!(cause.kind, "memory_limit", "{name}: {}", cause.text);
        assert!(!found[0].place.function.is_empty(), "{name}: {}", told(&r));
    }
    let r = report("1.26-gclimit");
    assert_eq!(bad(&r, "GCPressure")[0].place.function, "main.decode");
    let gc = r.program.gc.as_ref().expect("what the collector did");
    assert!((0.3..0.6).contains(&gc.cpu_ratio), "{gc:?}");
    let worst = gc.minimum_utilization.last().expect("a window");
    assert_eq!(worst.window_ns, 1_000 * MS);
    assert!((0.4..0.6).contains(&worst.ratio), "{gc:?}");
    // A test suite that allocates a lot, and one with large workers' pools.
    for name in ["real-1.26-gin", "real-1.26-fasthttp", "1.27-growpool"] {
        let r = report(name);
        assert!(bad(&r, "GCPressure").is_empty(), "{name}: {}", told(&r));
    }
}

#[test]
fn heap_growth_has_the_allocating_line_or_says_last_seen() {
    let r = report("1.27-heapwhole");
    let spikes = bad(&r, "HeapGrowthSpike");
    assert_eq!(spikes.len(), 1, "{}", told(&r));
    assert_eq!(
        (&*spikes[0].place.function, spikes[0].worst >> 20),
        ("main.loadFile", 260)
    );
    let cause = &spikes[0].cause.as_ref().expect("a cause").text;
    assert!(
        cause.ends_with("seen allocating in main.loadFile"),
        "{cause}"
    );
    // Collections that the program asks for have no stack of an allocation.
    let r = report("1.27-heapfast");
    let spikes = bad(&r, "HeapGrowthSpike");
    assert_eq!(
        (spikes.len(), spikes[0].worst >> 20),
        (1, 78),
        "{}",
        told(&r)
    );
    let cause = &spikes[0].cause.as_ref().expect("a cause").text;
    assert!(cause.contains("last seen in main."), "{cause}");
    for name in ["1.27-growpool", "1.27-burst"] {
        let r = report(name);
        assert!(
            bad(&r, "HeapGrowthSpike").is_empty(),
            "{name}: {}",
            told(&r)
        );
    }
}

#[test]
fn a_small_gogc_is_the_cause_of_collections_that_follow_each_other() {
    for version in ["1.22.10", "1.25.5", "1.27.3"] {
        let r = fixture(version, "gc_assist");
        let found = bad(&r, "GCPressure");
        assert_eq!(found.len(), 1, "{version}: {}", told(&r));
        let cause = found[0].cause.as_ref().expect("a cause");
        assert_eq!(cause.kind, "small_gogc", "{version}: {}", cause.text);
    }
    // Pauses are GCPauseSpike's, however much time they take.
    for version in ["1.22.10", "1.25.5", "1.27.3"] {
        let r = fixture(version, "gc_pause");
        assert!(bad(&r, "GCPressure").is_empty(), "{version}: {}", told(&r));
        assert!(!bad(&r, "GCPauseSpike").is_empty(), "{version}");
    }
}

#[test]
fn what_starts_collections_is_told() {
    // With GOGC=off and a memory limit; by two goroutines that allocate while a third one calls runtime.GC.
    for (name, kind) in [
        ("gogc-off-limit-go1.26", "memory_limit"),
        ("runtime-gc-go1.26", "requested_collections"),
    ] {
        let r = report(name);
        let found = bad(&r, "GCPressure");
        assert_eq!(found.len(), 1, "{name}: {}", told(&r));
        let cause = found[0].cause.as_ref().expect("a cause");
        assert_eq!(cause.kind, kind, "{name}: {}", cause.text);
    }
}
