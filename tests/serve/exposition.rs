//! What of the metrics is wanted, and that targets that go take theirs along.

use std::fs;

use crate::prometheus::{self, check};
use crate::support::daemon::{
    Running, Scratch, eventually_or, fixture, installed, program, prometheus_3, send,
    without_directories,
};

#[test]
fn families_places_and_the_whole_endpoint_are_a_matter_of_configuration() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let leak = "go1.27.3/goroutine_leak.trace";
    fs::copy(fixture(leak), directory.join("a.trace")).unwrap();
    let config = scratch.path().join("gotracer.yml");
    let write = |text: &str| fs::write(&config, text).unwrap();
    write(
        "prometheus: {disabled_families: ['process_*', gotrace_syscall_seconds], goroutine_places: 1}\n",
    );
    let flag = format!("--config={}", config.display());
    let gotracer = Running::gotracer(&directory, scratch.path(), &[&flag]);
    gotracer.wait_sample("gotracer_traces_total", 1.0);
    let text = without_directories(&gotracer.get("/metrics", "").text());
    assert!(!text.contains("\nprocess_") && !text.contains("gotrace_syscall_seconds"));
    for (series, value) in [
        ("gotrace_goroutines", 301.0),
        ("gotrace_goroutines_peak", 301.0),
        ("gotrace_goroutine_creations_total", 300.0),
        ("gotrace_goroutine_exits_total", 0.0),
        ("gotrace_gomaxprocs_threads", 2.0),
        (
            "gotrace_goroutine_creations_by_place_total{place=\"other\"}",
            50.0,
        ),
        (
            "gotrace_goroutine_exits_by_place_total{place=\"other\"}",
            0.0,
        ),
    ] {
        assert_eq!(gotracer.sample(series), Some(value), "{series}\n{text}");
    }
    let place =
        "gotrace_goroutine_creations_by_place_total{place=\"main.leakReceive goroutines.go:";
    assert!(text.contains(place), "{text}");

    let shown = gotracer.get("/config", "").text();
    assert!(shown.contains("goroutine_places: 1"), "{shown}");
    #[cfg(unix)]
    {
        // A bad file changes nothing.
        write("prometheus: {disabled_families: [gotrace_nothing]}\n");
        gotracer.signal("-HUP");
        gotracer.wait_sample("gotracer_config_last_reload_successful", 0.0);
        assert_eq!(gotracer.sample("process_threads"), None);
        write("prometheus: {enabled: false}\n");
        gotracer.signal("-HUP");
        let gone = || (gotracer.get("/metrics", "").status == 404).then_some(());
        eventually_or("there are no metrics", || gotracer.log(), gone);
        assert_eq!(gotracer.get("/-/healthy", "").status, 200);
    }
}

#[test]
fn exemplars_name_the_finding_and_its_place() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    fs::copy(
        fixture("go1.27.3/mutex_long.trace"),
        directory.join("a.trace"),
    )
    .unwrap();
    let gotracer = Running::gotracer(&directory, scratch.path(), &[]);
    gotracer.wait_sample("gotracer_traces_total", 1.0);
    let text = gotracer.get("/metrics", "application/openmetrics-text;version=1.0.0");
    let text = without_directories(&text.text());
    let found = text.lines().find(|l| {
        l.starts_with("gotrace_findings_total{rule=\"MutexContention\"") && l.contains(" # {")
    });
    let found = found.unwrap_or_else(|| panic!("{text}"));
    assert!(
        found.contains("finding=\"") && found.contains("function=\"main."),
        "{found}"
    );
}

/// The value of a sample of the whole text.
fn value(text: &str, series: &str) -> Option<f64> {
    let mut samples = text.lines().filter_map(|l| l.rsplit_once(' '));
    let found = samples.find(|(name, _)| *name == series);
    found.map(|(_, value)| value.parse().unwrap())
}

