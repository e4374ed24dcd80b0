//! `gotracer serve` sends to a real OpenTelemetry Collector.
#![cfg(feature = "daemon")]

#[path = "../support/mod.rs"]
mod support;

mod collector;
mod evidence;
mod refusals;
mod signals;
mod spans_of_tasks;
mod translated;
mod transport;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use collector::{Collector, Ports, attribute, metric, number, total};
use support::daemon::{Running, Scratch, eventually_or, fixture, free_address};

const TRACE: &str = "go1.25.5/mutex_contention.trace";

/// A daemon whose traces have labels, those that `config` gives.
fn gotracer(scratch: &Scratch, variables: &[(&str, &str)], flags: &[&str]) -> (Running, PathBuf) {
    let directory = scratch.path().join("in");
    fs::create_dir_all(&directory).unwrap();
    let address = free_address();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    command
        .args(["serve", "--watch.settle=300ms", "--web.listen-address"])
        .arg(&address)
        .arg("--watch")
        .arg(&directory)
        .args(flags)
        .env("OTEL_METRIC_EXPORT_INTERVAL", "300")
        .envs(variables.iter().copied());
    let mut running = Running::start(&mut command, address, scratch.path().join("gotracer.log"));
    running.wait_ready();
    (running, directory)
}

/// The report that the command line makes of a trace.
fn report(trace: &Path) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    let output = command.args(["analyze", "--format=json"]).arg(trace);
    let output = output.output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    document["reports"][0].clone()
}

/// How many findings it has.
fn findings() -> usize {
    let report = report(&fixture(TRACE));
    report["findings"].as_array().unwrap().len()
}

fn counter(what: &str, signal: &str) -> String {
    format!("gotracer_otlp_{what}_total{{signal=\"{signal}\"}}")
}

fn sent(signal: &str) -> String {
    counter("sent", signal)
}

fn wait_sent(gotracer: &Running, signal: &str) {
    eventually_or(
        &format!("{signal} were sent"),
        || gotracer.log(),
        || gotracer.sample(&sent(signal)).filter(|n| *n > 0.0),
    );
}

/// Everything that arrives is what the report says.
fn arrives(variables: &[(&str, &str)], endpoint: impl Fn(&Ports) -> String) {
    let scratch = Scratch::new();
    let ports = Ports::free();
    let Some(collector) = Collector::start(&scratch, &ports) else {
        return;
    };
    let mut all = vec![(
        "OTEL_RESOURCE_ATTRIBUTES",
        "service.name=api,service.version=1%2E2,k8s.pod.name=api-0",
    )];
    all.extend(variables);
    let flag = format!("--otlp.endpoint={}", endpoint(&ports));
    let (gotracer, directory) = gotracer(&scratch, &all, &[&flag]);
    fs::copy(fixture(TRACE), directory.join("a.trace")).unwrap();
    wait_sent(&gotracer, "logs");
    wait_sent(&gotracer, "metrics");

    let wanted = report(&fixture(TRACE));
    let findings = wanted["findings"].as_array().unwrap();
    assert!(!findings.is_empty());
    let logs = collector.logs(findings.len());
    for (log, finding) in logs.iter().zip(findings) {
        same_finding(log, finding);
    }
    let metrics = collector.metrics("api", |m| total(m, "gotracer.traces") == Some(1.0));
    same_resource(&metrics["resource"]);
    same_measurements(&metrics, &wanted);
    let own = collector.metrics("gotracer", |m| total(m, "gotracer.otlp_sent") > Some(0.0));
    let instance = attribute(&own["resource"], "service.instance.id");
    assert!(instance.as_str().unwrap().contains(':'), "{instance}");
    assert_eq!(total(&own, "gotracer.build_info"), Some(1.0));
    assert!(metric(&own, "gotrace.observed").is_none());
    for signal in ["logs", "metrics"] {
        for counter in ["dropped", "failures"] {
            let series = format!("gotracer_otlp_{counter}_total{{signal=\"{signal}\"}}");
            assert_eq!(gotracer.sample(&series), Some(0.0), "{series}");
        }
    }
}

fn same_resource(resource: &Value) {
    for (name, value) in [
        ("service.name", "api"),
        ("service.version", "1.2"),
        ("k8s.pod.name", "api-0"),
        ("process.runtime.name", "go"),
    ] {
        assert_eq!(attribute(resource, name), json!(value), "{name}");
    }
    // A trace has the version of its format, which is not that of the runtime.
    assert_eq!(attribute(resource, "process.runtime.version"), Value::Null);
}

