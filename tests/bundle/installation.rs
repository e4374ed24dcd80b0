//! gotracer with everything that can go well and wrong, on real traces and a
//! real Go program; a real Prometheus with the rules; and whether every panel
//! and every rule has something to show.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::time::Duration;

use gotracer::rules::Rule;
use regex::Regex;

use crate::boards::{self, Board, Panel, Query, filled, list};
use crate::pictures;
use crate::prometheus::{Prometheus, Series, now};
use crate::read;
use crate::rules::{self, FILES};
use crate::server::Server;
use crate::support::daemon::{
    Running, Scratch, eventually, fixture, free_address, pack, prometheus_3,
};
use crate::uploads::{ROUNDS, TRACES, roll_out, upload};

/// Rules that need hours, a second gotracer or a broken machine; promtool tests
/// them with samples.
const ELSEWHERE: [&str; 15] = [
    "ExtremeFinding",
    "GCStopsProgram",
    "GoroutineLeakTrend",
    "HeapGrowthTrend",
    "ReleaseGoroutineTrend",
    "GotracerShardMissing",
    "GotracerShardMismatch",
    "GotracerTracesStopped",
    "GotracerCapturesStale",
    "GotracerReadsStalled",
    "GotracerConnectionsEvicted",
    "target:gotracer_traces:count6h",
    "target_rule:gotrace_findings:trace_ratio6h",
    "target_rule:gotrace_findings:trace_ratio90m",
    "service_version:gotrace_goroutines:gained1h",
];

/// What Grafana would fill in.
pub(crate) const VARIABLES: [(&str, &str); 11] = [
    ("cluster", ".*"),
    ("namespace", ".*"),
    ("__rate_interval", "8s"),
    ("__range", "300s"),
    ("__range_s", "300"),
    ("job", ".*"),
    ("service", ".*"),
    ("version", ".*"),
    ("instance", ".*"),
    ("exporter", ".*"),
    ("baseline", "1.0"),
];

/// The configuration: a directory of uploads, a program, one that is streamed,
/// one that nobody started, a list of targets that can be had and one that
/// can't, and evidence that gets nowhere.
fn configuration(scratch: &Scratch, server: &str, streamed: &str) -> String {
    let list = scratch.path().join("targets.json");
    fs::write(&list, "[]").unwrap();
    format!(
        "
watch_configs:
- directory: {uploads}
  labels: {{job: ci, instance: uploads}}
  patterns: ['{{service}}_{{version}}_{{_}}.trace']
  settle: 100ms
- directory: {unmounted}
prometheus: {{series_limit: 450, goroutine_places: 5, goroutine_functions: 5}}
custom_rules:
- {{name: LongWait, on: wait, match: {{reason: lock}}, warn: 1ms}}
- {{name: LockShare, on: wait, match: {{reason: lock}}, value: share, warn: 1%}}
- {{name: LockRate, on: wait, match: {{reason: lock}}, value: count_per_second, warn: 1}}
otlp: {{spans: true}}
releases: {{warmup: 0s, min_captures: 5, min_observed: 100ms, confidence: 0.8}}
evidence: {{severity: warn, bucket: 's3://traces', max_target_bytes: 24KiB}}
scrape_configs:
- job_name: shop
  scrape_interval: 2s
  seconds: 1
  static_configs: [{{targets: ['{server}'], labels: {{service: shop, version: '2.0', namespace: n, cluster: c}}}}]
- job_name: live
  mode: stream
  static_configs: [{{targets: ['{streamed}'], labels: {{service: shop, version: '2.1'}}}}]
- job_name: gone
  scrape_interval: 1s
  static_configs: [{{targets: ['{nobody}']}}]
- job_name: lists
  file_sd_configs: [{{files: ['{list}'], refresh_interval: 1s}}]
  http_sd_configs: [{{url: 'http://{nobody}/targets', refresh_interval: 500ms}}]
",
        uploads = scratch.path().join("in").display(),
        unmounted = scratch.path().join("unmounted").display(),
        nobody = free_address(),
        list = list.display(),
    )
}

