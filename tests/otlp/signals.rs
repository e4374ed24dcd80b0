//! What is sent: spans, and metrics as the receiver prefers them.

use std::fs;

use serde_json::{Value, json};

use crate::collector::{Collector, Ports, attribute, metric, number, total};
use crate::support::daemon::{Running, Scratch, fixture};
use crate::{TRACE, findings, gotracer, report, wait_sent};

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

/// The metrics that two traces make, one after the other. `counts` returns how many traces all
/// batches so far count.
fn of_two_traces(
    traces: [&str; 2],
    variables: &[(&str, &str)],
    counts: fn(&[Value]) -> f64,
) -> Option<(Vec<Value>, Running)> {
    let scratch = Scratch::new();
    let ports = Ports::free();
    let collector = Collector::start(&scratch, &ports)?;
    let endpoint = format!("http://{}", ports.http);
    let mut all = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())];
    all.extend(variables);
    all.push(("OTEL_SERVICE_NAME", "api"));
    let (gotracer, directory) = gotracer(&scratch, &all, &[]);
    // The first collection comes before the first trace.
    collector.metrics("gotracer", |_| true);
    for (count, trace) in [1.0, 2.0].into_iter().zip(traces) {
        fs::copy(fixture(trace), directory.join(format!("{count}.trace"))).unwrap();
        let counted = || (counts(&collector.all_metrics("api")) == count).then_some(());
        crate::eventually_or("a trace is counted", || gotracer.log(), counted);
    }
    Some((collector.all_metrics("api"), gotracer))
}

#[test]
fn metrics_of_the_conventions_for_go_have_a_scope_of_their_own() {
    let scratch = Scratch::new();
    let ports = Ports::free();
    let Some(collector) = Collector::start(&scratch, &ports) else {
        return;
    };
    let config = scratch.path().join("gotracer.yml");
    fs::write(&config, "otlp: {go_metrics: true}\n").unwrap();
    let flags = [
        &*format!("--otlp.endpoint=http://{}", ports.http),
        &*format!("--config={}", config.display()),
    ];
    let (gotracer, directory) = gotracer(&scratch, &[("OTEL_SERVICE_NAME", "api")], &flags);
    fs::copy(fixture(TRACE), directory.join("a.trace")).unwrap();
    let batch = collector.metrics("api", |batch| traces(batch) == 1.0);
    assert!(metric(&batch, "go.goroutine.count").is_none());
    let own = &batch["scopeMetrics"][1];
    assert_eq!(own["scope"]["name"], "gotracer/go");
    for (name, series) in [
        ("go.goroutine.count", "gotrace_goroutines"),
        ("go.processor.limit", "gotrace_gomaxprocs_threads"),
    ] {
        let metrics = own["metrics"].as_array().unwrap();
        let metric = metrics.iter().find(|m| m["name"] == name).unwrap();
        assert_eq!(metric["sum"]["isMonotonic"], Value::Null);
        let point = &metric["sum"]["dataPoints"][0];
        assert_eq!(
            Some(number(&point["asInt"])),
            gotracer.sample(series),
            "{name}"
        );
    }
}

/// Two traces, the second of which was made later.
const TRACES: [&str; 2] = [TRACE, "go1.26.6/mutex_contention.trace"];

/// Traces that a batch counts.
fn traces(batch: &Value) -> f64 {
    total(batch, "gotracer.traces").unwrap_or(0.0)
}

