//! The same trace of a running Go program in three places: the metrics of the daemon, its JSON report, and
//! `runtime/metrics` of the program, which reads them at both ends of the traced window.
//!
//! docs/metrics.md has the differences to `runtime/metrics` that are meant.

use std::process::Command;

use gotracer::report::Severity;
use gotracer::rules::{RULES, Unit};
use gotracer::timeline::State;
use serde_json::Value;

use crate::support::daemon::{Running, Scratch, get, program};
use crate::support::endpoint::{Endpoint, build_from};

/// A value of a JSON document by a JSON pointer.
#[track_caller]
fn number(document: &Value, pointer: &str) -> f64 {
    let value = document.pointer(pointer).and_then(Value::as_f64);
    value.unwrap_or_else(|| panic!("{pointer} is missing"))
}

/// Whether `a` and `b` differ by at most this part of the larger one.
fn near(a: f64, b: f64, part: f64) -> bool {
    (a - b).abs() <= part * a.abs().max(b.abs())
}

/// Traces the program once. Returns the daemon, the report, and the program's own measurements.
fn traced(scratch: &Scratch, endpoint: &Endpoint) -> (Running, Value, Value) {
    let gotracer = Running::listening(
        scratch.path(),
        &[
            "--scrape",
            &endpoint.url(),
            "--scrape.seconds=2",
            "--scrape.interval=1h",
        ],
    );
    gotracer.wait_sample("gotracer_traces_total", 1.0);
    let reports = gotracer.get("/api/v1/reports", "").body;
    let reports: Value = serde_json::from_slice(&reports).expect("JSON");
    let report = reports["reports"][0].clone();
    let own = own(endpoint);
    (gotracer, report, own)
}

/// The program's own measurements of the last trace.
fn own(endpoint: &Endpoint) -> Value {
    let own = get(&endpoint.address, "/truth", "").expect("an answer");
    serde_json::from_slice(&own.body).expect("JSON")
}

/// Starts the program that measures itself.
fn measured(scratch: &Scratch) -> Option<Endpoint> {
    let binary = build_from(
        "tests/workloads",
        &program("go")?,
        scratch,
        "workloads",
        &[],
    );
    Some(Endpoint::run(&binary, &["-w", "measured"]))
}

/// All metrics that come out of one report, beside the report.
fn metrics_equal_the_report(gotracer: &Running, report: &Value) {
    let is = |series: &str, expected: f64| {
        let value = gotracer.sample(series);
        assert!(
            value.is_some_and(|value| near(value, expected, 1e-9)),
            "{series} is {value:?}, not {expected}"
        );
    };
    is(
        "gotrace_observed_seconds_total",
        number(report, "/trace/duration_ns") / 1e9,
    );
    for (i, rule) in RULES.iter().enumerate() {
        let (suffix, per_unit) = match rule.unit {
            Unit::Nanoseconds => ("_seconds", 1e9),
            Unit::Bytes => ("_bytes", 1.0),
            Unit::Goroutines => ("", 1.0),
            Unit::Share | Unit::Rate => continue,
        };
        assert_eq!(report["rules"][i]["rule"], rule.name);
        let of = |key: &str| number(report, &format!("/rules/{i}/measurement/{key}"));
        let name = format!("{}{suffix}", rule.metric.name);
        is(&format!("{name}_count"), of("count"));
        is(&format!("{name}_sum"), of("sum") / per_unit);
        for severity in Severity::ALL.map(Severity::name) {
            let found = report["findings"].as_array().expect("a list").iter();
            let found = found.filter(|f| f["rule"] == rule.name && f["severity"] == severity);
            let rule = rule.name;
            let series =
                format!("gotrace_findings_total{{rule=\"{rule}\",severity=\"{severity}\"}}");
            is(&series, found.count() as f64);
        }
    }
    for state in State::ALL.map(State::name) {
        let series = format!("gotrace_goroutine_seconds_total{{state=\"{state}\"}}");
        let time = number(report, &format!("/program/time/{state}"));
        is(&series, time / 1e9);
    }
    for (series, pointer) in [
        ("gotrace_goroutines", "goroutines/end"),
        ("gotrace_goroutines_peak", "goroutines/peak"),
        ("gotrace_goroutine_creations_total", "goroutines/created"),
        ("gotrace_goroutine_exits_total", "goroutines/exited"),
        ("gotrace_heap_live_bytes", "heap_live_bytes"),
        ("gotrace_heap_peak_bytes", "heap_peak_bytes"),
        ("gotrace_heap_goal_bytes", "heap_goal_bytes"),
        ("gotrace_gc_cpu_ratio", "gc/cpu_ratio"),
        ("gotrace_gc_cpu_with_idle_ratio", "gc/cpu_ratio_with_idle"),
    ] {
        is(series, number(report, &format!("/program/{pointer}")));
    }
    for (window, index) in [("1ms", 0), ("10ms", 3), ("100ms", 6), ("1s", 9)] {
        let series = format!("gotrace_gc_minimum_utilization_ratio{{window=\"{window}\"}}");
        let at = format!("/program/gc/minimum_utilization/{index}/ratio");
        is(&series, number(report, &at));
    }
}

