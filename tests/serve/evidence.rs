//! Traces that are kept are traces: the tools of Go open them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::daemon::{
    Running, Scratch, eventually_or, fixture, get, post, program, send, toolchain,
};
use crate::support::endpoint::Endpoint;

/// What is kept, once there is something that fits.
pub(crate) fn kept(gotracer: &Running, query: &str) -> Value {
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
pub(crate) fn opens(gotracer: &Running, item: &Value, scratch: &Scratch) -> Option<PathBuf> {
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

    crate::support::daemon::opens(&go, &trace);
    Some(trace)
}

/// What `gotracer analyze` says of a trace.
pub(crate) fn report(trace: &Path) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    let output = command.args(["analyze", "--format=json"]).arg(trace);
    let document: Value = serde_json::from_slice(&output.output().unwrap().stdout).unwrap();
    document["reports"][0].clone()
}

/// An option with a configuration of evidence.
pub(crate) fn configured(scratch: &Scratch, evidence: &str) -> String {
    let config = scratch.path().join("evidence.yml");
    fs::write(&config, format!("evidence: {{{evidence}}}\n")).unwrap();
    format!("--config={}", config.display())
}

#[test]
fn the_page_of_a_kept_trace_draws_its_worst_findings() {
    let scratch = Scratch::new();
    let traces = scratch.path().join("traces");
    fs::create_dir(&traces).unwrap();
    let trace = fixture("go1.25.5/mutex_contention.trace");
    fs::copy(trace, traces.join("a.trace")).unwrap();
    let watch = format!("--watch={}", traces.display());
    let path = format!(
        "--evidence.path={}",
        scratch.path().join("evidence").display()
    );
    let warn = configured(&scratch, "severity: warn");
    let gotracer = Running::gotracer_with(scratch.path(), &[&watch, &path, &warn], &[]);
    let item = kept(&gotracer, "");
    let page = eventually_or(
        "the page has pictures",
        || gotracer.log(),
        || {
            let page = gotracer.get("/reports/1", "").body;
            let page = String::from_utf8(page).unwrap();
            page.contains("<svg class=\"moment\"").then_some(page)
        },
    );
    let id = item["id"].as_str().unwrap();
    let link = format!("../api/v1/evidence/{id}?format=perfetto");
    assert!(page.contains(&link), "{page}");
    assert!(page.contains("MutexContention"));
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
        let warn = configured(&scratch, "severity: warn");
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
        let report = report(&trace);
        let findings = report["findings"].as_array().unwrap();
        assert!(findings.iter().any(|f| f["rule"] == "MutexContention"));
        let generations = report["trace"]["generations"].as_u64().unwrap();
        assert!((2..=4).contains(&generations), "{generations}");
        // The same place is not kept again at once.
        assert_eq!(fs::read_dir(directory).unwrap().count(), 2);
        let page = gotracer.get("/", "").text();
        let link = format!("api/v1/evidence/{}\"", item["id"].as_str().unwrap());
        assert!(page.contains(&link), "{page}");
        // Only clients that may read the traces see which there are.
        let stranger = b"GET / HTTP/1.0\r\nHost: gotracer.internal\r\n\r\n";
        let page = send(&gotracer.address, stranger).unwrap();
        assert_eq!(page.status, 200);
        assert!(!page.text().contains(&link), "{}", page.text());
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
    let warn = configured(&scratch, "severity: warn");
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
    crate::support::daemon::pack(&trace, &directory, "found");
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

#[test]
fn a_reload_changes_what_is_kept_and_where() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let [one, two] = ["one", "two"].map(|name| scratch.path().join(name));
    let config = configured(&scratch, "");
    let more = [&*config, "--web.enable-lifecycle"];
    let gotracer = Running::gotracer(&directory, scratch.path(), &more);
    let reload = |evidence: &str| {
        configured(&scratch, evidence);
        post(&gotracer.address, "/-/reload", b"").unwrap()
    };
    let shows = |line: &str| gotracer.get("/config", "").text().contains(line);
    let list = || {
        let answer = gotracer.get("/api/v1/evidence", "").body;
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        answer["data"].as_array().unwrap().len()
    };
    let mut analysed = 0.0;
    let mut comes = |trace: &str| {
        analysed += 1.0;
        fs::copy(fixture(trace), directory.join(format!("{analysed}.trace"))).unwrap();
        gotracer.wait_sample("gotracer_traces_total", analysed);
    };
    let (error, warn) = (
        "go1.25.5/mutex_long.trace",
        "go1.25.5/mutex_contention.trace",
    );
    comes(error);
    assert_eq!((list(), one.exists()), (0, false));
    assert_eq!(gotracer.sample("gotracer_evidence_kept_total"), None);

    let at = |path: &Path, more: &str| format!("directory: '{}'{more}", path.display());
    assert_eq!(reload(&at(&one, "")).status, 200);
    comes(warn);
    assert_eq!(list(), 0);
    comes("go1.22.10/mutex_long.trace");
    assert_eq!((list(), fs::read_dir(&one).unwrap().count()), (1, 2));
    // Who asks for less gets more, and what was kept stays.
    assert_eq!(
        reload(&at(&one, ", severity: warn, interval: 0s")).status,
        200
    );
    assert!(shows("severity: warn"));
    comes("go1.26.6/mutex_contention.trace");
    assert_eq!(list(), 2);
    // One that can't be changes nothing.
    let file = scratch.path().join("file");
    fs::write(&file, "").unwrap();
    let refused = reload(&at(&file, ""));
    assert_eq!(refused.status, 500);
    assert!(refused.text().contains("/file"), "{}", refused.text());
    assert!(shows("/one") && !shows("/file"));
    comes("go1.27.3/mutex_contention.trace");
    assert_eq!(list(), 3);
    // Quotas hold at once.
    assert_eq!(reload(&at(&one, ", max_age: 1ms")).status, 200);
    assert_eq!((list(), fs::read_dir(&one).unwrap().count()), (0, 0));
    assert_eq!(reload(&at(&two, ", anonymize: true")).status, 200);
    comes("go1.27.3/mutex_long.trace");
    assert_eq!((list(), fs::read_dir(&two).unwrap().count()), (1, 2));
    assert_eq!(kept(&gotracer, "")["anonymized"], true);
    assert_eq!(reload("").status, 200);
    assert_eq!(list(), 0);
    assert_eq!(gotracer.sample("gotracer_evidence_kept_total"), None);
}

#[test]
fn a_reload_reaches_streams() {
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &[]) else {
        return;
    };
    let config = configured(&scratch, "");
    let url = endpoint.url();
    let flags = [
        "--scrape.mode=stream",
        "--scrape",
        &url,
        &config,
        "--web.enable-lifecycle",
    ];
    let gotracer = Running::gotracer_with(scratch.path(), &flags, &[]);
    let instance = &endpoint.address;
    let heard = || {
        let series = format!("gotracer_stream_generations_total{{instance=\"{instance}\"}}");
        gotracer.sample(&series).filter(|n| *n >= 2.0)
    };
    eventually_or("it is streamed", || gotracer.log(), heard);
    let directory = scratch.path().join("evidence");
    let wanted = format!("severity: warn, directory: '{}'", directory.display());
    configured(&scratch, &wanted);
    assert_eq!(
        post(&gotracer.address, "/-/reload", b"").unwrap().status,
        200
    );
    let item = kept(&gotracer, "?rule=MutexContention");
    opens(&gotracer, &item, &scratch);
    let lost = format!("gotracer_stream_gaps_total{{instance=\"{instance}\",reason=\"lost\"}}");
    assert_eq!(gotracer.sample(&lost), Some(0.0));
}
