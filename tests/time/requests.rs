//! Requests without instrumentation, against a server that counts and times its own.

use std::collections::BTreeMap;
use std::process::Command;

use gotracer::report::{Report, Request};
use gotracer::timeline::{Leaf, State};
use serde_json::Value;

use crate::program::{Program, report};
use crate::support;

/// Requests of each handler that the server answers: 4 clients, 10 each.
const EACH: u64 = 40;

/// Requests and their nanoseconds by handler, as the server counted them.
type Counts = BTreeMap<String, (u64, u64)>;

/// Has the server of tests/time/server answer its requests. Returns its counts and times by handler, and the report.
fn served(server: &Program, kind: &str) -> (Counts, Report) {
    let (text, report) = server.trace(&[kind]);
    let counts = text.lines().map(|line| {
        let fields: Vec<_> = line.split('\t').collect();
        (
            fields[0].to_owned(),
            (fields[1].parse().unwrap(), fields[2].parse().unwrap()),
        )
    });
    (counts.collect(), report)
}

fn compare(server: &Program, version: &str, kind: &str) {
    let (own, report) = served(server, kind);
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
            let handler_us = *took as f64 / EACH as f64 / 1e3;
            let percent = beyond / handler_us * 100.0;
            eprintln!(
                "go {version}, {kind}, {handler}: {beyond:.0} µs ({percent:.1} %) beyond the handler's {handler_us:.0} µs"
            );
        }
    }
}

#[test]
fn requests_are_those_that_the_server_counts() {
    for version in ["local", "1.22.10", "1.23.9", "1.25.5", "1.27.3"] {
        let Some(server) = Program::build("server", version) else {
            continue;
        };
        for kind in ["keepalive", "close", "tls", "http2"] {
            compare(&server, version, kind);
        }
    }
}

#[test]
fn requests_without_a_last_write_and_other_odd_ones_are_counted() {
    for version in ["local", "1.22.10", "1.27.3"] {
        let Some(program) = Program::build("odd", version) else {
            continue;
        };
        for (kind, handler) in [
            ("pipelined", "main.slow"),
            ("wholes", "main.whole"),
            ("hijack", "main.hijack"),
            ("continue", "main.cont"),
            ("early", "main.early"),
            ("full", "main.full"),
            ("whole", "main.whole"),
            ("file", "main.file"),
            ("static", "net/http.(*fileHandler).ServeHTTP"),
            ("flush", "main.flush"),
            ("large", "main.large"),
            ("none", "main.none"),
            ("timeout", "net/http.(*timeoutHandler).ServeHTTP"),
        ] {
            let (_, report) = program.trace(&[kind]);
            let counts = report.requests.iter();
            let counts: Vec<_> = counts
                .map(|r| (r.handler.as_str(), r.duration.count(), r.open))
                .collect();
            assert_eq!(counts, [(handler, 20, 0)], "go {version}, {kind}");
            let (time, whole) = (&report.requests[0].time, report.requests[0].duration.sum());
            assert_eq!(time.total(), whole, "go {version}, {kind}");
            if kind == "timeout" {
                // The handler runs in another goroutine, and the request waits for it.
                let end = report.requests[0].time_in_the_end;
                let slept = end.of(Leaf::of(State::Sleep));
                assert!(slept > whole / 2, "go {version}: {end:?}");
                assert_eq!(time.of(State::Sleep), 0, "go {version}");
            }
        }
    }
}

#[test]
fn pipelined_requests_without_an_event_between_them_are_one() {
    let Some(program) = Program::build("odd", "local") else {
        return;
    };
    // The handlers write their whole responses. If the server has read the next request, and the first byte of the one
    // after it, the connection's goroutine has no event between two handlers.
    let (_, report) = program.trace(&["packets"]);
    let [request] = &report.requests[..] else {
        panic!("{:?}", report.requests);
    };
    assert_eq!((request.handler.as_str(), request.open), ("main.whole", 0));
    assert!((2..=20).contains(&request.duration.count()));
    // Nothing is lost: the merged ones are as long as their parts.
    assert!(request.duration.sum() >= 20 * 1_000_000);
    assert_eq!(request.time.total(), request.duration.sum());
}

#[test]
fn diff_lists_the_requests_that_became_slower() {
    let Some(server) = Program::build("server", "local") else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let traces = ["keepalive", "slow"].map(|kind| {
        server.trace(&[kind]);
        let copy = directory.path().join(kind);
        std::fs::copy(server.path(), &copy).unwrap();
        copy
    });
    let diff = |format: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
        command.args(["diff", "--format", format]).args(&traces);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{format}");
        String::from_utf8(output.stdout).unwrap()
    };
    let json: Value = serde_json::from_str(&diff("json")).unwrap();
    let activities = json["activities"].as_array().unwrap();
    let locks = activities.iter().find(|a| a["name"] == "main.locks");
    let locks = locks.expect("main.locks differs");
    let (base, new) = (&locks["base"], &locks["new"]);
    assert_eq!(
        (&locks["kind"], &base["count"]),
        (&"request".into(), &EACH.into())
    );
    assert_eq!(new["count"], EACH);
    for quantity in ["p50", "p99"] {
        assert!(new[quantity].as_u64() > base[quantity].as_u64(), "{locks}");
    }
    // It waits longer for the lock.
    let lock = |side: &Value| side["time"]["lock"].as_u64().unwrap();
    assert!(lock(new) > lock(base), "{locks}");
    for format in ["table", "markdown", "html"] {
        let text = diff(format);
        assert!(text.contains("main.locks"), "{format}: {text}");
        assert!(
            text.to_lowercase().contains("tasks, regions and requests"),
            "{format}: {text}"
        );
    }
}

#[test]
fn a_program_without_a_server_has_no_requests() {
    let trace = support::tests_dir("fixtures/go1.27.3/mutex_contention.trace");
    assert!(report(&trace).requests.is_empty());
}
