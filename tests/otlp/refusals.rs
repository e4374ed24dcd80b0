//! A receiver that does not take everything, or not now.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::collector::{self, Collector, Options, Ports, attribute};
use crate::support::daemon::{Running, Scratch, eventually_or, fixture, free_address, pack};
use crate::{TRACE, counter, findings, gotracer, sent, wait_sent};

/// Sends to a Collector in that mood, and gives what of its first log records
/// was sent, was dropped, and how many attempts failed.
fn to_moody(moody: &str, protocol: &str) -> Option<([f64; 3], Duration)> {
    let scratch = Scratch::new();
    let ports = Ports::free();
    let options = Options {
        moody,
        ..Options::default()
    };
    let _collector = Collector::start_with(&scratch, &ports, &options)?;
    let port = if protocol == "grpc" {
        &ports.grpc
    } else {
        &ports.http
    };
    let endpoint = format!("http://{port}");
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
    ];
    let (gotracer, directory) = gotracer(&scratch, &variables, &[]);
    let started = Instant::now();
    fs::copy(fixture(TRACE), directory.join("a.trace")).unwrap();
    let counts = || {
        let of = |what| gotracer.sample(&counter(what, "logs"));
        let counts = [of("sent")?, of("dropped")?, of("failures")?];
        (counts[0] + counts[1] > 0.0).then_some(counts)
    };
    let counts = eventually_or("something came of it", || gotracer.log(), counts);
    if !moody.is_empty() {
        let words = if moody.contains("busy") {
            "busy"
        } else {
            "x-key is []"
        };
        assert!(gotracer.log().contains(words), "{}", gotracer.log());
    }
    Some((counts, started.elapsed()))
}

#[test]
fn a_busy_receiver_is_asked_again_when_it_says() {
    for protocol in ["grpc", "http/protobuf"] {
        let Some((counts, took)) = to_moody("busy: 2, wait: 2s", protocol) else {
            return;
        };
        assert_eq!(counts, [findings() as f64, 0.0, 2.0], "{protocol}");
        // Left to itself it would have come back within a second and a half.
        assert!(took >= Duration::from_secs(4), "{protocol}: {took:?}");
    }
}

#[test]
fn a_grpc_receiver_that_is_out_of_resources_for_good_is_left_alone() {
    let Some((counts, _)) = to_moody("busy: 1", "grpc") else {
        return;
    };
    assert_eq!(counts, [0.0, findings() as f64, 1.0]);
}

#[test]
fn what_is_refused_is_not_sent_again() {
    for protocol in ["grpc", "http/protobuf"] {
        let Some((counts, _)) = to_moody("headers: {x-key: secret}", protocol) else {
            return;
        };
        assert_eq!(counts, [0.0, findings() as f64, 1.0], "{protocol}");
    }
}

#[test]
fn what_is_rejected_of_a_request_is_counted() {
    let Some(binary) = collector::build() else {
        return;
    };
    let scratch = Scratch::new();
    let address = free_address();
    let mut command = Command::new(binary);
    command.args(["partial", &address]);
    let receiver = Running::start(&mut command, address, scratch.path().join("partial.log"));
    eventually_or(
        "it listens",
        || receiver.log(),
        || receiver.log().contains("ready").then_some(()),
    );
    let endpoint = format!("http://{}", receiver.address);
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ];
    let (gotracer, directory) = gotracer(&scratch, &variables, &[]);
    fs::copy(fixture(TRACE), directory.join("a.trace")).unwrap();
    gotracer.wait_sample(&counter("dropped", "logs"), 1.0);
    assert_eq!(
        gotracer.sample(&sent("logs")),
        Some(findings() as f64 - 1.0)
    );
    assert_eq!(gotracer.sample(&counter("failures", "logs")), Some(0.0));
    assert!(
        gotracer.log().contains("rejected a part") && gotracer.log().contains("one too many"),
        "{}",
        gotracer.log()
    );
}

#[test]
fn a_receiver_that_is_down_costs_what_the_queue_cannot_hold() {
    const TRACES: usize = 20;
    let scratch = Scratch::new();
    let ports = Ports::free();
    let endpoint = format!("--otlp.endpoint=http://{}", ports.http);
    let flags = [&*endpoint, "--otlp.queue-size=16KiB"];
    let (gotracer, directory) = gotracer(&scratch, &[], &flags);
    let trace = fs::read(fixture(TRACE)).unwrap();
    for i in 0..TRACES {
        pack(&trace, &directory, &i.to_string());
    }
    gotracer.wait_sample("gotracer_traces_total", TRACES as f64);
    let dropped = gotracer.sample(&counter("dropped", "logs")).unwrap();
    let waiting = "gotracer_otlp_queue_bytes{signal=\"logs\"}";
    let bytes = gotracer.sample(waiting).unwrap();
    assert!(
        dropped > 0.0 && bytes > 8192.0 && bytes <= 16384.0,
        "{dropped} {bytes}"
    );
    let found = |severity: &str| {
        let series = "gotrace_findings_total{rule=\"MutexContention\",severity=";
        gotracer
            .sample(&format!("{series}\"{severity}\"}}"))
            .unwrap()
    };
    let all = found("error") + found("warn") + found("info");
    let Some(collector) = Collector::start(&scratch, &ports) else {
        return;
    };
    gotracer.wait_sample(waiting, 0.0);
    wait_sent(&gotracer, "logs");
    // Nothing is lost but that, and nothing comes twice.
    assert_eq!(gotracer.sample(&counter("dropped", "logs")), Some(dropped));
    let arrived = collector.logs((all - dropped) as usize).len() as f64;
    assert_eq!(gotracer.sample(&sent("logs")), Some(arrived));
}

