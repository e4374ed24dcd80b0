//! From a pause in a real Go program to the person who is told: gotracer
//! captures it, a real Prometheus judges, a real Alertmanager tells.

use std::fs;
use std::io::Write;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::boards::list;
use crate::prometheus::Prometheus;
use crate::rules::FILES;
use crate::server::Server;
use crate::support::daemon::{Running, Scratch, free_address, program, receiver};
use crate::{read, repository};

/// Long enough for a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);

/// Takes what Alertmanager sends to its webhook. Returns its address.
fn webhook() -> (String, Receiver<Value>) {
    let (sender, messages) = channel();
    let address = receiver(move |body, mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        // The test may have ended.
        let _ = sender.send(serde_json::from_slice(&body.unwrap()).unwrap());
    });
    (address, messages)
}

/// An Alertmanager that tells a webhook at once.
fn alertmanager(scratch: &Scratch, webhook: &str) -> Option<Running> {
    let binary = program("prometheus-alertmanager")?;
    let config = scratch.path().join("alertmanager.yml");
    let yaml = format!(
        "
route: {{receiver: test, group_wait: 0s, group_by: [alertname, instance]}}
receivers: [{{name: test, webhook_configs: [{{url: 'http://{webhook}/'}}]}}]
"
    );
    fs::write(&config, yaml).unwrap();
    let address = free_address();
    let data = scratch.path().join("alertmanager");
    let mut command = Command::new(binary);
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.path={}", data.display()))
        .arg(format!("--web.listen-address={address}"))
        .arg("--cluster.listen-address=");
    let log = scratch.path().join("alertmanager.log");
    let mut running = Running::start(&mut command, address, log);
    running.wait_ready();
    Some(running)
}

#[test]
fn somebody_is_told_of_pauses_of_a_real_program() {
    let scratch = Scratch::new();
    let (address, messages) = webhook();
    let Some(alertmanager) = alertmanager(&scratch, &address) else {
        return;
    };
    // The rules as they are, but for the five minutes that the alert has to
    // hold: nobody waits for those here, promtool does.
    let rules = FILES.map(|file| {
        let path = scratch.path().join(file.rsplit('/').next().unwrap());
        fs::write(&path, read(file).replace("for: 5m", "for: 1s")).unwrap();
        path
    });
    let gotracer_address = free_address();
    let Some(_prometheus) = Prometheus::start(
        &scratch,
        &gotracer_address,
        &rules,
        Some(&alertmanager.address),
    ) else {
        return;
    };
    let Some(server) = Server::start(&scratch) else {
        return;
    };
    let began = Instant::now();
    let config = scratch.path().join("gotracer.yml");
    let yaml = format!(
        "
scrape_configs:
- job_name: api
  scrape_interval: 1500ms
  seconds: 1
  static_configs: [{{targets: ['{}'], labels: {{service: checkout, version: '1.2'}}}}]
",
        server.address
    );
    fs::write(&config, yaml).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    command.args(["serve", "--web.listen-address", &gotracer_address]);
    command.arg(format!("--config={}", config.display()));
    let gotracer = Running::start(
        &mut command,
        gotracer_address,
        scratch.path().join("gotracer.log"),
    );

    let alert = loop {
        let left = DEADLINE.saturating_sub(began.elapsed());
        let message = messages.recv_timeout(left);
        let message = message.unwrap_or_else(|_| panic!("nobody was told\n{}", gotracer.log()));
        let mut alerts = list(&message["alerts"]).iter();
        if let Some(alert) = alerts.find(|a| a["labels"]["alertname"] == "GCPauseSpike") {
            break alert.clone();
        }
    };
    eprintln!(
        "told {:.1?} after the first pause: {alert}",
        began.elapsed()
    );
    assert_eq!(alert["status"], "firing");
    for (label, value) in [
        ("job", "api"),
        ("instance", &server.address),
        ("service", "checkout"),
        ("version", "1.2"),
        ("rule", "GCPauseSpike"),
    ] {
        assert_eq!(alert["labels"][label], value, "{label}");
    }
    let severity = alert["labels"]["severity"].as_str().unwrap();
    assert!(["warning", "info"].contains(&severity), "{severity}");
    let description = alert["annotations"]["description"].as_str().unwrap();
    assert!(
        description.contains("the garbage collector stopped the program"),
        "{description}"
    );
    assert!(
        description.contains("The worst took up to "),
        "{description}"
    );
    let runbook = alert["annotations"]["runbook_url"].as_str().unwrap();
    let page = runbook.split("/blob/main/").nth(1).unwrap();
    assert!(repository(page).exists(), "{runbook}");
}
