//! Flight recorders: the last seconds of a program, whenever somebody asks.

use serde_json::json;

use crate::evidence::{kept, opens};
use crate::support::daemon::{Running, Scratch, eventually_or, post};
use crate::support::endpoint::Endpoint;

#[test]
fn a_flight_recorder_is_asked_on_schedule_by_probe_and_for_an_alert() {
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &["-flight"]) else {
        return;
    };
    let url = format!("{}/debug/flight", endpoint.url());
    let directory = scratch.path().join("evidence");
    let path = format!("--evidence.path={}", directory.display());
    let flags = [
        "--scrape",
        &url,
        "--scrape.interval=1s",
        "--preset=batch",
        &path,
    ];
    let gotracer = Running::gotracer_with(scratch.path(), &flags, &[]);
    let instance = &endpoint.address;
    let above = |name: &str, value: f64| {
        let series = format!("{name}{{instance=\"{instance}\"}}");
        eventually_or(
            &format!("{name} is above {value}"),
            || gotracer.log(),
            || gotracer.sample(&series).filter(|v| *v > value),
        )
    };
    above("gotracer_traces_total", 1.0);
    above("gotrace_mutex_wait_seconds_count", 10.0);
    // It is no trace of `seconds` that begins now: the past is there at once.
    let probe = gotracer.get(&format!("/probe?target={instance}"), "text/plain");
    let probe = probe.text();
    assert!(probe.contains("probe_success 1\n"), "{probe}");
    assert!(probe.contains("gotrace_probe_mutex_wait_count "), "{probe}");

    let labels = json!({"alertname": "Slow", "instance": instance});
    let alert = json!({"alerts": [{"status": "firing", "labels": labels}]}).to_string();
    let answer = post(&gotracer.address, "/api/v1/alertmanager", alert.as_bytes()).unwrap();
    assert_eq!(answer.status, 202, "{}", answer.text());
    let item = kept(&gotracer, &format!("?instance={instance}"));
    assert_eq!(item["reason"], "alert Slow");
    opens(&gotracer, &item, &scratch);
}
