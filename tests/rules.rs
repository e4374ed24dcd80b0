//! The rules on traces of real Go programs (tests/fixtures/README.md says
//! what each provokes): what they must find, and what they must not.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use gotracer::analysis::{analyze, analyze_on_two_threads, analyze_plainly};
use gotracer::report::{Finding, Report, Severity, Status};
use gotracer::rules::{Preset, Rule, Settings};
use gotracer::trace::Input;

/// Versions that have every fixture: one of each way in which the formats
/// differ most.
const FULL: [&str; 3] = ["1.22.10", "1.25.5", "1.27.3"];
/// Versions with the most important ones.
const ALL: [&str; 7] = [
    "1.19", "1.21.13", "1.22.10", "1.23.9", "1.25.5", "1.26.6", "1.27.3",
];

fn path(version: &str, name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    root.join(format!("go{version}/{name}.trace"))
}

fn report_with(version: &str, name: &str, settings: &Settings) -> Report {
    let path = path(version, name);
    let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let input = Input::from_file(file).expect("a file has a length");
    let outcome = analyze(input, name, settings, |_| ()).expect("a trace");
    assert!(
        outcome.error.is_none(),
        "{version} {name}: {:?}",
        outcome.error
    );
    outcome.report
}

fn report(version: &str, name: &str) -> Report {
    report_with(version, name, &Settings::default())
}

/// What the traced program measured of itself.
fn truth(version: &str, name: &str) -> serde_json::Value {
    let path = path(version, name).with_extension("truth.json");
    let text = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&text).expect("JSON")
}

/// A rule's findings that fail a build.
fn bad<'r>(report: &'r Report, rule: &str) -> Vec<&'r Finding> {
    let bad = |f: &&Finding| f.rule.name == rule && f.severity >= Severity::Warn;
    report.findings.iter().filter(bad).collect()
}

fn measured(report: &Report, rule: &str) -> gotracer::rules::Distribution {
    let rule = report.rules.iter().find(|r| r.rule.name == rule);
    rule.expect("the rule was asked").measurement.clone()
}

/// Asserts that nothing but `expected` fails a build.
fn only(version: &str, name: &str, report: &Report, expected: &[&str]) {
    for f in report
        .findings
        .iter()
        .filter(|f| f.severity >= Severity::Warn)
    {
        assert!(
            expected.contains(&f.rule.name),
            "{version} {name}: {} {}: {} at {}:{}",
            f.severity.name(),
            f.rule.name,
            f.message,
            f.place.function,
            f.place.line
        );
    }
}

const MS: u64 = 1_000_000;

#[test]
fn healthy_programs_have_no_findings() {
    let quiet = [
        "idle",
        "http",
        "annotations",
        "sync_waits",
        "syscall_quick",
        "goroutine_churn",
        "heap_saw",
        "many_goroutines",
        "empty",
        "fair_share",
        "cpu_profile",
    ];
    for version in FULL {
        for name in quiet {
            only(version, name, &report(version, name), &[]);
        }
    }
    for version in ALL {
        only(version, "idle", &report(version, "idle"), &[]);
    }
}

#[test]
fn goroutines_whose_threads_share_a_quarter_of_a_cpu_are_starved() {
    for version in FULL {
        let r = report(version, "cpu_starved");
        let found = bad(&r, "CPUStarved");
        assert_eq!(found.len(), 1, "{version}");
        assert_eq!(found[0].severity, Severity::Error, "{version}");
        let cpu = r.cpu_samples.as_ref().expect("the trace has samples");
        assert!(cpu.on_cpu_ns < cpu.running_ns / 3, "{version}: {cpu:?}");
        let burn = cpu.functions.iter().find(|f| f.function == "main.burn");
        assert!(burn.is_some_and(|f| f.cum > 0), "{version}: {cpu:?}");
        // Without samples the rule has no evidence.
        let r = report(version, "fair_share");
        assert!(r.cpu_samples.is_none());
        let rule = r.rules.iter().find(|r| r.rule.name == "CPUStarved");
        assert_eq!(rule.unwrap().status, Status::NotApplicable);
    }
}

#[test]
fn samples_are_counted_by_function() {
    for version in FULL {
        let r = report(version, "cpu_profile");
        let cpu = r.cpu_samples.as_ref().expect("the trace has samples");
        let flat: u64 = cpu.functions.iter().map(|f| f.flat).sum();
        assert_eq!(flat, cpu.count, "{version}");
        assert!(
            cpu.functions
                .iter()
                .all(|f| f.flat <= f.cum && f.cum <= cpu.count)
        );
    }
}

