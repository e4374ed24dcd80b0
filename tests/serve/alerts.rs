//! From a real Alertmanager's alert to a trace of the program that it is about.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::evidence::{kept, opens};
use crate::support::daemon::{Running, Scratch, eventually_or, free_address, post, program};
use crate::support::endpoint::Endpoint;

/// A program of Prometheus' with a configuration.
fn start(name: &str, scratch: &Scratch, config: &str, flags: &[&str]) -> Option<Running> {
    let program = program(name)?;
    let file = scratch.path().join(format!("{name}.yml"));
    fs::write(&file, config).unwrap();
    let address = free_address();
    let mut command = Command::new(program);
    command
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--web.listen-address={address}"))
        .args(flags)
        .current_dir(scratch.path());
    let log = scratch.path().join(format!("{name}.log"));
    let mut running = Running::start(&mut command, address, log);
    running.wait_ready();
    Some(running)
}

/// An Alertmanager that tells gotracer.
fn alertmanager(scratch: &Scratch, gotracer: &str) -> Option<Running> {
    let config = format!(
        "route: {{receiver: gotracer, group_wait: 0s, group_interval: 1s}}\n\
         receivers:\n- name: gotracer\n  webhook_configs:\n  \
         - {{url: 'http://{gotracer}/api/v1/alertmanager', send_resolved: true}}\n"
    );
    let flags = ["--storage.path=alertmanager", "--cluster.listen-address="];
    start("prometheus-alertmanager", scratch, &config, &flags)
}