/// What is not there is not asked for.
fn shows(series: &[Series]) -> bool {
    series
        .iter()
        .any(|s| s.samples.iter().any(|(_, value)| !value.is_nan()))
}

/// The values of the variables of a dashboard.
fn chosen(board: &Board) -> Vec<(&'static str, &'static str)> {
    let mut values = VARIABLES.to_vec();
    if board.name == "releases" {
        values.insert(0, ("service", "checkout|rolled|slowed"));
        values.insert(0, ("version", "1.1"));
    }
    values
}

/// What each query of a panel has.
fn ask(
    prometheus: &Prometheus,
    board: &Board,
    panel: &Panel,
    (from, to): (f64, f64),
) -> Vec<Vec<Series>> {
    let values = chosen(board);
    let answer = |query: &Query| {
        let expr = filled(&query.expr, &values);
        if query.instant {
            prometheus.instant(&expr, to)
        } else {
            prometheus.range(&expr, from, to, 0.5)
        }
    };
    panel.queries.iter().map(answer).collect()
}

/// Every panel of every dashboard. Returns how many series each query had.
fn panels_have_data(prometheus: &Prometheus, time: (f64, f64)) -> String {
    let mut told = String::new();
    let label = Regex::new(r"\{\{(\w+)\}\}").unwrap();
    let mut drawn = Vec::new();
    for board in boards::all() {
        let answers: Vec<_> = board
            .panels
            .iter()
            .map(|p| ask(prometheus, &board, p, time))
            .collect();
        for (panel, answers) in board.panels.iter().zip(&answers) {
            let at = format!("{}: {}", board.name, panel.title);
            for (query, series) in panel.queries.iter().zip(answers) {
                assert!(shows(series), "{at}: nothing from {}", query.expr);
                for name in label.captures_iter(&query.legend) {
                    let has = series.iter().any(|s| s.labels[&name[1]].is_string());
                    assert!(has, "{at}: no label {} from {}", &name[1], query.expr);
                }
            }
            let counts: Vec<_> = answers.iter().map(Vec::len).collect();
            writeln!(told, "{at}: {counts:?} series").unwrap();
        }
        for variable in list(&board.json["templating"]["list"]) {
            let Some(query) = variable["query"]["query"].as_str() else {
                continue;
            };
            let inside = query
                .strip_prefix("label_values(")
                .and_then(|q| q.strip_suffix(')'));
            let (selector, label) = inside.unwrap().rsplit_once(", ").unwrap();
            let found = prometheus.values(label, &filled(selector, &chosen(&board)));
            assert!(!found.is_empty(), "{}: {query}", board.name);
        }
        drawn.push((board, answers));
    }
    pictures::draw(&drawn, time, |board| {
        chosen(board).into_iter().rev().collect()
    });
    told
}

/// Every query of every panel, of a Prometheus without classic histograms.
fn queries_have_data(prometheus: &Prometheus, time: (f64, f64)) {
    for board in boards::all() {
        for panel in &board.panels {
            let answers = ask(prometheus, &board, panel, time);
            for (query, series) in panel.queries.iter().zip(answers) {
                let at = format!("{}: {}", board.name, panel.title);
                assert!(shows(&series), "{at}: nothing natively from {}", query.expr);
            }
        }
    }
    let classic = prometheus.instant("gotrace_gc_pause_seconds_bucket", time.1);
    assert!(classic.is_empty());
}

/// A time at which gauges have values. On a busy machine a scrape can miss its deadline, and then all series end at its
/// own start. So the time is older than any scrape that is under way.
fn settled(all: &[&Prometheus]) -> f64 {
    eventually("gauges have values", || {
        let time = now();
        std::thread::sleep(Duration::from_millis(1500));
        let there = |p: &&Prometheus| !p.instant("gotrace_goroutines", time).is_empty();
        all.iter().all(there).then_some(time)
    })
}