#[test]
fn series_that_come_with_a_trace_are_exposed_at_zero_first() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let pattern = "--watch.pattern={service}_{version}.trace";
    let gotracer = Running::gotracer(&directory, scratch.path(), &[pattern]);
    let trace = fixture("go1.27.3/mutex_contention.trace");
    fs::copy(&trace, directory.join("api_v1.trace")).unwrap();
    let analyzed = || gotracer.log().contains("api_v1.trace").then_some(());
    eventually_or("it is analyzed", || gotracer.log(), analyzed);

    let labels = "{service=\"api\",version=\"v1\"";
    let traces = format!("gotracer_traces_total{labels}}}");
    let found =
        format!("gotrace_findings_total{labels},rule=\"MutexContention\",severity=\"warn\"}}");
    let reason = format!("gotrace_stop_the_world_seconds_count{labels},reason=\"start trace\"}}");
    let goroutines = format!("gotrace_goroutines{labels}}}");
    let scrape = |agent: &str| {
        let head = format!("GET /metrics HTTP/1.0\r\nHost: x\r\nUser-Agent: {agent}\r\n\r\n");
        let text = send(&gotracer.address, head.as_bytes()).unwrap().text();
        let text = without_directories(&text);
        [&traces, &found, &reason, &goroutines]
            .map(|series| value(&text, series).unwrap_or_else(|| panic!("no {series} in {text}")))
    };
    // Counters begin at 0 for each scraper; a gauge is what it is.
    let [zeros, other] = ["a", "b"].map(&scrape);
    assert_eq!((zeros, other), ([0.0, 0.0, 0.0, zeros[3]], zeros));
    assert!(zeros[3] > 0.0);
    let counted = scrape("a");
    assert!(counted[0] == 1.0 && counted[1] > 0.0 && counted[2] > 0.0);
    assert_eq!([scrape("a"), scrape("b")], [counted; 2]);
    assert_eq!(scrape("c"), zeros);

    // A second trace of the same version has its series.
    fs::copy(
        fixture("go1.27.3/empty.trace"),
        directory.join("sub_api_v1.trace"),
    )
    .unwrap();
    let more = directory.join("more");
    fs::create_dir(&more).unwrap();
    fs::copy(fixture("go1.26.6/empty.trace"), more.join("api_v1.trace")).unwrap();
    let twice = || (scrape("a")[0] == 2.0).then_some(());
    eventually_or("it counts", || gotracer.log(), twice);
}

#[test]
fn label_names_of_prometheus_3_are_read_by_all_scrapers() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    fs::copy(
        fixture("go1.27.3/mutex_contention.trace"),
        directory.join("a.trace"),
    )
    .unwrap();
    let names = [
        "k8s.pod.name",
        "team-name",
        "rule",
        "exported_rule",
        "reason",
        "le",
        "quantile",
        "severity",
        "place",
        "__name__",
        "k8s_pod_name",
        "1st",
        "b\u{e4}r",
        "a b",
        "with\\\"quote",
    ];
    let labels: Vec<_> = names
        .iter()
        .map(|name| format!("{}: {name:?}", serde_json::to_string(name).unwrap()))
        .collect();
    let yaml = format!(
        "watch_configs: [{{directory: {}, settle: 300ms, labels: {{{}}}}}]\n",
        directory.display(),
        labels.join(", ")
    );
    let config = scratch.config(yaml);
    let gotracer = Running::gotracer_with(scratch.path(), &[&config], &[]);
    let analyzed = || gotracer.log().contains("trace anal").then_some(());
    eventually_or("it is analyzed", || gotracer.log(), analyzed);

    let open = "application/openmetrics-text;version=1.0.0;escaping=";
    let utf8 = gotracer.get("/metrics", &format!("{open}allow-utf-8"));
    assert!(utf8.head.contains("escaping=allow-utf-8"), "{}", utf8.head);
    let utf8 = utf8.text();
    for label in [
        "\"k8s.pod.name\"=\"k8s.pod.name\"",
        "\"b\u{e4}r\"=",
        "exported_exported_rule=\"rule\"",
        "exported_rule=\"exported_rule\"",
        "exported_le=\"le\"",
    ] {
        assert!(utf8.contains(label), "{label}");
    }
    assert!(!utf8.contains("__name__"));
    let values = gotracer.get("/metrics", &format!("{open}values")).text();
    assert!(values.contains("U__k8s_2e_pod_2e_name=\"k8s.pod.name\""));
    let plain = gotracer.get("/metrics", "text/plain").text();
    assert!(plain.contains(",exported_k8s_pod_name=\"k8s.pod.name\""));
    if let Some(promtool) = program("promtool") {
        check(&promtool, &plain);
    }
    // Version 3 asks for UTF-8 names in text, version 2 for underscores.
    let underscores = "gotracer_traces_total{exported_k8s_pod_name='k8s.pod.name',k8s_pod_name='k8s_pod_name',exported_exported_rule='rule'}";
    let names = "gotracer_traces_total{'k8s.pod.name'='k8s.pod.name',k8s_pod_name='k8s_pod_name',exported_exported_rule='rule'}";
    for (binary, how, query) in [
        (installed("prometheus"), "", underscores),
        (prometheus_3("prometheus"), "", names),
        // It asks for no scheme with protobuf.
        (prometheus_3("prometheus"), prometheus::NATIVE, underscores),
    ] {
        let Some(binary) = binary else { continue };
        let scratch = Scratch::new();
        let running = prometheus::prometheus(
            &binary,
            &gotracer.address,
            &scratch,
            &[],
            &format!("{}{how}", prometheus::OFTEN),
        );
        prometheus::wait_value(&running, "up", 1.0);
        prometheus::wait_value(&running, query, 1.0);
    }
}
