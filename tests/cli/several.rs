//! Several traces in one file.

use super::*;

const TWO: &str = "tests/damaged/two-traces-one-file-go1.26.trace";

fn sources(value: &serde_json::Value) -> Vec<String> {
    let reports = value["reports"].as_array().unwrap().iter();
    reports
        .map(|report| report["trace"]["source"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_trace_of_a_file_is_analyzed() {
    let output = run(&["analyze", "--format=json", TWO]);
    assert_exit(&output, 1);
    assert_eq!(stderr(&output), "");
    let value = json(&output);
    assert_eq!(sources(&value), [TWO.to_owned(), format!("{TWO} (2)")]);
    let found = |i: usize| value["reports"][i]["findings"].as_array().unwrap().len();
    assert_eq!((found(0), found(1)), (1, 2));
    for report in value["reports"].as_array().unwrap() {
        assert_eq!(report["trace"]["lost_bytes"], 0);
    }
    let bytes = |i: usize| value["reports"][i]["trace"]["bytes"].as_u64().unwrap();
    assert_eq!((bytes(0), bytes(1)), (4333, 8555 - 4333));
}

/// What the reports say, but for names.
fn reports(args: &[&str], input: &[u8]) -> Vec<serde_json::Value> {
    let args = [&["analyze", "--format=json", "--fail-on=never"], args].concat();
    let output = run_with_stdin(&args, input);
    assert_exit(&output, 0);
    let value = json(&output);
    let reports = value["reports"].as_array().unwrap().iter().cloned();
    reports
        .map(|mut report| {
            report["trace"]["source"].take();
            report
        })
        .collect()
}

#[test]
fn traces_of_all_versions_follow_each_other() {
    let names = [
        "go1.21.13/annotations",
        "go1.19/gc_pause",
        "go1.22.10/idle",
        "go1.27.3/flight_recorder",
        "go1.25.5/mutex_long",
        "go1.19/idle",
    ];
    let traces = names.map(|name| fs::read(format!("tests/fixtures/{name}.trace")).unwrap());
    let apart: Vec<_> = traces.iter().flat_map(|t| reports(&["-"], t)).collect();
    let all = traces.concat();
    assert_eq!(reports(&["-"], &all), apart);
    let (_dir, path) = with_file("all.trace", &all);
    assert_eq!(reports(&[&path], b""), apart);
    // Each by itself compressed, as `cat a.gz b.gz` has it.
    let members: Vec<u8> = traces.iter().flat_map(|t| gzip(t)).collect();
    assert_eq!(reports(&["-"], &members), apart);
}

#[test]
fn the_events_of_every_trace_are_printed() {
    let names = ["go1.27.3/idle", "go1.19/idle"];
    let traces = names.map(|name| fs::read(format!("tests/fixtures/{name}.trace")).unwrap());
    let events = |bytes: &[u8]| {
        let output = run_with_stdin(&["events", "-"], bytes);
        assert_exit(&output, 0);
        // Numbers of stacks go on from one trace to the next.
        let text = stdout(&output);
        let lines = text.lines().filter(|line| !line.starts_with("S\t"));
        let fields = lines.map(|line| line.split('\t').take(5).collect::<Vec<_>>().join("\t"));
        fields.collect::<Vec<_>>()
    };
    let apart = traces.each_ref().map(|trace| events(trace)).concat();
    assert_eq!(events(&traces.concat()), apart);
}

#[test]
fn one_of_several_traces_is_explained_and_exported() {
    let explain = |args: &[&str]| run(&[&["explain", TWO, "--at", "0s"], args].concat());
    let first = explain(&[]);
    assert_exit(&first, 0);
    assert!(
        stderr(&first).contains("at byte 4333; --nth 2"),
        "{}",
        stderr(&first)
    );
    let second = explain(&["--nth", "2"]);
    assert_exit(&second, 0);
    assert_eq!(stderr(&second), "");
    assert_ne!(stdout(&first), stdout(&second));
    let third = explain(&["--nth", "3"]);
    assert_exit(&third, 2);
    assert!(
        stderr(&third).contains("it holds 2 traces"),
        "{}",
        stderr(&third)
    );
    let found = run(&["explain", TWO, "--nth=2", "--finding=2"]);
    assert!(
        stdout(&found).starts_with("MutexContention: goroutine 23"),
        "{}",
        stdout(&found)
    );
    assert_exit(&run(&["export", "perfetto", "--nth=2", TWO]), 0);
}

#[test]
fn a_trace_that_was_never_stopped_does_not_hide_the_next() {
    let header = b"go 1.26 trace\0\0\0";
    let next = fs::read(CLEAN).unwrap();
    let (_dir, path) = with_file("restarted.trace", &[&header[..], &next].concat());
    let output = run(&["analyze", &path]);
    assert_exit(&output, 2);
    assert!(
        stderr(&output).contains("nothing was recorded"),
        "{}",
        stderr(&output)
    );
    assert!(
        stdout(&output).contains(" (2): Go 1.25"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn text_before_a_header_is_no_trace() {
    let output = run(&["analyze", "tests/damaged/mixed-with-stdout-go1.26.trace"]);
    assert_exit(&output, 2);
    assert!(
        stderr(&output).contains("not a Go execution trace"),
        "{}",
        stderr(&output)
    );
}