fn fire(alertmanager: &Running, labels: Value) {
    let body = json!([{"labels": labels}]).to_string();
    let head = format!(
        "POST /api/v2/alerts HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let request = [head.as_bytes(), body.as_bytes()].concat();
    let answer = crate::support::daemon::send(&alertmanager.address, &request).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn an_alert_has_its_target_captured_and_the_trace_kept() {
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &[]) else {
        return;
    };
    for mode in ["scrape", "stream"] {
        let scratch = Scratch::new();
        // Only alerts make traces here, and no finding is bad enough.
        let seconds = if mode == "scrape" { 1 } else { 3600 };
        let yaml = format!(
            "preset: batch\nscrape_configs: [{{job_name: api, mode: {mode}, scrape_interval: 1h, seconds: {seconds}, \
             static_configs: [{{targets: ['{}'], labels: {{service: shop}}}}, \
             {{targets: ['localhost:1'], labels: {{service: other}}}}]}}]\n\
             evidence: {{directory: '{}'}}\n",
            endpoint.address,
            scratch.path().join("evidence").display()
        );
        let flag = scratch.config(yaml);
        let gotracer = Running::gotracer_with(scratch.path(), &[&flag], &[]);
        let Some(alertmanager) = alertmanager(&scratch, &gotracer.address) else {
            return;
        };
        fire(
            &alertmanager,
            json!({"alertname": "SlowShop", "service": "shop", "severity": "page"}),
        );
        let item = kept(&gotracer, "?service=shop");
        assert_eq!(item["reason"], "alert SlowShop");
        assert_eq!(item["target"]["instance"], endpoint.address);
        opens(&gotracer, &item, &scratch);
    }
}

#[test]
fn only_known_targets_are_captured_and_not_too_often() {
    let scratch = Scratch::new();
    let directory = scratch.path().join("evidence");
    let path = format!("--evidence.path={}", directory.display());
    let url = "--scrape=http://localhost:1";
    let gotracer = Running::gotracer_with(scratch.path(), &[url, &path], &[]);
    let ask = |alerts: Value| {
        let body = json!({"version": "4", "alerts": alerts}).to_string();
        let answer = post(&gotracer.address, "/api/v1/alertmanager", body.as_bytes()).unwrap();
        assert_eq!(answer.status, 202, "{}", answer.text());
        serde_json::from_slice::<Value>(&answer.body).unwrap()["data"].clone()
    };
    let alert = |status: &str, instance: &str| {
        let labels = json!({"alertname": "A", "instance": instance});
        json!({"status": status, "labels": labels})
    };
    let known = alert("firing", "localhost:1");
    let unknown = alert("firing", "169.254.169.254:80");
    let over = alert("resolved", "localhost:1");
    let answer = ask(json!([over, unknown, known, known]));
    assert_eq!(
        answer,
        json!([
            {"alert": "A", "captures": [], "skipped": "no target has its instance or service"},
            {"alert": "A", "captures": ["http://localhost:1/"]},
            {"alert": "A", "captures": [], "skipped": "captured a short while ago"},
        ])
    );
    for bad in [&b"{}"[..], b"x", b"[]"] {
        let answer = post(&gotracer.address, "/api/v1/alertmanager", bad).unwrap();
        assert_eq!(answer.status, 400);
    }
    drop(gotracer);
    // Without a place to keep traces there is nothing to capture for.
    let gotracer = Running::gotracer_with(scratch.path(), &[url], &[]);
    let answer = post(
        &gotracer.address,
        "/api/v1/alertmanager",
        b"{\"alerts\": []}",
    )
    .unwrap();
    assert_eq!(answer.status, 409);
}

/// A Prometheus that scrapes gotracer and has an alert with docs/continuous.md's
/// annotation.
fn prometheus(scratch: &Scratch, gotracer: &str, alertmanager: &str) -> Option<Running> {
    let annotation = "/api/v1/evidence/latest?instance={{ $labels.instance | urlquery }}\
        &rule={{ $labels.rule }}";
    let rules = format!(
        "groups: [{{name: g, rules: [{{alert: Locks, expr: 'gotrace_findings_total{{rule=\"MutexContention\",\
         severity=\"warn\"}} > 0', annotations: {{evidence: 'http://{gotracer}{annotation}'}}}}]}}]\n"
    );
    fs::write(scratch.path().join("rules.yml"), rules).unwrap();
    let config = format!(
        "global: {{scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 250ms}}\n\
         rule_files: [rules.yml]\n\
         alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager}']}}]}}]}}\n\
         scrape_configs: [{{job_name: gotracer, honor_labels: true, static_configs: [{{targets: ['{gotracer}']}}]}}]\n"
    );
    let flags = ["--storage.tsdb.path=prometheus"];
    start("prometheus", scratch, &config, &flags)
}

#[test]
fn the_annotation_of_an_alert_leads_to_the_trace() {
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &[]) else {
        return;
    };
    let directory = scratch.path().join("evidence");
    let config = scratch.config(format!(
        "evidence: {{severity: warn, directory: '{}'}}\n",
        directory.display()
    ));
    let url = endpoint.url();
    let flags = ["--scrape.mode=stream", "--scrape", &url, &config];
    let gotracer = Running::gotracer_with(scratch.path(), &flags, &[]);
    let item = kept(&gotracer, "?rule=MutexContention");
    let Some(alertmanager) = alertmanager(&scratch, &gotracer.address) else {
        return;
    };
    let Some(prometheus) = prometheus(&scratch, &gotracer.address, &alertmanager.address) else {
        return;
    };
    let link = eventually_or(
        "the alert fires",
        || format!("{}\n{}", prometheus.log(), gotracer.log()),
        || {
            let alerts = alertmanager.get("/api/v2/alerts", "").body;
            let alerts: Value = serde_json::from_slice(&alerts).unwrap();
            let link = alerts[0]["annotations"]["evidence"].as_str()?;
            Some(link.to_owned())
        },
    );
    let path = link.strip_prefix(&format!("http://{}", gotracer.address));
    let answer = gotracer.get(path.unwrap(), "");
    assert_eq!(answer.status, 302, "{link}");
    let location = answer
        .head
        .lines()
        .find_map(|l| l.strip_prefix("location: "));
    // More may have been kept meanwhile, for the alert itself.
    let newest = kept(&gotracer, "?rule=MutexContention");
    let ids = [&item, &newest].map(|item| item["id"].as_str().unwrap());
    assert!(ids.contains(&location.unwrap()), "{location:?}");
    opens(&gotracer, &newest, &scratch);
}