/// How much more of something one release has is what both have, divided.
fn releases_are_compared(prometheus: &Prometheus, time: (f64, f64)) {
    let boards = boards::all();
    let board = boards.iter().find(|b| b.name == "releases").unwrap();
    let answers = |title: &str| {
        let panel = board.panels.iter().find(|p| p.title == title).unwrap();
        ask(prometheus, board, panel, time)
    };
    let table = answers("Versions, newest first");
    for (column, stat) in [(4, "Live heap"), (6, "GC pauses"), (8, "Lock waits")] {
        let of = |version: &str| {
            let found = table[column]
                .iter()
                .find(|s| s.labels["version"] == version);
            found.unwrap().samples[0].1
        };
        let said = answers(stat)[0][0].samples[0].1;
        let wanted = of("1.1") / of("1.0");
        assert!(
            (said - wanted).abs() < wanted * 1e-6,
            "{stat}: {said}, not {wanted}"
        );
    }
}

/// Every metric that a panel or a rule names, and gotracer does not have.
fn unknown_metrics(exposition: &str) -> BTreeSet<String> {
    // Native histograms have the names of their families.
    let known: BTreeSet<_> = exposition
        .lines()
        .map(|line| line.strip_prefix("# TYPE ").unwrap_or(line))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    let name = Regex::new(r"\b(?:gotracer?|process)_\w+").unwrap();
    let boards = boards::all();
    let queries = boards
        .iter()
        .flat_map(|b| &b.panels)
        .flat_map(|p| &p.queries);
    let rules = rules::all();
    // What is recorded is named like what it is made of.
    let recorded = Regex::new(r"\w+:\w+:\w+").unwrap();
    let exprs = queries
        .map(|q| &q.expr)
        .chain(rules.iter().map(|r| &r.expr));
    exprs
        .flat_map(|expr| {
            let text = recorded.replace_all(expr, "").into_owned();
            name.find_iter(&text)
                .map(|m| m.as_str().to_owned())
                .collect::<Vec<_>>()
        })
        .filter(|name| !known.contains(name.as_str()))
        .collect()
}

