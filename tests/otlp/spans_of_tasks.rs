//! Slow tasks as child spans of the spans that the program made with the OpenTelemetry SDK.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::collector::{Collector, Ports, attribute};
use crate::gotracer;
use crate::support::daemon::{Scratch, program};

/// Runs the program of tests/otlp/tasks, with docs/go/spantasks, which is traced. Returns the ids of its slowest span.
fn traced(go: &Path, scratch: &Scratch, trace: &Path) -> (String, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let module = scratch.directory("tasks");
    fs::create_dir(module.join("spantasks")).unwrap();
    for (from, to) in [
        ("tests/otlp/tasks/main.go", "main.go"),
        ("tests/otlp/tasks/go.mod", "go.mod"),
        ("tests/otlp/tasks/go.sum", "go.sum"),
        ("docs/go/spantasks/spantasks.go", "spantasks/spantasks.go"),
    ] {
        fs::copy(root.join(from), module.join(to)).unwrap();
    }
    let mut build = Command::new(go);
    build.args(["build", "-o", "run", "."]).current_dir(&module);
    build.env("GOTOOLCHAIN", "local").env_remove("GOROOT");
    assert!(build.status().unwrap().success());
    let output = Command::new(module.join("run"))
        .arg(trace)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let (trace, span) = text.trim().split_once(' ').unwrap();
    (trace.into(), span.into())
}

#[test]
fn a_collector_receives_spans_in_the_traces_of_the_requests() {
    let Some(go) = program("go") else { return };
    let scratch = Scratch::new();
    let ports = Ports::free();
    let Some(collector) = Collector::start(&scratch, &ports) else {
        return;
    };
    let config = scratch.path().join("gotracer.yml");
    fs::write(&config, "otlp: {task_spans: 2}\n").unwrap();
    let flags = [
        &*format!("--otlp.endpoint=http://{}", ports.grpc),
        "--otlp.protocol=grpc",
        &*format!("--config={}", config.display()),
        "--watch.pattern={service}.trace",
    ];
    let (_gotracer, directory) = gotracer(&scratch, &[], &flags);
    let trace = scratch.path().join("shop.trace");
    let (trace_id, span_id) = traced(&go, &scratch, &trace);
    fs::copy(&trace, directory.join("shop.trace")).unwrap();
    let batch = collector.spans(1).remove(0);
    assert_eq!(attribute(&batch["resource"], "service.name"), json!("shop"));
    let spans = batch["scopeSpans"][0]["spans"].as_array().unwrap();
    assert_eq!(spans.len(), 2);
    // The slowest one first; inner spans are no tasks of their own.
    assert_eq!(spans[0]["name"], "go.runtime");
    assert_eq!(spans[0]["traceId"], json!(trace_id));
    assert_eq!(spans[0]["parentSpanId"], json!(span_id));
    assert_eq!(
        attribute(&spans[0], "gotracer.task"),
        json!("GET /checkout")
    );
    assert_ne!(spans[1]["traceId"], json!(trace_id));
    let time = |key: &str| spans[0][key].as_str().unwrap().parse::<u64>().unwrap();
    let lasted = time("endTimeUnixNano") - time("startTimeUnixNano");
    let slept = attribute(&spans[0], "gotracer.time.sleep_ns");
    let slept: u64 = match slept.as_u64() {
        Some(slept) => slept,
        None => slept.as_str().unwrap().parse().unwrap(),
    };
    assert!(
        (50_000_000..=lasted).contains(&slept),
        "{slept} of {lasted}"
    );
}
