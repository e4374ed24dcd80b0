//! Waits for a P, and the process that does not run.

use gotracer::report::Severity;

use crate::{MS, bad, fixture, found, measured, report, told};

#[test]
fn coroutine_switches_are_no_waits_for_a_processor() {
    for version in ["1.23.9", "1.25.5", "1.27.3"] {
        let r = fixture(version, "coroutine");
        let waits = measured(&r, "HighSchedulingLatency");
        // A switch takes 2 ns in the trace; there are thousands.
        assert!(
            waits.count() < 100 && waits.min() > 10,
            "{version}: {waits:?}"
        );
        assert!(
            measured(&r, "ProcessorStarvation").count() < 100,
            "{version}"
        );
    }
}

#[test]
fn parts_of_one_computation_take_turns_and_others_wait() {
    // A computation that fills the processors: its workers, its feeder, and the first turns of new ones.
    for version in ["1.22.10", "1.25.5", "1.27.3"] {
        let r = fixture(version, "fair_share");
        assert!(
            bad(&r, "HighSchedulingLatency").is_empty(),
            "{version}: {}",
            told(&r)
        );
    }
    // Requests of the network and of a timer wait behind computations: that is for nobody's good.
    let r = report("1.27-noisyneighbour");
    let slow = bad(&r, "HighSchedulingLatency");
    for place in ["main.ask", "main.slowEcho.func1.1"] {
        let at = slow.iter().find(|f| f.place.function == place);
        assert_eq!(
            at.map(|f| f.severity),
            Some(Severity::Error),
            "{}",
            told(&r)
        );
    }
    for name in ["1.23-nonyield", "1.27-nonyield"] {
        let r = report(name);
        let slow = bad(&r, "HighSchedulingLatency");
        assert_eq!((slow.len(), slow[0].count), (1, 12), "{name}: {}", told(&r));
    }
}

#[test]
fn what_ran_instead_is_looked_for_over_the_whole_wait() {
    // After 18 ms of copying, the runtime ran for 5 µs before the goroutine did.
    let r = report("1.23-nonyield");
    let cause = bad(&r, "HighSchedulingLatency")[0]
        .cause
        .as_ref()
        .expect("a cause");
    assert_eq!(cause.kind, "ran_instead");
    assert!(cause.text.contains("18.6ms"), "{}", cause.text);
    // It slept afterwards; where it copies shows when it is preempted another time.
    assert_eq!(cause.stack[0].line, 221, "{:?}", cause.stack);
}

#[test]
fn a_process_that_does_not_run_is_told() {
    // A CPU quota stops the process for 60 of every 100 ms: four workers and a ticker.
    for (name, gaps, severity) in [
        ("1.23-throttled", 11, Severity::Warn),
        ("1.27-throttled", 10, Severity::Error),
    ] {
        let r = report(name);
        let stalls = bad(&r, "ProcessStalled");
        assert_eq!(stalls.len(), 1, "{name}: {}", told(&r));
        assert_eq!(
            (stalls[0].count, stalls[0].severity),
            (gaps, severity),
            "{}",
            told(&r)
        );
        assert_eq!(stalls[0].phase.as_deref(), Some("stalled"));
        let seen = measured(&r, "ProcessStalled");
        assert_eq!((seen.count(), seen.min() >= 50 * MS), (gaps, true));
        // Nobody in the program is to blame.
        for rule in ["MutexContention", "BlockedOnSyscall", "GoroutineLeakGrowth"] {
            assert!(bad(&r, rule).is_empty(), "{name}: {}", told(&r));
        }
    }
    // One copy after the other, each of some 100 ms: no event shows that the process ran, so the place is named.
    let r = fixture("1.25.5", "gc_pause");
    let stalls = bad(&r, "ProcessStalled");
    assert_eq!((stalls.len(), stalls[0].count), (1, 20), "{}", told(&r));
    assert!(
        stalls[0]
            .message
            .ends_with("main.(*copier).copy was running in all of them"),
        "{}",
        stalls[0].message
    );
    // Healthy, idle and CPU-bound programs write events all the time; so does one whose world is stopped for 240 ms.
    for name in [
        "1.27-growpool",
        "1.27-exec",
        "1.27-stdio",
        "1.27-nonyield",
        "tightloop-gcpause-go1.26",
    ] {
        let r = report(name);
        assert_eq!(measured(&r, "ProcessStalled").count(), 0, "{name}");
    }
    for version in ["1.22.10", "1.25.5", "1.27.3"] {
        for name in ["idle", "http", "fair_share"] {
            let r = fixture(version, name);
            assert_eq!(
                measured(&r, "ProcessStalled").count(),
                0,
                "{version} {name}"
            );
        }
    }
}

