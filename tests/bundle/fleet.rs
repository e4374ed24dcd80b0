//! Versions of a service that no gotracer sees together, as sidecars: the
//! rules over all of them, on a real Prometheus.

use std::fs;
use std::path::Path;

use crate::prometheus::{Prometheus, now};
use crate::read;
use crate::rules::FILES;
use crate::support::daemon::{Running, Scratch, fixture};

/// Hours of the rules in the seconds of this test.
const SHORTER: [(&str, &str); 4] = [
    ("[30m]", "[2s]"),
    ("offset 90m", "offset 4s"),
    ("[1d]", "[1m]"),
    ("for: 30m", "for: 1s"),
];

/// A gotracer that knows one version of the service.
fn sidecar(scratch: &Scratch, version: &str) -> Running {
    let own = scratch.directory(&format!("own-{version}"));
    let directory = scratch.directory(version);
    let config = own.join("gotracer.yml");
    let yaml = format!(
        "watch_configs: [{{directory: '{}', settle: 100ms, labels: {{job: pods, instance: pod-{version}, \
         namespace: shop, service: cart, version: '{version}'}}}}]\n",
        directory.display()
    );
    fs::write(&config, yaml).unwrap();
    let config = format!("--config={}", config.display());
    Running::gotracer_with(&own, &[&config], &[])
}

fn trace(directory: &Path, name: &str) {
    let from = fixture(&format!("go1.22.10/{name}.trace"));
    fs::copy(from, directory.join(format!("{name}.trace"))).unwrap();
}

#[test]
fn a_version_that_grows_goroutines_is_found_over_several_gotracers() {
    let scratch = Scratch::new();
    let rules = FILES.map(|file| {
        let path = scratch.path().join(file.rsplit('/').next().unwrap());
        let text = SHORTER.iter().fold(read(file), |text, (hours, seconds)| {
            text.replace(hours, seconds)
        });
        fs::write(&path, text).unwrap();
        path
    });
    let sidecars = ["1", "2"].map(|version| sidecar(&scratch, version));
    let addresses = sidecars.each_ref().map(|s| s.address.as_str());
    let scrape = format!(
        "- job_name: sidecars\n  honor_labels: true\n  static_configs: [{{targets: {addresses:?}}}]\n"
    );
    let Some(prometheus) = Prometheus::configured(&scratch, &scrape, &rules) else {
        return;
    };
    for version in ["1", "2"] {
        trace(&scratch.path().join(version), "idle");
    }
    prometheus.wait("count(service_version:gotrace_goroutines:gained1h) == 2");
    // Version 2 has some hundred goroutines more, and keeps them.
    trace(&scratch.path().join("2"), "goroutine_leak");
    let alert = "ALERTS{alertname='ReleaseGoroutineTrend',alertstate='firing'}";
    prometheus.wait(&format!("count({alert}) == 1"));
    let labels = &prometheus.instant(alert, now())[0].labels;
    assert_eq!(labels["namespace"], "shop");
    assert_eq!(labels["service"], "cart");
    assert_eq!(labels["version"], "2");
}
