//! A real Prometheus scrapes, and promtool judges.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::daemon::{
    Running, Scratch, eventually_or, fixture, free_address, get, installed, program, prometheus_3,
};
use crate::support::endpoint::Endpoint;

/// How often most tests want to be scraped.
pub(crate) const OFTEN: &str = "scrape_interval: 200ms, scrape_timeout: 200ms";

/// Native histograms in a scrape config of Prometheus 3.
pub(crate) const NATIVE: &str = ", scrape_native_histograms: true";

/// One that scrapes a target. `how` is what else its scrape config says.
pub(crate) fn prometheus(
    binary: &Path,
    target: &str,
    scratch: &Scratch,
    flags: &[&str],
    how: &str,
) -> Running {
    let config = format!(
        "scrape_configs: [{{job_name: gotracer, {how}, \
         static_configs: [{{targets: ['{target}']}}]}}]\n"
    );
    configured(binary, &config, scratch, flags)
}

/// One with a configuration.
pub(crate) fn configured(binary: &Path, yaml: &str, scratch: &Scratch, flags: &[&str]) -> Running {
    let address = free_address();
    let config = scratch.path().join("prometheus.yml");
    fs::write(&config, yaml).unwrap();
    let mut command = Command::new(binary);
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!(
            "--storage.tsdb.path={}",
            scratch.path().join("data").display()
        ))
        .arg(format!("--web.listen-address={address}"))
        .args(flags);
    let mut running = Running::start(&mut command, address, scratch.path().join("prometheus.log"));
    running.wait_ready();
    running
}

/// The results of a query.
pub(crate) fn query(prometheus: &Running, query: &str) -> Vec<Value> {
    let encoded: String = query
        .bytes()
        .map(|b| match b {
            b if b.is_ascii_alphanumeric() => (b as char).to_string(),
            b => format!("%{b:02X}"),
        })
        .collect();
    let answer = get(
        &prometheus.address,
        &format!("/api/v1/query?query={encoded}"),
        "",
    )
    .unwrap();
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer["status"], "success", "{query}: {answer}");
    answer["data"]["result"].as_array().unwrap().clone()
}

pub(crate) fn wait_value(prometheus: &Running, text: &str, value: f64) {
    eventually_or(
        &format!("{text} is {value}"),
        || format!("{:?}\n{}", query(prometheus, text), prometheus.log()),
        || {
            let result = query(prometheus, text);
            let found = result.first()?["value"][1].as_str()?.parse::<f64>().ok()?;
            (found == value).then_some(())
        },
    );
}

/// Families whose samples Prometheus has to have, each with its type.
fn families(text: &str) -> Vec<(String, String)> {
    let types = text.lines().filter_map(|l| l.strip_prefix("# TYPE "));
    types
        .map(|l| l.split_once(' ').unwrap())
        .map(|(name, kind)| (name.into(), kind.into()))
        .collect()
}

/// Whether a Prometheus has all that /metrics has. `how` is more of its scrape
/// config.
fn scraped_by(binary: Option<PathBuf>, how: &str) {
    let Some(binary) = binary else { return };
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    fs::copy(
        fixture("go1.25.5/mutex_contention.trace"),
        directory.join("a.trace"),
    )
    .unwrap();
    let gotracer = Running::gotracer(&directory, scratch.path(), &[]);
    gotracer.wait_sample("gotracer_traces_total", 1.0);
    let often = format!("{OFTEN}{how}");
    let prometheus = prometheus(&binary, &gotracer.address, &scratch, &[], &often);
    wait_value(&prometheus, "up", 1.0);
    wait_value(&prometheus, "gotracer_traces_total", 1.0);
    fs::copy(
        fixture("go1.26.6/gc_pause.trace"),
        directory.join("b.trace"),
    )
    .unwrap();
    wait_value(&prometheus, "gotracer_traces_total", 2.0);
    wait_value(
        &prometheus,
        "increase(gotracer_traces_total[1m]) > bool 0",
        1.0,
    );

    let native = how == NATIVE;
    let text = gotracer.get("/metrics", "text/plain").text();
    for (family, kind) in families(&text) {
        let series = match (kind.as_str(), native) {
            ("histogram", true) => format!("histogram_count({family})"),
            ("histogram", false) => format!("{family}_bucket{{le=\"+Inf\"}}"),
            _ => family.clone(),
        };
        let found = query(&prometheus, &series);
        assert!(!found.is_empty(), "{series} is not in Prometheus");
    }
    // The numbers are the same on both sides.
    for (series, sample) in [
        ("gotracer_trace_events_total", "gotracer_trace_events_total"),
        (
            "gotrace_observed_seconds_total",
            "gotrace_observed_seconds_total",
        ),
        (
            "gotrace_findings_total{rule='MutexContention',severity='error'}",
            "gotrace_findings_total{rule=\"MutexContention\",severity=\"error\"}",
        ),
    ] {
        wait_value(&prometheus, series, gotracer.sample(sample).unwrap());
    }
    let count = gotracer.sample("gotrace_mutex_wait_seconds_count").unwrap();
    if native {
        wait_value(
            &prometheus,
            "histogram_count(gotrace_mutex_wait_seconds)",
            count,
        );
    } else {
        wait_value(&prometheus, "gotrace_mutex_wait_seconds_count", count);
    }
    assert!(
        !prometheus.log().contains("Error on ingesting"),
        "{}",
        prometheus.log()
    );
}

