//! Growth: GoroutineLeakGrowth, HeapGrowthSpike.

use gotracer::report::Status;

use super::*;

#[test]
fn leaks_are_found_by_the_place_that_creates_them() {
    for version in ALL {
        let r = report(version, "goroutine_leak");
        let found = bad(&r, "GoroutineLeakGrowth");
        let lost = |function: &str| {
            let found = found.iter().find(|f| f.place.function == function);
            found.map(|f| (f.worst, f.cause.as_ref().map(|c| &*c.kind)))
        };
        assert_eq!(
            lost("main.leakReceive"),
            Some((250, Some("blocked_in"))),
            "{version}"
        );
        assert_eq!(
            lost("main.leakSelect"),
            Some((50, Some("blocked_in"))),
            "{version}"
        );
        assert_eq!(found.len(), 2);
    }
}

#[test]
fn a_heap_spike_that_falls_back_is_found_and_a_steady_saw_is_not() {
    const MIB: u64 = 1 << 20;
    for version in FULL {
        let r = report(version, "heap_spike");
        let found = bad(&r, "HeapGrowthSpike");
        assert_eq!(found.len(), 1, "{version}");
        assert!((300..400).contains(&(found[0].worst / MIB)), "{version}");
        assert!(
            found[0].last_ns < r.trace.duration_ns,
            "it fell back before the end"
        );
        let saw = measured(&report(version, "heap_saw"), "HeapGrowthSpike");
        assert!(saw.count() >= 10 && saw.max() < MIB, "{version}");
    }
}

#[test]
fn heap_growth_needs_two_collections() {
    let r = report("1.25.5", "empty");
    let rule = r.rules.iter().find(|r| r.rule.name == "HeapGrowthSpike");
    let rule = rule.expect("it was asked");
    assert_eq!(rule.status, Status::NotApplicable);
    assert!(
        rule.reason
            .as_ref()
            .is_some_and(|r| r.contains("two garbage collections"))
    );
}
