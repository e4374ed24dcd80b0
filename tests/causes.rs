//! Reports on traces of programs whose causes are known (tests/causes/README.md): what must be found and what must
//! not, with the numbers that the programs measured of themselves.

use std::path::Path;

use gotracer::analysis::analyze;
use gotracer::report::{Finding, Report, Severity};
use gotracer::rules::{Distribution, Rule, Settings};
use gotracer::source::{Limits, open};

const MS: u64 = 1_000_000;

/// The report on `tests/causes/NAME.trace.gz`, read as far as it goes.
fn report(name: &str) -> Report {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let gz = root.join(format!("causes/{name}.trace.gz"));
    report_of(&gz)
}

/// The report on a fixture.
fn fixture(version: &str, name: &str) -> Report {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    report_of(&root.join(format!("fixtures/go{version}/{name}.trace")))
}

fn report_of(path: &Path) -> Report {
    let input =
        open(path, &Limits::default()).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let outcome = analyze(input, "trace", &Settings::default(), |_| ());
    outcome.expect("a trace").report
}

/// A rule's findings of at least a severity.
fn found<'r>(report: &'r Report, rule: &str, severity: Severity) -> Vec<&'r Finding> {
    assert!(Rule::find(rule).is_some(), "{rule}");
    let of = |f: &&Finding| f.rule.name == rule && f.severity >= severity;
    report.findings.iter().filter(of).collect()
}

/// A rule's findings that fail a build.
fn bad<'r>(report: &'r Report, rule: &str) -> Vec<&'r Finding> {
    found(report, rule, Severity::Warn)
}

fn measured<'r>(report: &'r Report, rule: &str) -> &'r Distribution {
    let rule = report.rules.iter().find(|r| r.rule.name == rule);
    &rule.expect("the rule was asked").measurement
}

/// One line for each finding, for messages of failed assertions.
fn told(report: &Report) -> String {
    let line = |f: &Finding| {
        let (severity, rule, at) = (f.severity.name(), f.rule.name, &f.place.function);
        format!(
            "{severity} {rule} ×{} {} at {at}: {}\n",
            f.count, f.worst, f.message
        )
    };
    report.findings.iter().map(line).collect()
}

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
fn waiting_for_somebody_outside_is_no_slow_call() {
    for (name, place, said) in [
        ("1.23-stdio", "main.readRequests", "input"),
        ("1.27-stdio", "main.readRequests", "input"),
        ("waits-for-stdin-go1.27", "main.main.func1", "input"),
        ("1.27-exec", "main.runJob", "child process"),
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
            apart.map(|(_, d)| d.max()).max() >= Some(500 * MS),
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