fn same_finding((resource, scope, log): &(Value, Value, Value), finding: &Value) {
    same_resource(resource);
    assert_eq!(scope["name"], "gotracer");
    assert_eq!(scope["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(log["eventName"], "gotracer.finding");
    assert_eq!(log["body"]["stringValue"], finding["message"]);
    let at: u64 = log["timeUnixNano"].as_str().unwrap().parse().unwrap();
    let time = |text: &Value| text.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!(i128::from(at), time(&finding["first_time"]).as_nanosecond());
    let observed: u64 = log["observedTimeUnixNano"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(observed > at);
    let (number, text) = match finding["severity"].as_str().unwrap() {
        "error" => (17, "ERROR"),
        "warn" => (13, "WARN"),
        _ => (9, "INFO"),
    };
    assert_eq!(log["severityNumber"], number);
    assert_eq!(log["severityText"], text);
    let place = &finding["place"];
    for (name, value) in [
        ("gotracer.rule", &finding["rule"]),
        ("gotracer.finding.id", &finding["id"]),
        ("gotracer.count", &finding["count"]),
        ("gotracer.open", &finding["open"]),
        ("gotracer.worst", &finding["worst"]),
        ("gotracer.worst_at", &finding["worst_at_ns"]),
        ("gotracer.worst_for", &finding["worst_for_ns"]),
        ("gotracer.total", &finding["total"]),
        ("gotracer.threshold", &finding["threshold"]),
        ("gotracer.unit", &finding["unit"]),
        ("gotracer.suggestion", &finding["suggestion"]),
        ("gotracer.cause.kind", &finding["cause"]["kind"]),
        ("gotracer.cause", &finding["cause"]["text"]),
        ("code.function.name", &place["function"]),
        ("code.file.path", &place["file"]),
        ("code.line.number", &place["line"]),
    ] {
        assert_eq!(&attribute(log, name), value, "{name}");
    }
    let stack = attribute(log, "code.stacktrace");
    let frames = stack.as_str().unwrap().lines().count() / 2;
    assert_eq!(frames, finding["stack"].as_array().unwrap().len());
    let uid = attribute(log, "log.record.uid");
    assert_eq!(uid.as_str().unwrap().len(), 16);
    let source = attribute(log, "gotracer.source");
    assert!(source.as_str().unwrap().ends_with("a.trace"));
    assert_eq!(attribute(log, "gotracer.time.estimated"), Value::Null);
}

fn same_measurements(batch: &Value, report: &Value) {
    for url in [&batch["schemaUrl"], &batch["scopeMetrics"][0]["schemaUrl"]] {
        let url = url.as_str().unwrap();
        assert!(
            url.starts_with("https://opentelemetry.io/schemas/"),
            "{url}"
        );
    }
    let find = |name: &str| metric(batch, name).unwrap_or_else(|| panic!("{name} is missing"));
    let waits = find("gotrace.mutex_wait");
    assert_eq!(waits["unit"], "s");
    assert_ne!(waits["description"], "");
    let histogram = &waits["histogram"];
    assert_eq!(histogram["aggregationTemporality"], 2);
    let point = &histogram["dataPoints"][0];
    let rules = report["rules"].as_array().unwrap();
    let rule = rules.iter().find(|r| r["rule"] == "MutexContention");
    let wanted = &rule.unwrap()["measurement"];
    assert_eq!(number(&point["count"]), number(&wanted["count"]));
    assert_eq!(number(&point["sum"]), number(&wanted["sum"]) / 1e9);
    let counts = point["bucketCounts"].as_array().unwrap();
    let bounds = point["explicitBounds"].as_array().unwrap();
    assert_eq!(counts.len(), bounds.len() + 1);
    assert_eq!(
        counts.iter().map(number).sum::<f64>(),
        number(&point["count"])
    );
    // The greatest value lies in the last bucket that holds something.
    let last = counts.iter().rposition(|n| number(n) > 0.0).unwrap();
    let max = number(&wanted["max"]) / 1e9;
    assert!(number(&bounds[last - 1]) < max && max <= number(&bounds[last]));
    let observed = find("gotrace.observed");
    assert_eq!(observed["unit"], "s");
    let observed = &observed["sum"]["dataPoints"][0];
    let lasted = number(&report["trace"]["duration_ns"]);
    assert_eq!(number(&observed["asDouble"]), lasted / 1e9);
    let [from, to] = ["startTimeUnixNano", "timeUnixNano"].map(|key| number(&observed[key]));
    assert!(from < to, "{from} {to}");
    // Each rule and severity has a point, with the names of /metrics.
    let points = &find("gotrace.findings")["sum"]["dataPoints"];
    let points = points.as_array().unwrap();
    assert_eq!(points.len(), 3 * rules.len());
    let findings = report["findings"].as_array().unwrap();
    for point in points {
        let of = |name| attribute(point, name);
        let same = |f: &&Value| f["rule"] == of("rule") && f["severity"] == of("severity");
        let count = findings.iter().filter(same).count() as f64;
        assert_eq!(number(&point["asInt"]), count, "{point}");
    }
}

#[test]
fn findings_and_measurements_arrive_by_grpc() {
    let protocol = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    arrives(&[protocol], |ports| format!("http://{}", ports.grpc));
    let compressed = [protocol, ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")];
    arrives(&compressed, |ports| format!("http://{}", ports.grpc));
}

#[test]
fn findings_and_measurements_arrive_by_http() {
    let protocol = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    arrives(&[protocol], |ports| format!("http://{}", ports.http));
    let compressed = [protocol, ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")];
    arrives(&compressed, |ports| format!("http://{}/", ports.http));
}

#[test]
fn a_collector_that_comes_late_gets_everything() {
    let scratch = Scratch::new();
    let ports = Ports::free();
    let endpoint = format!("http://{}", ports.http);
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint)];
    let (gotracer, directory) = gotracer(&scratch, &variables, &[]);
    fs::copy(fixture(TRACE), directory.join("a.trace")).unwrap();
    let failures = "gotracer_otlp_failures_total{signal=\"logs\"}";
    eventually_or(
        "it fails twice",
        || gotracer.log(),
        || gotracer.sample(failures).filter(|n| *n >= 2.0),
    );
    assert_eq!(gotracer.sample(&sent("logs")), Some(0.0));
    let Some(collector) = Collector::start(&scratch, &ports) else {
        return;
    };
    wait_sent(&gotracer, "logs");
    wait_sent(&gotracer, "metrics");
    let findings = report(&fixture(TRACE))["findings"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(collector.logs(findings).len(), findings);
    let dropped = "gotracer_otlp_dropped_total{signal=\"logs\"}";
    assert_eq!(gotracer.sample(dropped), Some(0.0));
}

#[test]
fn what_the_queue_cannot_hold_is_counted() {
    let scratch = Scratch::new();
    let endpoint = format!("--otlp.endpoint=http://{}", free_address());
    let flags = [&*endpoint, "--otlp.queue-size=100B"];
    let (gotracer, directory) = gotracer(&scratch, &[], &flags);
    fs::copy(fixture(TRACE), directory.join("a.trace")).unwrap();
    let findings = report(&fixture(TRACE))["findings"]
        .as_array()
        .unwrap()
        .len();
    gotracer.wait_sample(
        "gotracer_otlp_dropped_total{signal=\"logs\"}",
        findings as f64,
    );
}

#[test]
fn the_end_waits_for_what_was_not_sent_but_not_for_ever() {
    let scratch = Scratch::new();
    let endpoint = format!("--otlp.endpoint=http://{}", free_address());
    let (mut gotracer, directory) = gotracer(&scratch, &[], &[&endpoint]);
    fs::copy(fixture(TRACE), directory.join("a.trace")).unwrap();
    gotracer.wait_sample("gotracer_traces_total", 1.0);
    gotracer.signal("-TERM");
    assert!(gotracer.wait().success());
    let log = gotracer.log();
    assert!(log.contains("could not be sent before the end"), "{log}");
}

#[test]
fn the_standard_switch_is_off() {
    let scratch = Scratch::new();
    let variables = [
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:1"),
    ];
    let (gotracer, _) = gotracer(&scratch, &variables, &[]);
    assert_eq!(gotracer.sample(&sent("logs")), None);
}

#[test]
fn variables_that_cannot_be_used_are_named_and_ignored() {
    let scratch = Scratch::new();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:1"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "10s"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "no-equals-sign"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "ftp://here"),
        ("OTEL_RESOURCE_ATTRIBUTES", "k=100%"),
    ];
    let (gotracer, _) = gotracer(&scratch, &variables, &[]);
    let log = gotracer.log();
    for (name, _) in &variables[1..] {
        let warned = |line: &str| line.contains(&format!("{name}: ")) && line.contains("ignored");
        assert!(log.lines().any(warned), "{name}: {log}");
    }
    // What is not sent at all has no counters.
    assert_eq!(gotracer.sample(&sent("logs")), Some(0.0));
    assert_eq!(gotracer.sample(&sent("traces")), None);
}

#[test]
fn a_flag_that_cannot_be_used_ends_the_program() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    command.args(["serve", "--watch=.", "--otlp.endpoint=ftp://here"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("--otlp.endpoint"), "{said}");
}