#[test]
fn prometheus_scrapes_openmetrics() {
    scraped_by(program("prometheus"), "");
}

/// The oldest Prometheus that alerts.yml supports is 2.42, Debian's.
#[test]
fn prometheus_2_scrapes_openmetrics() {
    scraped_by(installed("prometheus"), "");
}

#[test]
fn prometheus_scrapes_native_histograms_as_protobuf() {
    scraped_by(prometheus_3("prometheus"), NATIVE);
}

#[test]
fn promtool_has_nothing_to_say() {
    let Some(promtool) = program("promtool") else {
        return;
    };
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    fs::copy(
        fixture("go1.25.5/other_stw.trace"),
        directory.join("a.trace"),
    )
    .unwrap();
    let gotracer = Running::gotracer(&directory, scratch.path(), &[]);
    gotracer.wait_sample("gotracer_traces_total", 1.0);
    let text = gotracer.get("/metrics", "text/plain").text();
    check(&promtool, &text);
}

/// promtool has nothing to say of an exposition.
pub(crate) fn check(promtool: &Path, text: &str) {
    let mut child = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stderr, output.stdout].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

/// What Prometheus sees of versions that come one after the other is all there
/// is: `increase()` has the first trace of each.
#[test]
fn prometheus_sees_the_first_trace_of_each_version() {
    let Some(binary) = program("prometheus") else {
        return;
    };
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let pattern = "--watch.pattern={service}_{version}.trace";
    let gotracer = Running::gotracer(&directory, scratch.path(), &[pattern]);
    let prometheus = prometheus(&binary, &gotracer.address, &scratch, &[], OFTEN);
    wait_value(&prometheus, "up", 1.0);
    let fixtures = ["go1.27.3", "go1.26.6", "go1.25.5"];
    for (n, version) in fixtures.iter().enumerate() {
        let trace = fixture(&format!("{version}/mutex_contention.trace"));
        fs::copy(trace, directory.join(format!("api_v{n}.trace"))).unwrap();
        // Somebody looks as well, and does not take the 0 from Prometheus.
        let version = format!("{{service=\"api\",version=\"v{n}\"}}");
        gotracer.wait_sample(&format!("gotracer_traces_total{version}"), 1.0);
    }
    let count = fixtures.len() as f64;
    wait_value(&prometheus, "sum(gotracer_traces_total)", count);
    let all = "max_over_time(gotracer_traces_total[5m])";
    let increases = format!("sum({all} - min_over_time(gotracer_traces_total[5m]))");
    wait_value(&prometheus, &increases, count);
    let findings = gotracer.get("/metrics", "text/plain").text();
    let findings = findings
        .lines()
        .filter(|l| l.starts_with("gotrace_findings_total"));
    let findings: f64 = findings
        .map(|l| l.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum();
    assert!(findings >= count);
    let increase = "sum(increase(gotrace_findings_total[1m]))";
    wait_value(&prometheus, &format!("{increase} >= bool {findings}"), 1.0);
}

#[test]
fn prometheus_has_a_target_captured_by_a_probe() {
    let Some(binary) = program("prometheus") else {
        return;
    };
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &[]) else {
        return;
    };
    // It is not captured but for the probe; with the default of five seconds
    // of trace, which don't fit into three.
    let flags = ["--scrape", &endpoint.url(), "--scrape.interval=60m"];
    let gotracer = Running::gotracer_with(scratch.path(), &flags, &[]);
    let target = &endpoint.address;
    let how = format!(
        "scrape_interval: 3s, scrape_timeout: 3s, metrics_path: /probe, params: {{target: ['{target}']}}"
    );
    let prometheus = prometheus(&binary, &gotracer.address, &scratch, &[], &how);
    wait_value(&prometheus, "probe_success", 1.0);
    let observed = query(&prometheus, "gotrace_probe_observed_seconds");
    let seconds = observed[0]["value"][1].as_str().unwrap();
    let seconds: f64 = seconds.parse().unwrap();
    assert!(seconds > 1.0 && seconds < 3.0, "{seconds}");
}

/// Gauges of a program that is gone end in Prometheus; its counters and the time of its last trace
/// stay.
#[test]
fn prometheus_has_no_gauges_of_a_program_that_is_gone() {
    let Some(binary) = program("prometheus") else {
        return;
    };
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &[]) else {
        return;
    };
    let (url, flags) = (
        endpoint.url(),
        ["--scrape.interval=1s", "--scrape.seconds=1"],
    );
    let flags = [&["--scrape", url.as_str()], &flags[..]].concat();
    let gotracer = Running::gotracer_with(scratch.path(), &flags, &[]);
    let prometheus = prometheus(&binary, &gotracer.address, &scratch, &[], OFTEN);
    wait_value(&prometheus, "count(gotrace_goroutines)", 1.0);
    drop(endpoint);
    wait_value(&prometheus, "absent(gotrace_goroutines)", 1.0);
    for stays in [
        "gotracer_traces_total > 0",
        "gotracer_last_success_timestamp_seconds > 0",
        "gotrace_observed_seconds_total > 0",
    ] {
        wait_value(&prometheus, &format!("count({stays})"), 1.0);
    }
}