#[test]
fn killed_before_it_was_sent_it_is_sent_after_a_restart_and_counted_once() {
    const TRACES: usize = 12;
    let scratch = Scratch::new();
    let ports = Ports::free();
    let flags = [
        &*format!("--otlp.endpoint=http://{}", ports.http),
        &*format!("--storage.path={}", scratch.path().join("state").display()),
        "--watch.after=move",
    ];
    let (mut daemon, directory) = gotracer(&scratch, &[], &flags);
    let trace = fs::read(fixture(TRACE)).unwrap();
    for i in 0..TRACES {
        pack(&trace, &directory, &i.to_string());
    }
    daemon.wait_sample("gotracer_traces_total", TRACES as f64);
    assert_eq!(daemon.sample(&sent("logs")), Some(0.0));
    daemon.signal("-KILL");
    daemon.wait();
    let lie = || {
        fs::read_dir(&directory)
            .unwrap()
            .filter(|e| e.as_ref().unwrap().path().is_file())
    };
    assert_eq!(lie().count(), TRACES, "they stay until they were sent");

    let Some(collector) = Collector::start(&scratch, &ports) else {
        return;
    };
    let (mut daemon, _) = gotracer(&scratch, &[], &flags);
    collector.logs(TRACES * findings());
    eventually_or(
        "all are moved",
        || daemon.log(),
        || (lie().count() == 0).then_some(()),
    );
    assert_eq!(daemon.sample("gotracer_traces_total").unwrap_or(0.0), 0.0);
    daemon.signal("-KILL");
    daemon.wait();

    // Now nothing is left to do.
    let (daemon, _) = gotracer(&scratch, &[], &flags);
    pack(&trace, &directory, "one more");
    daemon.wait_sample("gotracer_traces_total", 1.0);
    wait_sent(&daemon, "logs");
    let logs = collector.logs((TRACES + 1) * findings());
    assert_eq!(uids(&logs).len(), logs.len(), "each record has its own");
}

#[test]
fn a_trace_is_done_when_its_findings_arrived_though_metrics_can_not_be_sent() {
    let scratch = Scratch::new();
    let ports = Ports::free();
    let Some(collector) = Collector::start(&scratch, &ports) else {
        return;
    };
    let logs = format!("http://{}/v1/logs", ports.http);
    let nowhere = format!("http://{}/v1/metrics", free_address());
    let variables = [
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", logs.as_str()),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &nowhere),
    ];
    let storage = format!("--storage.path={}", scratch.path().join("state").display());
    let flags = [&*storage, "--watch.after=move"];
    let (mut daemon, directory) = gotracer(&scratch, &variables, &flags);
    fs::copy(fixture(TRACE), directory.join("a.trace")).unwrap();
    collector.logs(findings());
    let failed = || {
        let failures = daemon.sample(&counter("failures", "metrics"))?;
        (failures > 0.0 && !directory.join("a.trace").exists()).then_some(())
    };
    eventually_or(
        "metrics fail, and the trace is done",
        || daemon.log(),
        failed,
    );
    daemon.signal("-KILL");
    daemon.wait();

    // Nothing of it is sent again.
    let (daemon, _) = gotracer(&scratch, &variables, &flags);
    pack(&fs::read(fixture(TRACE)).unwrap(), &directory, "one more");
    daemon.wait_sample("gotracer_traces_total", 1.0);
    wait_sent(&daemon, "logs");
    collector.logs(2 * findings());
}

fn uids(logs: &[(Value, Value, Value)]) -> BTreeSet<String> {
    let uid = |log| {
        attribute(log, "log.record.uid")
            .as_str()
            .unwrap()
            .to_owned()
    };
    logs.iter().map(|(.., log)| uid(log)).collect()
}

#[test]
fn a_record_that_is_sent_twice_is_known_by_its_identifier() {
    let scratch = Scratch::new();
    let ports = Ports::free();
    let Some(collector) = Collector::start(&scratch, &ports) else {
        return;
    };
    let flags = [&*format!("--otlp.endpoint=http://{}", ports.http)];
    for time in 1..=2 {
        let (daemon, directory) = gotracer(&scratch, &[], &flags);
        fs::copy(fixture(TRACE), directory.join("a.trace")).unwrap();
        wait_sent(&daemon, "logs");
        let logs = collector.logs(time * findings());
        assert_eq!(uids(&logs).len(), findings());
    }
}
