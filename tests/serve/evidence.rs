//! Traces that are kept are traces: the tools of Go open them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::endpoint::Endpoint;
use crate::support::{Running, Scratch, eventually_or, fixture, get, program, toolchain};

/// What is kept, once there is something that fits.
pub fn kept(gotracer: &Running, query: &str) -> Value {
    let path = format!("/api/v1/evidence{query}");
    eventually_or(
        "something is kept",
        || gotracer.log(),
        || {
            let answer: Value = serde_json::from_slice(&gotracer.get(&path, "").body).unwrap();
            answer["data"].get(0).cloned()
        },
    )
}

/// Downloads what is kept, and has Go's own tool and gotracer read it.
pub fn opens(gotracer: &Running, item: &Value, scratch: &Scratch) -> Option<PathBuf> {
    let go = program("go")?;
    let id = item["id"].as_str().unwrap();
    let answer = gotracer.get(&format!("/api/v1/evidence/{id}"), "");
    assert_eq!(answer.status, 200);
    let name = item["file"].as_str().unwrap();
    let attached = format!("filename=\"{}\"", name.to_lowercase());
    assert!(answer.head.contains(&attached), "{}", answer.head);
    assert_eq!(answer.body.len() as u64, item["bytes"].as_u64().unwrap());
    let trace = scratch.path().join(name);
    fs::write(&trace, answer.body).unwrap();

    let mut tool = Command::new(go);
    let output = tool.args(["tool", "trace", "-d=parsed"]).arg(&trace);
    let output = output.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(text.lines().count() > 100, "{text}{errors}");
    assert!(!errors.contains("failed"), "{errors}");
    assert!(gotracer_reads(&trace));
    Some(trace)
}

/// Whether all of a trace can be read.
fn gotracer_reads(trace: &Path) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    command.args(["analyze", "--strict"]).arg(trace);
    command.output().unwrap().status.code() != Some(2)
}

fn severity(scratch: &Scratch, severity: &str) -> String {
    let config = scratch.path().join("evidence.yml");
    fs::write(&config, format!("evidence: {{severity: {severity}}}\n")).unwrap();
    format!("--config={}", config.display())
}

#[test]
fn the_generations_around_a_finding_in_a_stream_are_a_trace() {
    // With and without markers at the end of generations, and the first.
    for version in ["local", "1.25.5", "1.22.10"] {
        let scratch = Scratch::new();
        let Some(go) = toolchain(version) else {
            continue;
        };
        let endpoint = Endpoint::built_with(&go, &scratch, &[]);
        let directory = scratch.path().join("evidence");
        let path = format!("--evidence.path={}", directory.display());
        let warn = severity(&scratch, "warn");
        let url = endpoint.url();
        let flags = ["--scrape.mode=stream", "--scrape", &url, &path, &warn];
        let gotracer = Running::gotracer_with(scratch.path(), &flags, &[]);
        let item = kept(&gotracer, "?rule=MutexContention");
        assert_eq!(item["target"]["instance"], endpoint.address);
        assert_eq!(item["reason"], "finding");
        let name = item["file"].as_str().unwrap();
        let host = endpoint.address.replace(':', "-");
        assert!(name.starts_with(&host) && name.contains("_MutexContention_"));
        let Some(trace) = opens(&gotracer, &item, &scratch) else {
            return;
        };
        // The finding is in it.
        let output = Command::new(env!("CARGO_BIN_EXE_gotracer"))
            .args(["analyze", "--format=json"])
            .arg(&trace)
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let report = &report["reports"][0];
        let findings = report["findings"].as_array().unwrap();
        assert!(findings.iter().any(|f| f["rule"] == "MutexContention"));
        let generations = report["trace"]["generations"].as_u64().unwrap();
        assert!((2..=4).contains(&generations), "{generations}");
        // The same place is not kept again at once.
        assert_eq!(fs::read_dir(directory).unwrap().count(), 2);
        let page = gotracer.get("/", "").text();
        let link = format!("api/v1/evidence/{}\"", item["id"].as_str().unwrap());
        assert!(page.contains(&link), "{page}");
    }
}

#[test]
fn a_scraped_trace_is_kept_whole_and_everything_says_where() {
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &[]) else {
        return;
    };
    let directory = scratch.path().join("evidence");
    let path = format!("--evidence.path={}", directory.display());
    let warn = severity(&scratch, "warn");
    let url = endpoint.url();
    let flags = [
        "--scrape.seconds=1",
        "--scrape.interval=1s",
        "--web.external-url=http://gt:16060/",
        "--scrape",
        &url,
        &path,
        &warn,
    ];
    let gotracer = Running::gotracer_with(scratch.path(), &flags, &[]);
    let query = format!("?rule=MutexContention&instance={}", endpoint.address);
    let item = kept(&gotracer, &query);
    if opens(&gotracer, &item, &scratch).is_none() {
        return;
    }
    let id = item["id"].as_str().unwrap();
    let metrics = gotracer
        .get("/metrics", "application/openmetrics-text")
        .text();
    // Of a wait that got worse meanwhile there may be a later one.
    let exemplar = "evidence=\"http://gt:16060/api/v1/evidence/";
    assert!(metrics.contains(exemplar), "{metrics}");
    let latest = gotracer.get("/api/v1/evidence/latest?rule=MutexContention", "");
    assert_eq!(latest.status, 302);
    assert!(latest.head.contains("location: "), "{}", latest.head);
    let report = gotracer.get(&format!("/api/v1/evidence/{id}/report"), "");
    let report: Value = serde_json::from_slice(&report.body).unwrap();
    assert_eq!(report["report"]["schema"], "gotracer.report/v1");
    assert_eq!(report["rule"], item["rule"]);
    for gone in [
        "/api/v1/evidence/000000000000",
        "/api/v1/evidence/../analysed",
    ] {
        assert_eq!(gotracer.get(gone, "").status, 404);
    }
    // It outlives the daemon.
    drop(gotracer);
    let gotracer = Running::gotracer_with(scratch.path(), &["--scrape=http://[::1]:1", &path], &[]);
    assert_eq!(kept(&gotracer, "")["id"], id);
    drop(endpoint);
}

#[test]
fn a_file_with_findings_is_kept_decompressed() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let evidence = scratch.path().join("evidence");
    let path = format!("--evidence.path={}", evidence.display());
    let gotracer = Running::gotracer(&directory, scratch.path(), &[&path]);
    let trace = fs::read(fixture("go1.25.5/mutex_long.trace")).unwrap();
    crate::support::pack(&trace, &directory, "found");
    fs::copy(
        fixture("go1.25.5/empty.trace"),
        directory.join("clean.trace"),
    )
    .unwrap();
    let item = kept(&gotracer, "?severity=error");
    let id = item["id"].as_str().unwrap();
    let answer = get(&gotracer.address, &format!("/api/v1/evidence/{id}"), "").unwrap();
    assert_eq!(answer.body, trace);
    gotracer.wait_sample("gotracer_traces_total", 2.0);
    assert_eq!(fs::read_dir(evidence).unwrap().count(), 2);
}
