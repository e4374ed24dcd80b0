//! Custom rules in the daemon: metrics, reports, and changes by a reload.

use std::fs;

use crate::support::daemon::{Running, Scratch, fixture, post};

const FIXTURE: &str = "go1.27.3/annotations.trace";

fn rule(warn: &str) -> String {
    format!(
        "custom_rules:\n\
         - {{name: SlowChild, on: task, match: {{type: child}}, warn: {warn}, error: 10s}}\n\
         - {{name: ManyChildren, on: task, match: {{type: child}}, value: count_per_second, warn: 1}}\n\
         services: {{other: {{rules: {{SlowChild: {{enabled: false}}}}}}}}\n"
    )
}

#[test]
fn a_custom_rule_has_series_and_changes_with_the_configuration() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let config = scratch.path().join("gotracer.yml");
    fs::write(&config, rule("1us")).unwrap();
    let flag = format!("--config={}", config.display());
    let more = [flag.as_str(), "--web.enable-lifecycle"];
    let gotracer = Running::gotracer(&directory, scratch.path(), &more);
    let found = "gotrace_findings_total{rule=\"SlowChild\",severity=\"warn\"}";
    assert_eq!(gotracer.sample(found), None);
    fs::copy(fixture(FIXTURE), directory.join("a.trace")).unwrap();
    gotracer.wait_sample(found, 1.0);
    let count = "gotrace_custom_rule_seconds_count{rule=\"SlowChild\"}";
    let tasks = gotracer.sample(count).unwrap();
    assert!(tasks > 50.0, "{tasks}");
    let rate = gotracer.sample("gotrace_custom_rule_rate{rule=\"ManyChildren\"}");
    assert!(
        rate.is_some_and(|rate| (1.0..100.0).contains(&rate)),
        "{rate:?}"
    );
    // The whole configuration can be read again.
    let shown = gotracer.get("/config", "").text();
    let shown = gotracer::config::Config::parse(&shown).unwrap_or_else(|e| panic!("{e}: {shown}"));
    assert_eq!(shown.custom_rules().len(), 2);
    // A changed threshold keeps the series.
    fs::write(&config, rule("9s")).unwrap();
    assert_eq!(
        post(&gotracer.address, "/-/reload", b"").unwrap().status,
        200
    );
    fs::copy(
        fixture("go1.25.5/annotations.trace"),
        directory.join("b.trace"),
    )
    .unwrap();
    gotracer.wait_sample("gotracer_traces_total", 2.0);
    assert_eq!(gotracer.sample(found), Some(1.0));
    assert!(gotracer.sample(count).unwrap() > tasks);
    // Without the rule, its series stay as they are.
    fs::write(&config, "").unwrap();
    assert_eq!(
        post(&gotracer.address, "/-/reload", b"").unwrap().status,
        200
    );
    fs::copy(
        fixture("go1.22.10/annotations.trace"),
        directory.join("c.trace"),
    )
    .unwrap();
    gotracer.wait_sample("gotracer_traces_total", 3.0);
    assert_eq!(gotracer.sample(found), Some(1.0));
}
