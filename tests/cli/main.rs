//! The program as a user runs it.

#[path = "../support/mod.rs"]
mod support;

mod analyze;
mod anonymize;
mod baseline;
mod ci;
mod cut;
mod diff;
mod errors;
mod events;
mod explain;
mod export;
mod formats;
mod ignore;
mod inputs;
mod memory;
mod outputs;
mod several;
mod silent;
mod truncated;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::CommandCargoExt;
use gotracer::rules::RULES;
use tempfile::TempDir;

const CLEAN: &str = "tests/fixtures/go1.25.5/idle.trace";
const FOUND: &str = "tests/fixtures/go1.25.5/mutex_stuck.trace";
/// Several generations, so that it can break off in the middle.
const LONG: &str = "tests/fixtures/go1.25.5/mutex_long.trace";

fn gotracer() -> Command {
    let mut command = Command::cargo_bin("gotracer").unwrap();
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    command
}

fn run(args: &[&str]) -> Output {
    gotracer().args(args).output().unwrap()
}

fn run_with_stdin(args: &[&str], input: &[u8]) -> Output {
    let mut child = gotracer()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The program may stop reading early.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// Asserts that a command is refused, with a text in its message.
#[track_caller]
fn assert_refused(args: &[&str], expected: &str) {
    let output = run(args);
    assert_exit(&output, 2);
    let said = stderr(&output);
    assert!(said.contains(expected), "{args:?}: {said}");
}

#[track_caller]
fn assert_exit(output: &Output, code: i32) {
    let (out, err) = (stdout(output), stderr(output));
    assert_eq!(
        output.status.code(),
        Some(code),
        "stdout: {out}\nstderr: {err}"
    );
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A directory with a file in it.
fn with_file(name: &str, bytes: &[u8]) -> (TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, bytes).unwrap();
    (dir, path.to_str().unwrap().into())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_closed_pipe_is_no_error() {
    for args in [
        &["events", "tests/fixtures/go1.25.5/many_goroutines.trace"][..],
        &[
            "export",
            "perfetto",
            "tests/fixtures/go1.25.5/many_goroutines.trace",
        ],
        &["analyze", "--format", "json", FOUND],
        &["analyze", FOUND],
        &["rules"],
        &["completions", "zsh"],
        &["man"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = gotracer().args(args).stdout(writer).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(0),
            "{args:?}: {}",
            stderr(&output)
        );
        assert_eq!(stderr(&output), "", "{args:?}");
    }
}

#[test]
fn rules_are_documented() {
    let list = run(&["rules"]);
    assert_exit(&list, 0);
    insta::assert_snapshot!("rules", stdout(&list));
    let one = run(&["rules", "goroutineleakgrowth"]);
    assert_exit(&one, 0);
    insta::assert_snapshot!("rule", stdout(&one));
    let rules = json(&run(&["rules", "--format", "json"]));
    assert_eq!(rules["rules"].as_array().unwrap().len(), RULES.len());
    let unknown = run(&["rules", "GCPause"]);
    assert_exit(&unknown, 2);
    assert!(
        stderr(&unknown).contains("GCPauseSpike"),
        "{}",
        stderr(&unknown)
    );
}

#[test]
fn configurations_are_checked() {
    assert_exit(&run(&["check-config", "config/gotracer.yml"]), 0);
    let bad = run(&["check-config", "tests/config/invalid-unit.yml"]);
    assert_exit(&bad, 2);
    let message = "tests/config/invalid-unit.yml: line 4, column 12: \"2 parsecs\"";
    assert!(stderr(&bad).contains(message), "{}", stderr(&bad));
}

#[test]
fn completions_and_manual_pages() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&["completions", shell]);
        assert_exit(&output, 0);
        let text = stdout(&output);
        assert!(text.contains("check-config"), "{shell}");
        let values = ["bash", "zsh", "fish"].contains(&shell);
        assert!(!values || text.contains("MutexContention"), "{shell}");
    }
    let page = stdout(&run(&["man"]));
    assert!(page.contains(".TH gotracer"), "{page}");
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("man1");
    assert_exit(&run(&["man", "--dir", pages.to_str().unwrap()]), 0);
    let exists = |name: &str| Path::new(&pages).join(name).exists();
    assert!(exists("gotracer.1") && exists("gotracer-analyze.1"));
}

#[test]
fn help_and_version() {
    for args in [
        &["--help"][..],
        &["-h"],
        &["analyze", "-h"],
        &["events", "--help"],
    ] {
        let output = run(args);
        assert_exit(&output, 0);
        assert!(stdout(&output).contains("Usage:"));
    }
    let version = stdout(&run(&["-V"]));
    assert_eq!(version, format!("gotracer {}\n", env!("CARGO_PKG_VERSION")));
    let long = stdout(&run(&["--version"]));
    let build = long.strip_prefix(&version).expect(&long);
    let names: Vec<_> = build.lines().filter_map(|l| l.split_once(": ")).collect();
    let [
        ("revision", revision),
        ("rustc", rustc),
        ("features", features),
    ] = names[..]
    else {
        panic!("{long}");
    };
    assert!(!revision.is_empty() && rustc.starts_with("1."), "{long}");
    let daemon = features.split(',').any(|feature| feature == "daemon");
    assert_eq!(daemon, cfg!(feature = "daemon"), "{long}");
    assert_exit(&run(&["frobnicate"]), 2);
}
