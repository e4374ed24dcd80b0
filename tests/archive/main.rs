//! Archives: traces in buckets and nested directories, and what becomes of
//! them.
#![cfg(feature = "daemon")]

#[path = "../support/mod.rs"]
mod support;

mod inputs;
mod shards;
#[cfg(feature = "parquet")]
mod tables;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use support::s3::S3;
use support::{fixtures, gotracer};

/// What the archive's names say.
const PATTERN: &str = "--pattern={service}/{version}/{_}.trace";

/// The fixtures of some Go versions as an archive has them: by program and
/// version. Gives the names.
fn archive(add: impl Fn(&str, &Path)) -> BTreeSet<String> {
    let some = fixtures().into_iter().filter(|(version, ..)| {
        let known = ["1.21.13", "1.22.10", "1.27.3"];
        known.contains(&version.as_str())
    });
    let named = some.map(|(version, program, path)| {
        let name = format!("{program}/{version}/1.trace");
        add(&name, &path);
        name
    });
    named.collect()
}

/// The same in a directory.
fn directory() -> (tempfile::TempDir, BTreeSet<String>) {
    let root = tempfile::tempdir().unwrap();
    let names = archive(|name, path| {
        let to = root.path().join(name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(path, to).unwrap();
    });
    (root, names)
}

/// `gotracer analyze`, for which the findings are no failure.
fn analyze(server: Option<&S3>, arguments: &[&str]) -> Command {
    let mut command = gotracer();
    command.env_remove("JOB_COMPLETION_INDEX");
    command.args(["analyze", "--fail-on=never"]).args(arguments);
    if let Some(server) = server {
        command.envs(server.variables());
    }
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn with_code(mut command: Command, code: i32) -> Output {
    let output = command.output().unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(
        output.status.code(),
        Some(code),
        "stdout: {out}\nstderr: {err}"
    );
    output
}

/// The reports of a call as JSON; `root` is left out of the names.
fn reports(command: Command, root: &str, code: i32) -> Vec<serde_json::Value> {
    let output = with_code(command, code);
    let text = text(&output.stdout).replace(root, "");
    let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
    serde_json::from_value(document["reports"].take()).unwrap()
}

fn sources(reports: &[serde_json::Value]) -> BTreeSet<String> {
    let source = |r: &serde_json::Value| r["trace"]["source"].as_str().unwrap().to_owned();
    reports.iter().map(source).collect()
}
