//! Requests without instrumentation, against a server that counts and times its own.

use std::collections::BTreeMap;
use std::process::Command;

use gotracer::analysis::analyze;
use gotracer::report::{Report, Request};
use gotracer::rules::Settings;
use gotracer::timeline::State;
use gotracer::trace::Input;

use crate::support;

/// Requests of each handler that the server answers: 4 clients, 10 each.
const EACH: u64 = 40;

/// Requests and their nanoseconds by handler, as the server counted them.
type Counts = BTreeMap<String, (u64, u64)>;

/// Has the server of tests/time/server answer its requests. Returns its counts and times by handler, and the report.
fn served(version: &str, kind: &str) -> Option<(Counts, Report)> {
    let go = support::tools::toolchain(version)?;
    let directory = tempfile::tempdir().unwrap();
    let (binary, trace) = (
        directory.path().join("server"),
        directory.path().join("trace"),
    );
    let mut build = Command::new(go);
    build.args(["build", "-o"]).arg(&binary).arg(".");
    build.env("GOTOOLCHAIN", "local").env_remove("GOROOT");
    build.current_dir(support::tests_dir("time/server"));
    assert!(build.status().unwrap().success());
    let output = Command::new(&binary)
        .arg(kind)
        .arg(&trace)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    let counts = text.lines().map(|line| {
        let fields: Vec<_> = line.split('\t').collect();
        (
            fields[0].to_owned(),
            (fields[1].parse().unwrap(), fields[2].parse().unwrap()),
        )
    });
    let bytes = std::fs::read(&trace).unwrap();
    let report = analyze(
        Input::from_slice(&bytes),
        kind,
        &Settings::default(),
        |_| {},
    );
    Some((counts.collect(), report.unwrap().report))
}

fn compare(version: &str, kind: &str) {
    let Some((own, report)) = served(version, kind) else {
        return;
    };
    let context = |request: &Request| {
        format!("go {version}, {kind}, {}: {report:?}", request.handler)
            .chars()
            .take(300)
            .collect::<String>()
    };
    let all: u64 = report.requests.iter().map(|r| r.duration.count()).sum();
    assert_eq!(
        all,
        3 * EACH,
        "go {version}, {kind}: {:?}",
        report
            .requests
            .iter()
            .map(|r| (&r.handler, r.duration.count()))
            .collect::<Vec<_>>()
    );
    for (handler, (count, took)) in &own {
        assert_eq!(*count, EACH);
        let request = report.requests.iter().find(|r| r.handler == *handler);
        // A goroutine that is preempted in a handler gives it a name.
        let Some(request) = request else {
            assert_eq!(handler, "(unknown)");
            continue;
        };
        if handler != "(unknown)" {
            assert_eq!(request.duration.count(), *count, "{}", context(request));
        }
        assert_eq!(request.open, 0, "{}", context(request));
        assert_eq!(
            request.time.total(),
            request.duration.sum(),
            "{}",
            context(request)
        );
        assert!(request.queued.count() > 0, "{}", context(request));
        if handler != "(unknown)" {
            // A request begins before its handler and ends after it.
            assert!(request.duration.sum() >= *took, "{}", context(request));
            assert!(request.time.of(State::Sleep) > 0, "{}", context(request));
            let beyond = (request.duration.sum() - took) as f64 / EACH as f64 / 1e3;
            eprintln!(
                "go {version}, {kind}, {handler}: {beyond:.0} µs a request beyond the handler"
            );
        }
    }
}

#[test]
fn requests_of_http_1_are_those_that_the_server_counts() {
    for version in ["local", "1.25.5", "1.22.10"] {
        for kind in ["keepalive", "close", "tls"] {
            compare(version, kind);
        }
    }
}

#[test]
fn requests_of_http_2_are_those_that_the_server_counts() {
    for version in ["local", "1.25.5", "1.22.10"] {
        compare(version, "http2");
    }
}

#[test]
fn a_program_without_a_server_has_no_requests() {
    let trace = support::tests_dir("fixtures/go1.27.3/mutex_contention.trace");
    let bytes = std::fs::read(trace).unwrap();
    let report = analyze(Input::from_slice(&bytes), "a", &Settings::default(), |_| {});
    assert!(report.unwrap().report.requests.is_empty());
}