#[test]
fn every_panel_and_every_rule_has_data() {
    let scratch = Scratch::new();
    let Some(server) = Server::start(&scratch) else {
        return;
    };
    let streamed = free_address();
    let Some(stream) = Server::start_at(&scratch, &streamed) else {
        return;
    };
    let uploads = scratch.directory("in");
    let unmounted = scratch.directory("unmounted");
    let config = scratch.path().join("gotracer.yml");
    fs::write(&config, configuration(&scratch, &server.address, &streamed)).unwrap();
    let receiver = format!("--otlp.endpoint=http://{}", free_address());
    let flag = format!("--config={}", config.display());
    let storage = scratch.directory("storage");
    let storing = format!("--storage.path={}", storage.display());
    let flags = [
        &*flag,
        &receiver,
        &storing,
        "--otlp.queue-size=64KiB",
        "--jobs=2",
    ];
    let store = format!("http://{}", free_address());
    let variables = [
        ("AWS_ENDPOINT_URL", store.as_str()),
        ("AWS_ACCESS_KEY_ID", "somebody"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    let gotracer = Running::gotracer_with(scratch.path(), &flags, &variables);

    // The windows of rare captures are evaluated as often as the others.
    let rule_files = FILES.map(|file| {
        let path = scratch.path().join(file.rsplit('/').next().unwrap());
        fs::write(&path, read(file).replace("interval: 4m", "interval: 250ms")).unwrap();
        path
    });
    let Some(prometheus) = Prometheus::start(&scratch, &gotracer.address, &rule_files, None) else {
        return;
    };
    // Prometheus 3 can have native histograms instead: the same panels have data.
    let natively = Scratch::new();
    let scrape = format!(
        "- job_name: gotracer
  honor_labels: true
  scrape_native_histograms: true
  scrape_interval: 1s
  scrape_timeout: 1s
  static_configs: [{{targets: ['{}']}}]
",
        gotracer.address
    );
    let native =
        prometheus_3("prometheus").and_then(|_| Prometheus::configured(&natively, &scrape, &[]));
    let began = now();

    for round in 0..ROUNDS {
        upload(&uploads, round);
        let wanted = (round + 1) * (2 * TRACES.len() + 3);
        prometheus.wait(&format!(
            "sum(gotracer_traces_total{{job='ci'}}) == {wanted}"
        ));
    }
    roll_out(&uploads, &prometheus);
    // A stream that breaks off, and goes on.
    prometheus.wait("gotracer_stream_generations_total >= 2");
    drop(stream);
    prometheus.wait("gotracer_stream_connected == 0");
    let Some(_stream) = Server::start_at(&scratch, &streamed) else {
        return;
    };
    prometheus.wait("increase(gotracer_stream_gap_seconds_total{reason='lost'}[1h]) > 0");

    prometheus.wait("increase(gotracer_evidence_upload_failures_total[15m]) > 0");
    fs::remove_dir(unmounted).unwrap();
    prometheus.wait("gotracer_watch_directory_up == 0");
    // A file stands where the directory stood, so that it can't be made again.
    fs::remove_dir_all(&storage).unwrap();
    fs::write(&storage, "").unwrap();
    pack(
        &fs::read(fixture("go1.22.10/idle.trace")).unwrap(),
        &uploads,
        "checkout_1.1_unstored",
    );
    prometheus
        .wait("increase(gotracer_storage_failures_total[15m]) and (gotracer_storage_up == 0)");

    // More at once than can be read until the next scrape.
    let trace = fs::read(fixture("go1.22.10/pingpong.trace")).unwrap();
    let ready = scratch.directory("ready");
    (0..2_000).for_each(|n| pack(&trace, &ready, &format!("burst_1.0_{n}")));
    for file in fs::read_dir(&ready).unwrap() {
        let file = file.unwrap();
        fs::rename(file.path(), uploads.join(file.file_name())).unwrap();
    }
    prometheus.wait("gotracer_queue_length > 0");
    fs::write(&config, "nonsense: true\n").unwrap();
    gotracer.signal("-HUP");
    gotracer.wait_sample("gotracer_config_last_reload_successful", 0.0);
    std::thread::sleep(Duration::from_secs(2));

    let unknown = unknown_metrics(&gotracer.get("/metrics", "text/plain").text());
    assert!(unknown.is_empty(), "{unknown:?}");
    let both = [Some(&prometheus), native.as_ref()];
    let time = (
        began,
        settled(&both.into_iter().flatten().collect::<Vec<_>>()),
    );
    let told = panels_have_data(&prometheus, time);
    releases_are_compared(&prometheus, time);
    if let Some(native) = native {
        queries_have_data(&native, time);
    }
    eprintln!("{told}");

    // The end of gotracer is an alert as well.
    drop(gotracer);
    prometheus.wait("absent(gotracer_build_info)");
    let threshold = Regex::new(r"> [0-9.]+").unwrap();
    for rule in rules::all() {
        if ELSEWHERE.contains(&rule.name.as_str()) {
            continue;
        }
        // On a busy machine several scrapes see the traces of a round, and the share of those with a finding is
        // smaller. Any share counts here; promtool tests the thresholds.
        let expr = match Rule::find(&rule.name) {
            Some(_) => threshold.replace_all(&rule.expr, "> 0").into_owned(),
            None => rule.expr,
        };
        let series = prometheus.range(&expr, began, now(), 0.25);
        assert!(shows(&series), "{}: nothing from {expr}", rule.name);
    }
    let ill = prometheus.ill_rules();
    assert!(ill.is_empty(), "{ill:?}");
}
