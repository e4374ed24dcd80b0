//! A fleet of which Prometheus scrapes one part natively and the other with
//! classic histograms: queries over both parts on a real Prometheus 3.

use std::collections::BTreeMap;
use std::fs;

use crate::boards::{self, filled};
use crate::installation::VARIABLES;
use crate::prometheus::{Prometheus, now};
use crate::rules;
use crate::support::daemon::{Running, Scratch, fixture, prometheus_3};

/// Values of the variable `cluster`: each part, and all of it.
const PARTS: [&str; 3] = ["native", "classic", ".*"];

/// Scrapes of the same gotracer, told apart by a label.
fn scrape_configs(gotracer: &str) -> String {
    let part = |name: &str, native: bool| {
        format!(
            "- job_name: {name}
  honor_labels: true
  scrape_native_histograms: {native}
  scrape_interval: 500ms
  scrape_timeout: 500ms
  static_configs: [{{targets: ['{gotracer}']}}]
  metric_relabel_configs: [{{target_label: cluster, replacement: {name}}}]
"
        )
    };
    part("native", true) + &part("classic", false)
}

/// Values of an expression by labels, for each part.
fn values(prometheus: &Prometheus, expr: &str, time: f64) -> [BTreeMap<String, f64>; 3] {
    PARTS.map(|part| {
        let mut variables = vec![("cluster", part), ("__rate_interval", "60s")];
        variables.extend(VARIABLES);
        let series = prometheus.instant(&filled(expr, &variables), time);
        let values = series.into_iter().filter_map(|series| {
            let value = series.samples.first()?.1;
            (!value.is_nan()).then(|| (series.labels.to_string(), value))
        });
        values.collect()
    })
}

#[test]
fn queries_are_right_for_native_and_classic_targets_together() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let watch = format!("--watch={}", directory.display());
    let pattern = "--watch.pattern={service}_{version}_{_}.trace";
    let flags = [&*watch, pattern, "--watch.settle=100ms"];
    let gotracer = Running::gotracer_with(scratch.path(), &flags, &[]);
    if prometheus_3("prometheus").is_none() {
        return;
    }
    let scrape = scrape_configs(&gotracer.address);
    let Some(prometheus) = Prometheus::configured(&scratch, &scrape, &[]) else {
        return;
    };
    prometheus.wait("count(up == 1) == 2");
    for (service, names) in [
        ("cart", ["gc_pause", "mutex_contention", "cgo_callback"]),
        ("shop", ["sched_latency", "heap_spike", "gc_assist"]),
    ] {
        for (number, name) in names.into_iter().enumerate() {
            let trace = fixture(&format!("go1.22.10/{name}.trace"));
            let to = directory.join(format!("{service}_1.0_{number}.trace"));
            fs::copy(trace, to).unwrap();
        }
    }
    prometheus.wait("count(sum by (cluster) (increase(gotracer_traces_total[60s])) > 5) == 2");
    std::thread::sleep(std::time::Duration::from_secs(2));
    let time = now();
    let native = prometheus.instant("gotrace_gc_pause_seconds{cluster='native'}", time);
    let classic = prometheus.instant("gotrace_gc_pause_seconds_bucket{cluster='classic'}", time);
    assert!(native.len() == 2 && classic.len() > 20);
    let both = "gotrace_gc_pause_seconds{cluster='classic'} or \
                gotrace_gc_pause_seconds_bucket{cluster='native'}";
    assert!(prometheus.instant(both, time).is_empty());

    let (mut quantiles, mut quotients) = (0, 0);
    for board in boards::all() {
        for query in board.panels.iter().flat_map(|panel| &panel.queries) {
            let expr = &query.expr;
            let of_quantile = expr.contains("histogram_quantile(");
            let of_quotient = expr.contains("histogram_sum(") && expr.contains(" / ");
            if !of_quantile && !of_quotient {
                continue;
            }
            let [native, classic, mixed] = values(&prometheus, expr, time);
            for (labels, value) in &mixed {
                let parts = [native.get(labels), classic.get(labels)];
                let [Some(native), Some(classic)] = parts else {
                    // `topk` has other services in each part.
                    assert!(expr.contains("topk("), "{expr}: {labels}");
                    continue;
                };
                let (least, most) = (native.min(*classic), native.max(*classic));
                if of_quantile {
                    assert_eq!(*value, most, "{expr}: {labels}");
                    // Classic buckets of scheduling latencies are as fine as a factor of 2.
                    if expr.contains("gotrace_sched_latency_seconds") {
                        assert!(most <= 2.2 * least, "{expr}: {native} {classic}");
                    }
                    quantiles += 1;
                } else {
                    let within = least * 0.999..=most * 1.001;
                    assert!(within.contains(value), "{expr}: {labels}: {value}");
                    quotients += 1;
                }
            }
            assert_eq!(native.len(), mixed.len(), "{expr}");
        }
    }
    eprintln!("{quantiles} quantiles, {quotients} quotients");
    assert!(quantiles > 30 && quotients > 10, "{quantiles} {quotients}");

    // Alerts read histograms of one target at a time.
    let alerts = rules::all()
        .into_iter()
        .filter(|rule| rule.expr.contains("histogram_"));
    let mut read = 0;
    for alert in alerts {
        let (expr, _) = alert.expr.rsplit_once("> ").unwrap();
        let series = prometheus.instant(expr, time);
        for service in ["cart", "shop"] {
            let of = |cluster: &str| {
                let found = series
                    .iter()
                    .find(|s| s.labels["cluster"] == cluster && s.labels["service"] == service);
                let found = found.unwrap_or_else(|| panic!("{}: {cluster} {service}", alert.name));
                found.samples[0].1
            };
            let (native, classic) = (of("native"), of("classic"));
            assert!((native - classic).abs() <= classic * 1e-6, "{}", alert.name);
            read += 1;
        }
    }
    assert!(read > 0);
}
