//! Another configuration while it runs.
#![cfg(unix)]

use std::fs;
use std::process::Command;

use crate::support::daemon::{Running, Scratch, eventually_or, fixture, free_address, post};

const TRACES: &str = "gotracer_traces_total";
const SUCCESSFUL: &str = "gotracer_config_last_reload_successful";

#[test]
fn a_good_file_applies_and_a_bad_one_changes_nothing() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let [one, two] = ["one", "two"].map(|name| scratch.directory(name));
    fs::copy(fixture("go1.26.6/idle.trace"), one.join("a.trace")).unwrap();
    fs::copy(fixture("go1.25.5/idle.trace"), two.join("b.trace")).unwrap();
    let config = scratch.path().join("gotracer.yml");
    let nobody = free_address();
    let target = format!(
        "scrape_configs: [{{job_name: api, scrape_interval: 1s, static_configs: [{{targets: ['{nobody}']}}]}}]\n"
    );
    let watch = |name: &str| {
        let directory = scratch.path().join(name);
        let directory = directory.display();
        format!("- {{directory: {directory}, settle: 100ms, labels: {{job: {name}}}}}\n")
    };
    fs::write(&config, format!("{target}watch_configs:\n{}", watch("one"))).unwrap();
    let flag = format!("--config={}", config.display());
    let more = [flag.as_str(), "--web.enable-lifecycle"];
    let gotracer = Running::gotracer(&directory, scratch.path(), &more);
    let traces = |job: &str| format!("{TRACES}{{job=\"{job}\"}}");
    let refused = format!(
        "gotracer_trace_failures_total{{instance=\"{nobody}\",job=\"api\",reason=\"refused\"}}"
    );
    let wait_refused = |more_than: f64| {
        let holds = || gotracer.sample(&refused).filter(|n| *n > more_than);
        eventually_or("the target is asked", || gotracer.log(), holds)
    };
    gotracer.wait_sample(&traces("one"), 1.0);
    wait_refused(0.0);
    assert_eq!(gotracer.sample(SUCCESSFUL), Some(1.0));
    let reload = || post(&gotracer.address, "/-/reload", b"").unwrap();

    // Bad in its words, and bad in what it wants: everything goes on.
    for bad in [
        "rules: {NoSuchRule: {}}\n".into(),
        format!("watch_configs:\n{}", watch("none")),
    ] {
        fs::write(&config, &bad).unwrap();
        let answer = reload();
        assert_eq!(answer.status, 500);
        let text = answer.text();
        assert!(
            text.contains("NoSuchRule") || text.contains("none"),
            "{text}"
        );
        assert_eq!(gotracer.sample(SUCCESSFUL), Some(0.0));
        assert_eq!(gotracer.sample(&traces("one")), Some(1.0));
        let checked = Command::new(env!("CARGO_BIN_EXE_gotracer"))
            .args(["serve", "--config.check", &flag])
            .arg("--watch")
            .arg(&directory)
            .output()
            .unwrap();
        assert_eq!(checked.status.code(), Some(2));
    }
    wait_refused(gotracer.sample(&refused).unwrap());
    let shows = |name: &str| {
        let shown = gotracer.get("/config", "").text();
        shown.contains(&format!("/{name}\n"))
    };
    assert!(shows("one") && !shows("none") && !shows("two"));

    // What is no longer wanted vanishes, what is new comes, and what was there
    // before keeps its count.
    fs::copy(fixture("go1.23.9/empty.trace"), directory.join("c.trace")).unwrap();
    gotracer.wait_sample(TRACES, 1.0);
    fs::write(&config, format!("watch_configs:\n{}", watch("two"))).unwrap();
    gotracer.signal("-HUP");
    gotracer.wait_sample(&traces("two"), 1.0);
    assert!(shows("two") && !shows("one"));
    assert_eq!(gotracer.sample(SUCCESSFUL), Some(1.0));
    let gone = || gotracer.sample(&refused).is_none().then_some(());
    eventually_or("the target vanishes", || gotracer.log(), gone);
    assert_eq!(gotracer.sample(&traces("one")), None);
    assert_eq!(gotracer.sample(TRACES), Some(1.0));
}

#[test]
fn strangers_reload_nothing_unless_allowed() {
    let scratch = Scratch::new();
    let gotracer = Running::gotracer(&scratch.directory("in"), scratch.path(), &[]);
    let answer = post(&gotracer.address, "/-/reload", b"").unwrap();
    assert_eq!(answer.status, 403);
    assert_eq!(gotracer.get("/-/reload", "").status, 405);
}
