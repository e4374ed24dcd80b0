//! Whose the series and alerts are: those of the program, not of gotracer.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::prometheus::Prometheus;
use crate::repository;
use crate::rules::FILES;
use crate::support::daemon::{Running, Scratch, fixture, free_address, post};

/// Targets with the labels that the Prometheus operator adds, and what the
/// chart's ServiceMonitor does with them.
fn scrape_config(pods: &[(&str, &str)]) -> String {
    let targets = pods.iter().map(|(address, pod)| {
        format!(
            "  - targets: ['{address}']
    labels: {{pod: {pod}, namespace: monitoring, service: gotracer, endpoint: gotracer, container: gotracer}}
"
        )
    });
    format!(
        "- job_name: gotracer
  honor_labels: true
  static_configs:
{}  relabel_configs:
  - {{replacement: monitoring/gotracer, target_label: instance}}
  - {{regex: 'pod|service|endpoint|namespace|container', action: labeldrop}}
",
        targets.collect::<String>()
    )
}

fn gotracer(scratch: &Scratch, address: &str, directory: &Path) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    command
        .args([
            "serve",
            "--web.listen-address",
            address,
            "--watch.settle=100ms",
        ])
        .arg("--watch.pattern={service}_{version}.trace")
        .arg("--watch")
        .arg(directory);
    let log = scratch.path().join("gotracer.log");
    let mut running = Running::start(&mut command, address.into(), log);
    running.wait_ready();
    running
}

#[test]
fn a_restart_with_another_pod_begins_no_new_series() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let trace = fixture("go1.22.10/gc_pause.trace");
    fs::copy(&trace, directory.join("cart_1.0.trace")).unwrap();
    let addresses = [free_address(), free_address()];
    let pods = [
        (&*addresses[0], "gotracer-1"),
        (&*addresses[1], "gotracer-2"),
    ];
    let Some(prometheus) = Prometheus::configured(&scratch, &scrape_config(&pods), &[]) else {
        return;
    };
    // All series that there were, of either gotracer.
    let series = "count(last_over_time({__name__=~'gotrace_.+'}[5m]))";
    let traces = "sum(gotracer_traces_total{service='cart',version='1.0'})";
    let first = gotracer(&scratch, &addresses[0], &directory);
    prometheus.wait(&format!("{traces} == 1"));
    let before = prometheus.instant(series, crate::prometheus::now())[0].samples[0].1;
    drop(first);
    prometheus.wait("sum(up) == 0");
    let _second = gotracer(&scratch, &addresses[1], &directory);
    prometheus.wait(&format!("sum(up) == 1 and {traces} == 1"));
    let after = prometheus.instant(series, crate::prometheus::now())[0].samples[0].1;
    assert!(before > 100.0, "{before}");
    assert_eq!(before, after);
    let identity = "gotracer_traces_total{service='cart'}";
    let found = prometheus.instant(identity, crate::prometheus::now());
    assert_eq!(found.len(), 1);
    let labels = &found[0].labels;
    assert_eq!(labels["job"], "watch");
    assert_eq!(labels["instance"], directory.display().to_string());
    for own in ["pod", "namespace", "container", "endpoint"] {
        assert!(labels[own].is_null(), "{own}");
    }
}

/// Watched and pushed traces have no target: an alert names the program by its labels, and not gotracer.
#[test]
fn alerts_name_the_programs_of_watched_and_pushed_traces() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let address = free_address();
    let gotracer = gotracer(&scratch, &address, &directory);
    let rules = FILES.map(repository);
    let Some(prometheus) = Prometheus::start(&scratch, &address, &rules, None) else {
        return;
    };
    prometheus.wait("sum(up) == 1");
    // A wait of 3.5 s for a lock in each.
    let trace = |version: &str| fixture(&format!("{version}/mutex_long.trace"));
    fs::copy(trace("go1.25.5"), directory.join("cart_1.0.trace")).unwrap();
    let pushed = fs::read(trace("go1.27.3")).unwrap();
    let path = "/api/v1/traces?service=shop&version=2.0";
    let answer = post(&address, path, &pushed).unwrap();
    assert!(answer.status < 300, "{}", answer.text());
    let firing = "ALERTS{alertname='ExtremeFinding',alertstate='firing',rule='MutexContention'}";
    prometheus.wait(&format!("count({firing}) == 2"));
    let alerts = prometheus.alerts("ExtremeFinding");
    let in_directory = directory.display().to_string();
    for (job, instance, service, version) in [
        ("watch", &*in_directory, "cart", "1.0"),
        ("upload", "upload", "shop", "2.0"),
    ] {
        let of = |alert: &&Value| alert["labels"]["service"] == service;
        let alert = alerts.iter().find(of).unwrap();
        for (label, value) in [("job", job), ("instance", instance), ("version", version)] {
            assert_eq!(alert["labels"][label], value, "{service}");
        }
        let said = &alert["annotations"];
        let summary = format!("MutexContention of {service} is extreme");
        assert_eq!(said["summary"], summary);
        let details = format!("{service} (job {job}, instance {instance}, version {version})");
        let description = said["description"].as_str().unwrap();
        assert!(description.contains(&details), "{description}");
        assert!(!alert.to_string().contains(&address), "{alert}");
    }
    drop(gotracer);
}
