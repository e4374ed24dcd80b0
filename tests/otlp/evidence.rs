//! The event of a finding says where its trace is.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::collector::{Collector, Ports, attribute};
use crate::support::daemon::{Running, Scratch, eventually_or, free_address, get, opens, program};
use crate::support::endpoint::Endpoint;

#[test]
fn the_url_in_a_finding_s_event_gives_its_trace() {
    let (scratch, ports) = (Scratch::new(), Ports::free());
    let Some(go) = program("go") else { return };
    let Some(collector) = Collector::start(&scratch, &ports) else {
        return;
    };
    let endpoint = Endpoint::built_with(&go, &scratch, &[]);
    let config = scratch.path().join("gotracer.yml");
    let directory = scratch.path().join("evidence");
    let evidence = format!(
        "evidence: {{directory: '{}', severity: warn}}\n",
        directory.display()
    );
    fs::write(&config, evidence).unwrap();
    let address = free_address();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    command
        .args(["serve", "--scrape.mode=stream"])
        .arg(format!("--scrape={}", endpoint.url()))
        .arg(format!("--config={}", config.display()))
        .arg(format!("--otlp.endpoint=http://{}", ports.http))
        .arg(format!("--web.listen-address={address}"))
        .arg(format!("--web.external-url=http://{address}/"));
    let log = scratch.path().join("gotracer.log");
    let mut gotracer = Running::start(&mut command, address.clone(), log);
    gotracer.wait_ready();
    let event = collector.log(|log| {
        let rule = attribute(log, "gotracer.rule");
        rule == "MutexContention" && attribute(log, "gotracer.evidence.url") != Value::Null
    });
    assert_eq!(event["eventName"], "gotracer.finding");
    let url = attribute(&event, "gotracer.evidence.url");
    let (host, path) = url.as_str().unwrap()["http://".len()..]
        .split_once('/')
        .unwrap();
    assert_eq!(host, address);
    // It is told before the generation after it has come.
    let there = || {
        let answer = get(host, &format!("/{path}"), "").unwrap();
        (answer.status == 200).then_some(answer.body)
    };
    let bytes = eventually_or("its trace is there", || gotracer.log(), there);
    let trace = scratch.path().join("downloaded.trace");
    fs::write(&trace, bytes).unwrap();
    opens(&go, &trace);
}
