//! What is sent: spans, and metrics as the receiver prefers them.

use std::fs;

use serde_json::{Value, json};

use crate::collector::{Collector, Ports, attribute};
use crate::support::{Scratch, fixture};
use crate::{TRACE, findings, gotracer, wait_sent};

#[test]
fn findings_belong_to_the_span_of_their_trace() {
    let scratch = Scratch::new();
    let ports = Ports::free();
    let Some(collector) = Collector::start(&scratch, &ports) else {
        return;
    };
    let config = scratch.path().join("gotracer.yml");
    fs::write(&config, "otlp: {spans: true}\n").unwrap();
    let flags = [
        &*format!("--otlp.endpoint=http://{}", ports.grpc),
        "--otlp.protocol=grpc",
        &*format!("--config={}", config.display()),
        "--watch.pattern={service}.trace",
    ];
    let (gotracer, directory) = gotracer(&scratch, &[("OTEL_SERVICE_NAME", "weak")], &flags);
    fs::copy(fixture(TRACE), directory.join("cart.trace")).unwrap();
    let batch = collector.spans(1).remove(0);
    let span = &batch["scopeSpans"][0]["spans"][0];
    assert_eq!(
        attribute(&batch["resource"], "service.name"),
        json!("gotracer")
    );
    assert_eq!(attribute(span, "gotracer.target.service"), json!("cart"));
    assert_eq!(attribute(span, "gotracer.findings"), json!(findings()));
    let time = |key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
    assert!(time("startTimeUnixNano") <= time("endTimeUnixNano"));
    assert_eq!(span["parentSpanId"], json!(""));
    for (resource, _, log) in &collector.logs(findings()) {
        assert_eq!(attribute(resource, "service.name"), json!("cart"));
        assert_eq!(log["traceId"], span["traceId"]);
        assert_eq!(log["spanId"], span["spanId"]);
        assert!(span["spanId"].as_str().unwrap().len() == 16);
    }

    // What failed says why.
    fs::write(directory.join("junk.trace"), "<html>no trace</html>").unwrap();
    let failed = collector.spans(2).remove(1);
    let failed = &failed["scopeSpans"][0]["spans"][0];
    assert_eq!(attribute(failed, "error.type"), json!("not_a_trace"));
    assert_eq!(failed["status"]["code"], json!(2), "{failed}");
    wait_sent(&gotracer, "traces");

    // Switched off, nothing is sent any more.
    fs::write(&config, "otlp: {enabled: false}\n").unwrap();
    gotracer.signal("-HUP");
    gotracer.wait_sample("gotracer_config_last_reload_successful", 1.0);
    crate::eventually_or(
        "it is reloaded",
        || gotracer.log(),
        || {
            gotracer
                .log()
                .contains("configuration reloaded")
                .then_some(())
        },
    );
    fs::copy(
        fixture("go1.26.6/mutex_contention.trace"),
        directory.join("late.trace"),
    )
    .unwrap();
    gotracer.wait_sample("gotracer_traces_total{service=\"late\"}", 1.0);
    gotracer.wait_sample("gotracer_otlp_queue_bytes{signal=\"logs\"}", 0.0);
    collector.logs(findings());
}

#[test]
fn metrics_add_up_in_explicit_buckets_for_who_wants_that() {
    let scratch = Scratch::new();
    let ports = Ports::free();
    let Some(collector) = Collector::start(&scratch, &ports) else {
        return;
    };
    let endpoint = format!("http://{}", ports.http);
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "Cumulative",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            "explicit_bucket_histogram",
        ),
    ];
    let (gotracer, directory) = gotracer(&scratch, &variables, &[]);
    fs::copy(fixture(TRACE), directory.join("a.trace")).unwrap();
    collector.all_metrics(1);
    let other = "go1.26.6/mutex_contention.trace";
    fs::copy(fixture(other), directory.join("b.trace")).unwrap();
    let all = collector.all_metrics(2);
    let metric = |batch: &Value, name: &str| {
        let metrics = batch["scopeMetrics"][0]["metrics"].as_array().unwrap();
        let found = metrics.iter().find(|m| m["name"] == name);
        found.unwrap_or_else(|| panic!("{name} is missing")).clone()
    };
    let [first, second] =
        [0, 1].map(|i| metric(&all[i], "gotrace.mutex_wait")["histogram"].clone());
    assert_eq!(second["aggregationTemporality"], json!(2));
    let (first, second) = (&first["dataPoints"][0], &second["dataPoints"][0]);
    assert_eq!(first["startTimeUnixNano"], second["startTimeUnixNano"]);
    let number = |v: &Value| v.as_str().unwrap().parse::<f64>().unwrap();
    let count = gotracer.sample("gotrace_mutex_wait_seconds_count").unwrap();
    assert!(number(&first["count"]) < count);
    assert_eq!(number(&second["count"]), count);
    let counts = second["bucketCounts"].as_array().unwrap();
    let bounds = second["explicitBounds"].as_array().unwrap();
    assert_eq!(counts.len(), bounds.len() + 1);
    assert_eq!(counts.iter().map(number).sum::<f64>(), count);
    let goroutines = &metric(&all[1], "gotrace.goroutines")["gauge"]["dataPoints"][0];
    let goroutines = number(&goroutines["asInt"]);
    assert_eq!(gotracer.sample("gotrace_goroutines"), Some(goroutines));
    let created = &metric(&all[1], "gotrace.goroutine_creations")["sum"]["dataPoints"][0];
    assert_eq!(
        gotracer.sample("gotrace_goroutine_creations_total"),
        Some(number(&created["asInt"]))
    );
}
