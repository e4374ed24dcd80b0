//! Whose the series are: a restart of gotracer, with other labels of its pod,
//! begins no new ones.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::prometheus::Prometheus;
use crate::support::daemon::{Running, Scratch, fixture, free_address};

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
