//! Prometheus and a Collector translate OTLP metrics back to the series of `/metrics`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::collector::{Collector, Ports};
use crate::gotracer;
use crate::support::daemon::{
    Running, Scratch, eventually_or, fixture, free_address, get, program, prometheus_3,
};

/// Labels of a series, without those that a scraper or receiver adds.
type Labels = BTreeMap<String, String>;
/// Names and labels.
type Series = BTreeSet<(String, Labels)>;

/// A series without what a translation may differ in: `job` and `instance` come from the resource,
/// and bounds of buckets are written in several ways.
fn series(name: &str, labels: impl IntoIterator<Item = (String, String)>) -> (String, Labels) {
    let labels = labels.into_iter().filter_map(|(name, value)| {
        let value = match name.as_str() {
            "job" | "instance" | "__name__" => return None,
            // The names of the scope, which is gotracer for all.
            _ if name.starts_with("otel_scope_") => return None,
            "le" if value != "+Inf" => value.parse::<f64>().unwrap().to_string(),
            _ => value,
        };
        Some((name, value))
    });
    (name.to_owned(), labels.collect())
}

/// The series of an exposition, but for those that one more request changes.
fn exposed(text: &str) -> Series {
    let lines = text.lines().filter(|l| !l.starts_with('#'));
    let all = lines.map(|line| {
        let (id, _) = line.rsplit_once(' ').unwrap();
        let (name, rest) = id.split_once('{').unwrap_or((id, "}"));
        let mut labels = Vec::new();
        let mut rest = rest.strip_suffix('}').unwrap();
        while let Some((label, after)) = rest.split_once("=\"") {
            let (value, after) = after.split_once('"').unwrap();
            labels.push((label.to_owned(), value.to_owned()));
            rest = after.trim_start_matches(',');
        }
        series(name, labels)
    });
    all.collect()
}

/// A daemon that has read traces of two services, sends to an endpoint, and its exposition.
fn daemon(scratch: &Scratch, variables: &[(&str, &str)]) -> Running {
    let flags = ["--watch.pattern={service}_{version}_{run}.trace"];
    let (gotracer, directory) = gotracer(scratch, variables, &flags);
    for (name, go) in [
        ("cart_1.0_1", "1.25.5"),
        ("cart_1.1_2", "1.26.6"),
        ("shop_7_3", "1.27.3"),
    ] {
        let trace = fixture(&format!("go{go}/mutex_contention.trace"));
        fs::copy(trace, directory.join(format!("{name}.trace"))).unwrap();
    }
    gotracer.wait_sample(
        "gotracer_traces_total{run=\"3\",service=\"shop\",version=\"7\"}",
        1.0,
    );
    gotracer
}

fn metrics(address: &str) -> String {
    get(address, "/metrics", "text/plain").unwrap().text()
}

/// Compares the series that `translated` returns with those of the exposition, once all have
/// arrived.
fn same(gotracer: &Running, translated: impl Fn() -> Series) {
    let own = |(name, _): &(String, Labels)| {
        ["gotrace_", "gotracer_", "process_"]
            .iter()
            .any(|p| name.starts_with(p))
    };
    let compared = || {
        let wanted: Series = exposed(&metrics(&gotracer.address));
        let found: Series = translated().into_iter().filter(own).collect();
        let of =
            |more: &Series, less: &Series| -> Vec<_> { more.difference(less).cloned().collect() };
        (of(&wanted, &found), of(&found, &wanted), wanted.len())
    };
    let equal = || {
        let (missing, extra, all) = compared();
        (missing.is_empty() && extra.is_empty() && all > 500).then_some(())
    };
    let state = || {
        let (missing, extra, all) = compared();
        let few = |all: &[_]| format!("{:#?}", &all[..all.len().min(20)]);
        format!(
            "{all} series; {} missing: {}\n{} more: {}\n{}",
            missing.len(),
            few(&missing),
            extra.len(),
            few(&extra),
            gotracer.log()
        )
    };
    eventually_or("the series are those of /metrics", state, equal);
}

