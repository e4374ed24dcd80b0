//! Lines of the log, whatever names others choose.
#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use serde_json::{Value, json};

use crate::support::daemon::{Running, Scratch, eventually_or, fixture};

const FORGED: &str = "x\n2026-01-01T00:00:00Z ERROR forged \x1b[31m\u{9b}1m\u{202e}";

/// What a daemon logs of files, directories and targets with hostile names.
fn log_of_hostile_names(format: &str) -> String {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let put = |name: &[u8], content: &[u8]| {
        let name = [FORGED.as_bytes(), name].concat();
        fs::write(directory.join(OsStr::from_bytes(&name)), content).unwrap();
    };
    let trace = fs::read(fixture("go1.25.5/http.trace")).unwrap();
    put(b"_1.trace", &trace);
    put(b"\xff_2.trace", b"nonsense");
    let list = scratch.path().join("targets.json");
    let groups = json!([
        {"targets": [FORGED], "labels": {"__scheme__": "gopher"}},
        {"targets": [FORGED], "labels": {"__metrics_path__": FORGED}},
        {"targets": ["127.0.0.1:1"], "labels": {"service": FORGED, "job": FORGED}},
    ]);
    // YAML takes such a character only as an escape.
    let yaml = |value: &Value| value.to_string().replace('\u{9b}', "\\u009b");
    fs::write(&list, yaml(&groups)).unwrap();
    let broken = scratch.path().join("broken.json");
    let misfit = json!([{"targets": ["a"], FORGED: 1}]);
    fs::write(&broken, yaml(&misfit)).unwrap();
    let config = scratch.config(format!(
        "scrape_configs: [{{job_name: x, scrape_interval: 1s, seconds: 1, \
         file_sd_configs: [{{files: ['{}', '{}']}}]}}]",
        broken.display(),
        list.display()
    ));
    let flags = [
        &*config,
        "--log.level=debug",
        &*format!("--log.format={format}"),
        "--watch.after=move",
        "--watch.pattern={service}_{_}.trace",
    ];
    let gotracer = Running::gotracer(&directory, scratch.path(), &flags);
    let all = [
        "refused",
        "not a Go execution trace",
        "target skipped",
        "events=",
    ];
    let all = all.map(|part| match format {
        "json" if part == "events=" => "\"events\":",
        _ => part,
    });
    let logged = || {
        let log = gotracer.log();
        all.iter().all(|part| log.contains(part)).then_some(log)
    };
    eventually_or("everything is logged", || gotracer.log(), logged)
}

fn assert_harmless(log: &str) {
    let hostile = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!log.contains(hostile), "{log:?}");
    assert!(log.contains("forged"), "{log}");
}

#[test]
fn no_name_forges_a_line_of_the_log() {
    let log = log_of_hostile_names("text");
    assert_harmless(&log);
    assert!(!log.lines().any(|line| line.contains("Z ERROR forged") && line.starts_with("2026-01-01T00:00:00Z")), "{log}");
}

#[test]
fn no_name_forges_a_line_of_json() {
    let log = log_of_hostile_names("json");
    assert_harmless(&log);
    let lines = log.split_inclusive('\n').filter(|l| l.ends_with('\n'));
    for line in lines {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_ne!(line["timestamp"], "2026-01-01T00:00:00Z");
    }
}