#[test]
fn what_the_process_did_not_run_is_nobody_s_fault() {
    // The host is busy. In the longest wait the process did not run for 120 ms, and another goroutine ran as well.
    let r = report("1.27-noisyneighbour");
    let slow = bad(&r, "HighSchedulingLatency");
    let cause = slow[0].cause.as_ref().expect("a cause");
    assert_eq!(cause.kind, "process_stalled");
    assert!(
        cause.text.contains("the process did not run for 120ms")
            && cause.text.contains("goroutine"),
        "{}",
        cause.text
    );
}

#[test]
fn one_long_operation_is_told_where_cpu_samples_show_it() {
    let r = report("long-copy-go1.26");
    let stalls = found(&r, "ProcessStalled", Severity::Info);
    assert_eq!(stalls.len(), 1, "{}", told(&r));
    let operation = stalls[0];
    assert_eq!(operation.severity, Severity::Info);
    assert_eq!(operation.place.function, "main.(*copier).copy");
    assert_eq!(operation.cause.as_ref().expect("a cause").kind, "operation");
    assert!(
        operation.suggestion.contains("a few MiB"),
        "{}",
        operation.suggestion
    );
    // The process ran.
    assert_eq!(measured(&r, "ProcessStalled").count(), 0);
}

#[test]
fn one_cause_is_one_finding() {
    // Stops of one phase, at whatever places the goroutines are.
    for version in ["1.22.10", "1.25.5", "1.27.3"] {
        let r = fixture(version, "gc_pause");
        let pauses = found(&r, "GCPauseSpike", Severity::Info);
        let mut phases: Vec<_> = pauses.iter().map(|f| f.phase.as_deref()).collect();
        phases.sort_unstable();
        let expected = [Some("GC mark termination"), Some("GC sweep termination")];
        assert!(
            phases == expected || phases == [Some("mark termination"), Some("sweep termination")],
            "{version}: {phases:?}"
        );
        for f in pauses {
            let at = f.places.first().expect("the worst place");
            assert_eq!((&at.place, at.worst), (&f.place, f.worst), "{version}");
            let sum: u64 = f.places.iter().map(|at| at.count).sum();
            assert!(f.more_places > 0 || sum == f.count, "{version}");
        }
    }
    // Turns, and a line that says how busy the processors were.
    let r = report("1.27-noisyneighbour");
    let infos = found(&r, "HighSchedulingLatency", Severity::Info);
    let phases: Vec<_> = infos.iter().filter_map(|f| f.phase.as_deref()).collect();
    assert_eq!(phases.len(), 2, "{}", told(&r));
    assert!(phases.contains(&"taking_turns") && phases.contains(&"busy"));
    let busy = infos.iter().find(|f| f.phase.as_deref() == Some("busy"));
    let busy = busy.expect("the line");
    assert_eq!(busy.severity, Severity::Info);
    assert!(
        busy.message
            .starts_with("all 2 processors were busy for 5."),
        "{}",
        busy.message
    );
    // Where nothing waits for long there is no such line.
    let r = fixture("1.27.3", "idle");
    assert!(r.findings.is_empty(), "{}", told(&r));
}

#[test]
fn healthy_batch_jobs_pass() {
    for name in [
        // A feeder, eight workers, and main, which collects the results.
        "feeder-go1.26",
        // Three stages, connected by channels.
        "pipeline-go1.27",
        // Each call starts two others and waits for them.
        "divide-go1.26",
    ] {
        let r = report(name);
        let slow = bad(&r, "HighSchedulingLatency");
        assert!(slow.is_empty(), "{name}: {}", told(&r));
        // They wait, and that is said.
        let turns = found(&r, "HighSchedulingLatency", Severity::Info);
        assert!(turns.len() >= 2, "{name}: {}", told(&r));
    }
    // A goroutine that only waits for a computation to call it is late all the same.
    for version in ["1.22.10", "1.27.3"] {
        let r = fixture(version, "sched_latency");
        let late = bad(&r, "HighSchedulingLatency");
        assert!(
            late.iter().any(|f| f.place.function == "main.probe"),
            "{version}: {}",
            told(&r)
        );
    }
}