#[test]
fn prometheus_receives_the_series_of_a_scrape() {
    let Some(binary) = prometheus_3("prometheus") else {
        return;
    };
    let scratch = Scratch::new();
    let prometheus = prometheus(&binary, &scratch, "");
    let endpoint = format!("http://{}/api/v1/otlp/v1/metrics", prometheus.address);
    let gotracer = daemon(
        &scratch,
        &[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &endpoint)],
    );
    let all = || {
        let series = |labels: &Value| {
            let labels = labels.as_object().unwrap().iter();
            let labels = labels.map(|(n, v)| (n.clone(), v.as_str().unwrap().to_owned()));
            let labels: Vec<_> = labels.collect();
            let name = labels
                .iter()
                .find(|(name, _)| name == "__name__")
                .unwrap()
                .1
                .clone();
            series(&name, labels)
        };
        let found = query(&prometheus, "{__name__=~\".%2B\"}");
        found
            .iter()
            .map(|sample| series(&sample["metric"]))
            .collect()
    };
    same(&gotracer, all);
    // The values are those of the exposition as well, and job and instance those of the resource.
    let name = "gotrace_mutex_wait_seconds_count";
    let labels = "{run=\"3\",service=\"shop\",version=\"7\"}";
    let wanted = gotracer.sample(&format!("{name}{labels}")).unwrap();
    let value = || {
        let found = query(
            &prometheus,
            &format!("{name}{{service=\"shop\",job=\"shop\"}}"),
        );
        let value = found.first()?["value"][1].as_str()?.parse::<f64>().ok()?;
        (value == wanted).then_some(())
    };
    eventually_or("the value arrives", || prometheus.log(), value);
    assert!(
        !gotracer.log().contains("OTLP was refused"),
        "{}",
        gotracer.log()
    );

    // The shipped rules evaluate for it.
    let recorded = "target:gotracer_traces:count1h{service=\"shop\"}";
    let evaluated = || (query(&prometheus, recorded).len() == 1).then_some(());
    eventually_or("the rules are evaluated", || prometheus.log(), evaluated);
    alert_fires(&scratch, &prometheus);
}

#[test]
fn a_collector_exposes_the_series_of_a_scrape() {
    let scratch = Scratch::new();
    let ports = Ports::free();
    let Some(_collector) = Collector::start(&scratch, &ports) else {
        return;
    };
    let endpoint = format!("http://{}", ports.http);
    // Prometheus has to scrape a new series while the Collector still has its 0.
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("OTEL_METRIC_EXPORT_INTERVAL", "2000"),
    ];
    let gotracer = daemon(&scratch, &variables);
    same(&gotracer, || exposed(&metrics(&ports.scrapes)));

    let Some(binary) = program("prometheus") else {
        return;
    };
    let scrape = format!(
        "scrape_configs: [{{job_name: collector, honor_labels: true, scrape_interval: 500ms, \
         scrape_timeout: 500ms, static_configs: [{{targets: ['{}']}}]}}]\n",
        ports.scrapes
    );
    let prometheus = prometheus(&binary, &scratch, &scrape);
    let scraped = "count(gotrace_findings_extreme_total{service=\"shop\"} == 0)";
    let scraped = || (!query(&prometheus, scraped).is_empty()).then_some(());
    eventually_or("the Collector is scraped", || prometheus.log(), scraped);
    alert_fires(&scratch, &prometheus);
}

/// Adds a trace with a wait of 3.5 s for a lock, and waits for the shipped alert on it.
fn alert_fires(scratch: &Scratch, prometheus: &Running) {
    let trace = fixture("go1.25.5/mutex_long.trace");
    fs::copy(trace, scratch.path().join("in/shop_7_long.trace")).unwrap();
    let alert = || {
        let answer = get(&prometheus.address, "/api/v1/alerts", "").unwrap();
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        let mut alerts = answer["data"]["alerts"].as_array().unwrap().iter();
        let firing = alerts.find(|alert| {
            alert["labels"]["alertname"] == "ExtremeFinding" && alert["state"] == "firing"
        });
        firing.cloned()
    };
    let alert = eventually_or("the alert fires", || prometheus.log(), alert);
    for (label, value) in [
        ("rule", "MutexContention"),
        ("service", "shop"),
        ("version", "7"),
        ("job", "shop"),
        ("severity", "warning"),
    ] {
        assert_eq!(alert["labels"][label], value, "{alert}");
    }
    let summary = &alert["annotations"]["summary"];
    assert_eq!(summary, "MutexContention of shop is extreme");
}

/// A Prometheus with the shipped rules and these scrape configs. Version 3 receives OTLP.
fn prometheus(binary: &std::path::Path, scratch: &Scratch, scrape: &str) -> Running {
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/config/prometheus/*.yml");
    let config = scratch.path().join("prometheus.yml");
    let yaml = format!("global: {{evaluation_interval: 1s}}\nrule_files: ['{rules}']\n{scrape}");
    fs::write(&config, yaml).unwrap();
    let address = free_address();
    let data = scratch.path().join("data");
    let mut command = Command::new(binary);
    if prometheus_3("prometheus").as_deref() == Some(binary) {
        command.arg("--web.enable-otlp-receiver");
    }
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", data.display()))
        .arg(format!("--web.listen-address={address}"));
    let log = scratch.path().join("prometheus.log");
    let mut running = Running::start(&mut command, address, log);
    running.wait_ready();
    running
}

/// The results of a query, percent-encoded where it has a `+`.
fn query(prometheus: &Running, query: &str) -> Vec<Value> {
    let query = query.replace(' ', "%20").replace('"', "%22");
    let query = query.replace('{', "%7B").replace('}', "%7D");
    let path = format!("/api/v1/query?query={query}");
    let answer = get(&prometheus.address, &path, "").unwrap();
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer["status"], "success", "{query}: {answer}");
    answer["data"]["result"].as_array().unwrap().clone()
}
