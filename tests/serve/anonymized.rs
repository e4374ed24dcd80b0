//! Evidence without the names of the program.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::evidence::{configured, kept, opens, report};
use crate::support::daemon::{Running, Scratch, fixture, get};
use crate::support::endpoint::Endpoint;

/// The names of a program's own functions and files, as a trace of it tells.
fn names(trace: &Path) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    let output = command.arg("events").arg(trace).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let frames = text.lines().filter(|line| line.starts_with("S\t"));
    let mut names = Vec::new();
    for frame in frames.flat_map(|line| line.split('\t').skip(2)) {
        let Some((function, place)) = frame.split_once(' ') else {
            continue;
        };
        if function.starts_with("main.") && function != "main.main" {
            let (file, _) = place.rsplit_once(':').unwrap();
            names.extend([function.to_owned(), file.to_owned()]);
        }
    }
    assert!(!names.is_empty(), "{text}");
    names
}

/// What was found, without the names of places.
fn numbers(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let keys = ["rule", "severity", "count", "worst", "total", "first_ns"];
    let numbers = |finding: &Value| keys.map(|key| finding[key].to_string()).join(" ");
    let mut numbers: Vec<String> = findings.map(numbers).collect();
    numbers.sort();
    numbers
}

#[test]
fn no_name_of_the_program_is_in_anonymised_evidence() {
    for mode in ["scrape", "stream"] {
        let scratch = Scratch::new();
        let Some(endpoint) = Endpoint::start(&scratch, &[]) else {
            return;
        };
        let raw = get(&endpoint.address, "/debug/pprof/trace?seconds=1", "").unwrap();
        let known = scratch.path().join("raw.trace");
        fs::write(&known, &raw.body).unwrap();
        let names = names(&known);

        let directory = scratch.path().join("evidence");
        let path = format!("--evidence.path={}", directory.display());
        let config = configured(&scratch, "severity: warn, anonymize: true");
        let (url, mode_flag) = (endpoint.url(), format!("--scrape.mode={mode}"));
        let mut flags = vec!["--scrape", &url, &mode_flag, &path, &config];
        if mode == "scrape" {
            flags.push("--scrape.seconds=1");
        }
        let gotracer = Running::gotracer_with(scratch.path(), &flags, &[]);
        let item = kept(&gotracer, "?rule=MutexContention");
        assert_eq!(item["anonymized"], true);
        let Some(trace) = opens(&gotracer, &item, &scratch) else {
            return;
        };
        for file in fs::read_dir(&directory).unwrap() {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            for name in &names {
                let there = bytes.windows(name.len()).any(|w| w == name.as_bytes());
                assert!(!there, "{name}");
            }
        }
        // The document tells the same as the copy, and that the same as what it
        // was copied from.
        let path = format!("/api/v1/evidence/{}/report", item["id"].as_str().unwrap());
        let document: Value = serde_json::from_slice(&gotracer.get(&path, "").body).unwrap();
        let told = &document["report"]["reports"][0];
        assert!(!numbers(told).is_empty());
        assert_eq!(numbers(told), numbers(&report(&trace)));
        if mode == "scrape" {
            let all = gotracer.get("/api/v1/reports", "").body;
            let all: Value = serde_json::from_slice(&all).unwrap();
            let start = &told["trace"]["start_time"];
            let mut original = all["reports"].as_array().unwrap().iter();
            let original = original.find(|r| r["trace"]["start_time"] == *start);
            assert_eq!(numbers(told), numbers(original.unwrap()));
        }
        assert_eq!(gotracer.sample("gotracer_evidence_kept_total"), Some(1.0));
    }
}

#[test]
fn what_can_not_be_anonymised_is_not_kept() {
    let scratch = Scratch::new();
    let (directory, evidence) = (scratch.directory("in"), scratch.path().join("evidence"));
    let path = format!("--evidence.path={}", evidence.display());
    let config = configured(&scratch, "severity: info, anonymize: true");
    let gotracer = Running::gotracer(&directory, scratch.path(), &[&path, &config]);
    let old = fixture("go1.19/mutex_contention.trace");
    fs::copy(old, directory.join("old.trace")).unwrap();
    gotracer.wait_sample("gotracer_evidence_lost_total{reason=\"names\"}", 1.0);
    assert_eq!(gotracer.sample("gotracer_evidence_kept_total"), Some(0.0));
    assert_eq!(fs::read_dir(evidence).unwrap().count(), 0);
    let log = gotracer.log();
    assert!(log.contains("Go 1.19 can't be anonymised"), "{log}");
}