#[test]
fn metrics_are_those_of_the_report_and_of_the_go_runtime() {
    let scratch = Scratch::new();
    let Some(endpoint) = measured(&scratch) else {
        return;
    };
    let (gotracer, report, own) = traced(&scratch, &endpoint);
    metrics_equal_the_report(&gotracer, &report);

    let counter = |name: &str| number(&own, &format!("/counters/{}", name.replace('/', "~1")));
    let gauge = |name: &str| number(&own, &format!("/gauges/{}", name.replace('/', "~1")));
    let gc = |key: &str| number(&report, &format!("/program/gc/{key}"));

    // Each collection has two pauses. All of them lie within the window.
    let cycles = counter("/gc/cycles/total:gc-cycles");
    assert!(cycles > 2.0, "{own}");
    assert_eq!(gc("cycles"), cycles);
    let pauses = number(&report, "/rules/0/measurement/count");
    let total = "/histograms/~1sched~1pauses~1total~1gc:seconds/count";
    assert_eq!(pauses, number(&own, total));
    assert_eq!(pauses, 2.0 * cycles);

    // The last collection ends within the window, and nothing allocates after it.
    let heap = |key: &str| number(&report, &format!("/program/{key}"));
    assert!(near(
        heap("heap_live_bytes"),
        gauge("/gc/heap/live:bytes"),
        0.001
    ));
    assert_eq!(heap("heap_goal_bytes"), gauge("/gc/heap/goal:bytes"));

    // The goroutine that writes the trace is the tracer's.
    let goroutines = number(&report, "/program/goroutines/end");
    assert_eq!(goroutines, number(&own, "/goroutines_begin_end/1") - 1.0);
}

/// CPU time of the collector in a report and in `runtime/metrics`, s: without idle marking, and with it.
fn cpu(report: &Value, own: &Value) -> [(f64, f64); 2] {
    let ours = |key: &str| number(report, &format!("/program/gc/cpu/{key}_ns")) / 1e9;
    let theirs = |name: &str| {
        let name = format!("/cpu/classes/gc/{name}:cpu-seconds").replace('/', "~1");
        number(own, &format!("/counters/{name}"))
    };
    let taken = ours("background") + ours("assist") + ours("pause");
    let all = theirs("total");
    [
        (taken, all - theirs("mark/idle")),
        (taken + ours("idle"), all),
    ]
}

/// A thread that the operating system does not run is CPU time for both, but not at the same places. So the machine has
/// to be calm in one of a few traces.
#[test]
fn the_collector_s_cpu_time_is_that_of_the_go_runtime() {
    let scratch = Scratch::new();
    let Some(endpoint) = measured(&scratch) else {
        return;
    };
    let mut seen = Vec::new();
    for _ in 0..6 {
        let mut capture = Command::new(env!("CARGO_BIN_EXE_gotracer"));
        capture.args(["capture", "-q", "-s", "2", "--fail-on=never"]);
        let capture = capture.args(["--format=json", &endpoint.address]);
        let report: Value =
            serde_json::from_slice(&capture.output().expect("it runs").stdout).expect("a report");
        let times = cpu(&report["reports"][0], &own(&endpoint));
        if times
            .iter()
            .all(|(ours, theirs)| near(*ours, *theirs, 0.05))
        {
            return;
        }
        seen.push(times);
    }
    panic!("gotracer and runtime/metrics, without and with idle marking, s: {seen:?}");
}
