//! Waits for locks, channels and system calls: MutexContention, ChannelBackpressure, BlockedOnSyscall.

use gotracer::rules::{Preset, Rule};

use super::*;

#[test]
fn mutexes_are_found_with_their_holders() {
    for version in ALL {
        let r = report(version, "mutex_contention");
        let found = bad(&r, "MutexContention");
        let at = |function: &str| found.iter().any(|f| f.place.function == function);
        assert!(at("main.holdMutex") && at("main.readLocked"), "{version}");
        for f in found {
            assert_eq!(f.cause.as_ref().expect("a holder").kind, "held_by");
            assert_eq!(f.open, 0);
        }
        only(version, "mutex_contention", &r, &["MutexContention"]);
    }
}

#[test]
fn a_wait_for_a_mutex_spans_generations() {
    for version in FULL {
        let r = report(version, "mutex_long");
        assert!(r.trace.generations >= 4);
        let found = bad(&r, "MutexContention");
        assert_eq!(found.len(), 1, "{version}");
        assert_eq!((found[0].count, found[0].open), (1, 0));
        assert!(
            (3_499..3_520).contains(&(found[0].worst / MS)),
            "{}",
            found[0].worst
        );
        assert_eq!(measured(&r, "MutexContention").count(), 1);
    }
}

#[test]
fn goroutines_stuck_on_a_mutex_for_good_are_found() {
    for version in FULL {
        let r = report(version, "mutex_stuck");
        let found = bad(&r, "MutexContention");
        assert_eq!(found.len(), 1);
        // Go 1.22 has no stacks of the 25 that were stuck before the trace.
        let count = if version == "1.22.10" { 25 } else { 50 };
        assert_eq!((found[0].count, found[0].open), (count, count), "{version}");
        assert_eq!(found[0].place.function, "main.lockForever");
    }
}

#[test]
fn other_waits_are_no_mutex_contention() {
    for version in FULL {
        let r = report(version, "sync_waits");
        assert_eq!(measured(&r, "MutexContention").count(), 0, "{version}");
    }
}

#[test]
fn waits_to_send_and_for_a_pool_are_found_with_who_came_late() {
    for version in FULL {
        let r = report(version, "channel_backpressure");
        let truth = truth(version, "channel_backpressure");
        only(
            version,
            "channel_backpressure",
            &r,
            &["ChannelBackpressure"],
        );
        let of = |function: &str| {
            let found = r.findings.iter();
            let mut found = found.filter(|f| f.place.function == function);
            let f = found
                .next()
                .unwrap_or_else(|| panic!("{version}: {function}"));
            assert!(found.next().is_none(), "{version}: {function}");
            assert_eq!(f.rule.name, "ChannelBackpressure");
            f
        };
        let (sends, pool) = (of("main.produce"), of("main.query"));
        for (f, severity, name, late) in [
            (sends, Severity::Warn, "sends", "received in main.store"),
            (
                pool,
                Severity::Info,
                "connections",
                "passed the connection on in main.query",
            ),
        ] {
            let measured = &truth["facts"][name];
            assert_eq!(f.severity, severity, "{version}: {}", f.message);
            assert_eq!(
                Some(f.count),
                measured["10ms_or_more"].as_u64(),
                "{version}"
            );
            let longest = measured["max_ns"].as_u64().expect("a time");
            assert!(
                f.worst <= longest && longest - f.worst < 5 * MS,
                "{version}"
            );
            let cause = &f.cause.as_ref().expect("a cause").text;
            assert!(
                cause.contains(late) && cause.contains("slept for"),
                "{version}: {cause}"
            );
        }
        // The receive and the select of the workers without work are in no finding.
        assert_eq!(r.findings.len(), 2, "{version}");
        let batch = report_with(
            version,
            "channel_backpressure",
            &Settings::preset(Preset::Batch),
        );
        assert!(batch.findings.is_empty(), "{version}");
    }
}

#[test]
fn producers_are_an_error_if_the_settings_want_it() {
    let mut settings = Settings::default();
    let rule = Rule::find("ChannelBackpressure").expect("the rule");
    settings.set(rule, "error", "1s").expect("a time");
    let r = report_with("1.27.3", "channel_backpressure", &settings);
    let severities: Vec<_> = r
        .findings
        .iter()
        .map(|f| (f.severity, f.threshold))
        .collect();
    let expected = [(Severity::Error, 1_000 * MS), (Severity::Info, 100 * MS)];
    assert_eq!(severities, expected);
}

#[test]
fn a_syscall_spans_generations_and_the_trace() {
    for version in ALL {
        let r = report(version, "syscall_long");
        // Both goroutines do nothing but read from a pipe: that is no slow call.
        assert!(bad(&r, "BlockedOnSyscall").is_empty(), "{version}");
        let found = r.findings.iter();
        let found = found.filter(|f| f.rule.name == "BlockedOnSyscall");
        let found: Vec<_> = found.collect();
        assert_eq!(found.len(), 1, "{version}");
        assert_eq!(found[0].place.function, "main.rawRead");
        assert!(found[0].message.contains("syscall.Read"));
        // Go 1.22 and older tell nothing of the one that lasts for the whole
        // trace.
        if ["1.19", "1.21.13", "1.22.10"].contains(&version) {
            assert_eq!((found[0].count, found[0].open), (1, 0));
            assert!((3_499..3_520).contains(&(found[0].worst / MS)));
        } else {
            assert_eq!((found[0].count, found[0].open), (2, 1));
            assert!((8_499..8_520).contains(&(found[0].total / MS)));
        }
        only(version, "syscall_long", &r, &["BlockedOnSyscall"]);
    }
}
