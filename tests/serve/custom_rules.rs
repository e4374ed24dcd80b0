//! Custom rules in the daemon: metrics, reports, and changes by a reload.

use std::fs;

use crate::support::daemon::{Running, Scratch, fixture, pack, post};

const FIXTURE: &str = "go1.27.3/annotations.trace";

fn rule(warn: &str) -> String {
    format!(
        "custom_rules:\n\
         - {{name: SlowChild, on: task, match: {{type: child}}, warn: {warn}, error: 10s}}\n\
         - {{name: ManyChildren, on: task, match: {{type: child}}, value: count_per_second, warn: 1}}\n"
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

#[test]
fn thresholds_of_a_service_apply_to_a_custom_rule() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let services = "services:
  strict: {rules: {SlowChild: {error: 2us}}}
  lax: {rules: {SlowChild: {warn: 9s}}}
  off: {rules: {SlowChild: {enabled: false}}}
";
    let config = scratch.config(rule("1us") + services);
    let pattern = "--watch.pattern={service}.trace.gz";
    let gotracer = Running::gotracer(&directory, scratch.path(), &[&config, pattern]);
    let trace = fs::read(fixture(FIXTURE)).unwrap();
    for (service, warnings, errors) in [
        ("cart", Some(1.0), Some(0.0)),
        ("strict", Some(0.0), Some(1.0)),
        ("lax", Some(0.0), Some(0.0)),
        ("off", None, None),
    ] {
        pack(&trace, &directory, service);
        gotracer.wait_sample(
            &format!("gotracer_traces_total{{service=\"{service}\"}}"),
            1.0,
        );
        let labels = format!("service=\"{service}\",rule=\"SlowChild\"");
        let found = |severity: &str| {
            gotracer.sample(&format!(
                "gotrace_findings_total{{{labels},severity=\"{severity}\"}}"
            ))
        };
        assert_eq!(
            (found("warn"), found("error")),
            (warnings, errors),
            "{service}"
        );
        // A rule that finds nothing measures all the same.
        let measured = gotracer.sample(&format!("gotrace_custom_rule_seconds_count{{{labels}}}"));
        assert_eq!(
            measured.is_some_and(|n| n > 50.0),
            warnings.is_some(),
            "{service}"
        );
    }
}
