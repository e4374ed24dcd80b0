//! What happens to files that were analysed, and what their names tell.

use std::fs;

use crate::support::{Running, Scratch, eventually_or, fixture};

const TRACES: &str = "gotracer_traces_total";

#[test]
fn files_are_moved_to_where_they_belong_and_the_budget_keeps_findings() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let put = |from: &str, to: &str| fs::copy(fixture(from), directory.join(to)).unwrap();
    fs::create_dir(directory.join("sub")).unwrap();
    put("go1.25.5/mutex_contention.trace", "sub/lock.trace");
    fs::write(directory.join("page.trace"), "<html>").unwrap();
    put("go1.26.6/idle.trace", "idle.trace");
    let there = |path: &str| directory.join(path).exists();
    let wait = |gotracer: &Running, path: &str, wanted: bool| {
        let what = format!("{path} there: {wanted}");
        let holds = || (there(path) == wanted).then_some(());
        eventually_or(&what, || gotracer.log(), holds);
    };
    let gotracer = Running::gotracer(&directory, scratch.path(), &["--watch.after=move"]);
    wait(&gotracer, "findings/sub/lock.trace", true);
    wait(&gotracer, "failed/page.trace", true);
    wait(&gotracer, "done/idle.trace", true);
    assert!(!there("idle.trace") && !there("sub/lock.trace") && !there("page.trace"));
    // The same trace again is put away as well, beside the first.
    put("go1.26.6/idle.trace", "idle.trace");
    wait(&gotracer, "done/idle.trace.1", true);
    assert_eq!(gotracer.sample(TRACES), Some(2.0));
    drop(gotracer);

    let bytes = fs::metadata(directory.join("findings/sub/lock.trace"))
        .unwrap()
        .len();
    let budget = format!("--watch.retention.size={bytes}B");
    let more = ["--watch.after=move", &budget];
    let gotracer = Running::gotracer(&directory, scratch.path(), &more);
    wait(&gotracer, "done/idle.trace", false);
    wait(&gotracer, "failed/page.trace", false);
    assert!(there("findings/sub/lock.trace"));
    // What was moved is not watched.
    assert_eq!(gotracer.sample(TRACES), Some(0.0));
}

#[test]
fn files_are_deleted_if_so_wanted_and_found_without_events() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let more = ["--watch.after=delete", "--watch.poll=200ms"];
    let gotracer = Running::gotracer(&directory, scratch.path(), &more);
    let path = directory.join("a.trace");
    fs::copy(fixture("go1.26.6/idle.trace"), &path).unwrap();
    gotracer.wait_sample(TRACES, 1.0);
    let gone = || (!path.exists()).then_some(());
    eventually_or("it is deleted", || gotracer.log(), gone);
}

#[test]
fn names_and_the_configuration_give_labels() {
    let scratch = Scratch::new();
    let (directory, other) = (scratch.directory("in"), scratch.directory("other"));
    let name = "api_v1.2_20261123T0800.trace";
    fs::copy(fixture("go1.26.6/idle.trace"), directory.join(name)).unwrap();
    fs::copy(fixture("go1.25.5/idle.trace"), other.join("web@7.trace")).unwrap();
    let config = scratch.path().join("gotracer.yml");
    let yaml = format!(
        "watch_configs:\n- directory: {}\n  settle: 100ms\n  labels: {{job: uploads}}\n  \
         patterns: ['{{service}}@{{version}}.trace']\n",
        other.display()
    );
    fs::write(&config, yaml).unwrap();
    let config = format!("--config={}", config.display());
    let more = [
        "--watch.pattern={service}_{version}_{timestamp}.trace",
        &config,
    ];
    let gotracer = Running::gotracer(&directory, scratch.path(), &more);
    let api = r#"{service="api",version="v1.2"}"#;
    gotracer.wait_sample(&format!("{TRACES}{api}"), 1.0);
    let web = r#"{job="uploads",service="web",version="7"}"#;
    gotracer.wait_sample(&format!("{TRACES}{web}"), 1.0);
}