#[test]
fn metrics_are_those_of_a_scrape_and_begin_at_zero() {
    let last = |all: &[Value]| all.last().map_or(0.0, traces);
    let Some((all, gotracer)) = of_two_traces(TRACES, &[], last) else {
        return;
    };
    // The directory is known before its first trace.
    let first = all.first().unwrap();
    for name in ["gotrace.findings", "gotrace.mutex_wait", "gotracer.traces"] {
        assert_eq!(total(first, name), Some(0.0), "{name}");
    }
    assert!(
        metric(first, "gotrace.goroutines").is_none(),
        "it is not known yet"
    );
    let last = all.last().unwrap();
    for (name, series) in [
        ("gotrace.mutex_wait", "gotrace_mutex_wait_seconds_count"),
        ("gotrace.observed", "gotrace_observed_seconds_total"),
        ("gotrace.goroutines", "gotrace_goroutines"),
        ("gotrace.gomaxprocs_threads", "gotrace_gomaxprocs_threads"),
        (
            "gotrace.goroutine_creations",
            "gotrace_goroutine_creations_total",
        ),
        ("gotracer.trace_events", "gotracer_trace_events_total"),
        (
            "gotracer.last_success_timestamp",
            "gotracer_last_success_timestamp_seconds",
        ),
    ] {
        assert_eq!(total(last, name), gotracer.sample(series), "{name}");
    }
    // No two points of a series have the same time, and none is older than the one before.
    let point =
        |batch: &Value| metric(batch, "gotrace.observed").unwrap()["sum"]["dataPoints"][0].clone();
    let time = |batch: &Value, key: &str| number(&point(batch)[key]);
    for pair in all.windows(2) {
        assert!(time(&pair[0], "timeUnixNano") < time(&pair[1], "timeUnixNano"));
        let start = "startTimeUnixNano";
        assert_eq!(time(&pair[0], start), time(&pair[1], start));
    }
}

/// A trace that was made before the last one counts, and its gauges do not. No two points of a gauge have the same time.
#[test]
fn gauges_are_those_of_the_trace_that_was_made_last() {
    let last = |all: &[Value]| all.last().map_or(0.0, traces);
    let leak = "go1.25.5/goroutine_leak.trace";
    let Some((all, gotracer)) = of_two_traces([TRACES[1], leak], &[], last) else {
        return;
    };
    let goroutines = |batch: &Value| total(batch, "gotrace.goroutines");
    let end = all.last().unwrap();
    let of_leak = report(&fixture(leak))["program"]["goroutines"]["end"].clone();
    assert!(number(&of_leak) > 100.0, "{of_leak}");
    assert_eq!(goroutines(end), Some(1.0));
    assert_eq!(goroutines(end), gotracer.sample("gotrace_goroutines"));
    let points = all
        .iter()
        .filter_map(|batch| metric(batch, "gotrace.goroutines"));
    let times: Vec<_> = points
        .map(|m| number(&m["gauge"]["dataPoints"][0]["timeUnixNano"]))
        .collect();
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
}

#[test]
fn deltas_in_exponential_buckets_add_up_to_a_scrape() {
    let variables = [
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Delta"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            "base2_exponential_bucket_histogram",
        ),
    ];
    let sum = |all: &[Value]| all.iter().map(traces).sum();
    let Some((all, gotracer)) = of_two_traces(TRACES, &variables, sum) else {
        return;
    };
    let sum = |name: &str| {
        all.iter()
            .filter_map(|batch| total(batch, name))
            .sum::<f64>()
    };
    for (name, series) in [
        ("gotrace.mutex_wait", "gotrace_mutex_wait_seconds_count"),
        (
            "gotrace.goroutine_creations",
            "gotrace_goroutine_creations_total",
        ),
        ("gotracer.trace_events", "gotracer_trace_events_total"),
    ] {
        assert_eq!(Some(sum(name)), gotracer.sample(series), "{name}");
    }
    for batch in &all {
        let Some(waits) = metric(batch, "gotrace.mutex_wait") else {
            continue;
        };
        let histogram = &waits["exponentialHistogram"];
        assert_eq!(histogram["aggregationTemporality"], json!(1));
        let point = &histogram["dataPoints"][0];
        assert_eq!((&waits["unit"], &point["scale"]), (&json!("s"), &json!(3)));
        let counts = point["positive"]["bucketCounts"].as_array().unwrap();
        let held = counts.iter().map(number).sum::<f64>();
        assert_eq!(held + number(&point["zeroCount"]), number(&point["count"]));
        assert!(number(&point["count"]) > 0.0, "a delta of 0 is not sent");
    }
}