#[test]
fn an_idle_service_has_no_starvation_to_speak_of_and_no_syscall_of_its_own() {
    for version in ALL {
        let r = report(version, "idle");
        assert!(measured(&r, "ProcessorStarvation").max() < 10 * MS);
        // The thread that waits for signals sits in one "syscall" all the time.
        assert!(
            measured(&r, "BlockedOnSyscall").max() < 100 * MS,
            "{version}"
        );
        assert_eq!(measured(&r, "GoroutineLeakGrowth").sum(), 0, "{version}");
    }
}

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
fn a_woken_goroutine_that_waits_is_told_from_goroutines_that_take_turns() {
    for version in ALL {
        let r = report(version, "sched_latency");
        let found = bad(&r, "HighSchedulingLatency");
        let probe = found.iter().find(|f| f.place.function == "main.probe");
        let probe = probe.unwrap_or_else(|| panic!("{version}: the woken goroutine"));
        assert!(probe.count >= 20 && probe.worst >= 40 * MS, "{version}");
        let cause = probe.cause.as_ref().expect("somebody ran instead");
        assert_eq!(cause.kind, "ran_instead");
        assert!(cause.goroutine.is_some());
        let hogs = r
            .findings
            .iter()
            .filter(|f| f.message.contains("next turn"));
        assert!(hogs.clone().count() > 0, "{version}: the hogs took turns");
        assert!(hogs.clone().all(|f| f.severity == Severity::Info));
    }
    for version in FULL {
        let r = report(version, "fair_share");
        assert!(measured(&r, "HighSchedulingLatency").max() >= 10 * MS);
        assert!(bad(&r, "HighSchedulingLatency").is_empty());
    }
}

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

#[test]
fn starvation_is_found_where_a_processor_idles_beside_work() {
    for version in ALL {
        let r = report(version, "proc_starvation");
        let found = bad(&r, "ProcessorStarvation");
        assert!(!found.is_empty(), "{version}");
        assert!(found.iter().any(|f| f.worst >= 30 * MS), "{version}");
        assert!(found.iter().all(|f| f.place.function.starts_with("main.")));
    }
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

#[test]
fn after_func_goroutines_are_not_dropped() {
    for version in FULL {
        let r = report(version, "afterfunc");
        let mutex = bad(&r, "MutexContention");
        assert_eq!(mutex.iter().map(|f| f.count).sum::<u64>(), 12, "{version}");
        assert!(!bad(&r, "HighSchedulingLatency").is_empty(), "{version}");
    }
}

#[test]
fn every_rule_fires_somewhere_and_is_quiet_somewhere() {
    let names = fs::read_dir(path("1.27.3", "idle").parent().expect("a directory"))
        .expect("tests/fixtures/go1.27.3")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "trace"))
        .map(|path| {
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        });
    let reports: Vec<_> = names.map(|name| report("1.27.3", &name)).collect();
    for rule in gotracer::rules::RULES {
        let fires = |r: &Report| !bad(r, rule.name).is_empty();
        assert!(reports.iter().any(fires), "{} never fires", rule.name);
        let status = |r: &Report| {
            r.rules
                .iter()
                .find(|o| o.rule.name == rule.name)
                .map(|o| o.status)
        };
        let quiet = reports.iter().any(|r| status(r) == Some(Status::Ok));
        assert!(quiet, "{} is never quiet", rule.name);
    }
}

#[test]
fn the_wall_clock_is_known_since_go_1_25() {
    for version in ALL {
        let r = report(version, "idle");
        let known = version >= "1.25";
        assert_eq!(r.trace.start_time.is_some(), known, "{version}");
        assert!(r.trace.duration_ns > 3_000 * MS);
        assert_eq!(r.trace.gomaxprocs, Some(8));
    }
}

#[test]
fn one_thread_two_threads_and_plain_events_say_the_same() {
    let settings = Settings::default();
    for version in FULL {
        for name in [
            "annotations",
            "cgo_callback",
            "gc_pause",
            "http",
            "mutex_stuck",
            "idle",
        ] {
            let bytes = std::fs::read(path(version, name)).expect("the fixture");
            for len in [bytes.len(), bytes.len() / 2, 100] {
                let input = || Input::from_reader(&bytes[..len]);
                let one = analyze(input(), name, &settings, |_| ());
                let two = analyze_on_two_threads(input(), name, &settings, |_| ());
                let plain = analyze_plainly(input(), name, &settings);
                let plain = format!("{plain:?}");
                assert_eq!(format!("{one:?}"), plain, "{version} {name}");
                assert_eq!(format!("{two:?}"), plain, "{version} {name}");
            }
        }
    }
}

#[test]
fn a_trace_of_which_nothing_could_be_read_is_no_clean_one() {
    let bytes = std::fs::read(path("1.27.3", "gc_pause")).expect("the fixture");
    let settings = Settings::default();
    let outcome = analyze(Input::from_slice(&bytes[..100]), "cut", &settings, |_| ());
    let error = outcome.expect_err("its first generation breaks off");
    assert!(error.to_string().contains("breaks off"), "{error}");
}
