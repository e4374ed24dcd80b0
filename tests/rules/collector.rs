//! Pauses and assists: GCPauseSpike, StopTheWorld, GCAssist.

use gotracer::rules::Rule;

use super::*;

#[test]
fn gc_pauses_are_found_with_what_held_them_up() {
    for version in ALL {
        let r = report(version, "gc_pause");
        let found = bad(&r, "GCPauseSpike");
        let count: u64 = found.iter().map(|f| f.count).sum();
        assert_eq!(count, 12, "{version}: six collections stop the world twice");
        assert!(found.iter().all(|f| f.worst >= 10 * MS));
        assert_eq!(measured(&r, "GCPauseSpike").count(), 12);
        let causes: Vec<_> = found.iter().filter_map(|f| f.cause.as_ref()).collect();
        assert!(causes.iter().any(|c| c.kind == "late_to_stop"), "{version}");
        // Before Go 1.25 there is no stack of a goroutine that is stopped.
        if ["1.25.5", "1.26.6", "1.27.3"].contains(&version) {
            let copies = |f: &&Finding| f.place.function.contains("copier");
            assert!(found.iter().all(copies), "{version}");
        }
    }
}

#[test]
fn other_stops_are_no_gc_pauses() {
    for version in FULL {
        let r = report(version, "other_stw");
        assert!(bad(&r, "GCPauseSpike").is_empty());
        assert_eq!(measured(&r, "GCPauseSpike").count(), 0, "no GC ran");
        let stops = &r.rules[0].by_reason;
        let seen = |reason: &str| {
            stops
                .iter()
                .any(|(name, d)| name.contains(reason) && d.max() >= 10 * MS)
        };
        for reason in ["read mem stats", "GOMAXPROCS", "goroutine profile"] {
            assert!(seen(reason), "{version}: {reason} in {stops:?}");
        }
        let found = bad(&r, "StopTheWorld");
        assert!(found.len() >= 3, "{version}");
        assert!(found.iter().all(|f| f.worst >= 5 * MS));
        assert!(found.iter().all(|f| !f.message.contains("start trace")));
    }
}

#[test]
fn all_stops_does_nothing() {
    let mut settings = Settings::default();
    let rule = Rule::find("GCPauseSpike").expect("it exists");
    settings.set(rule, "all_stops", "true").expect("a setting");
    assert!(gotracer::rules::retired(rule, "all_stops").is_some());
    let r = report_with("1.27.3", "other_stw", &settings);
    assert!(bad(&r, "GCPauseSpike").is_empty());
}

#[test]
fn assists_are_found_whether_or_not_they_block() {
    for version in FULL {
        let r = report(version, "gc_assist");
        let found = bad(&r, "GCAssist");
        let total: u64 = found.iter().map(|f| f.total).sum();
        assert!(total >= 600 * MS, "{version}: {total}");
        assert!(
            found
                .iter()
                .any(|f| f.place.function == "main.allocPointers")
        );
        // The ranges alone: waits for credit lie within them.
        assert!(measured(&r, "GCAssist").count() >= 6);
    }
}
