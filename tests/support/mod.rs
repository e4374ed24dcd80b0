//! Parts that the integration tests share: fixtures, the reference reader, the daemon and its clients, and programs of
//! other projects.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod certificates;
pub(crate) mod chromium;
pub(crate) mod daemon;
pub(crate) mod endpoint;
pub(crate) mod impostor;
pub(crate) mod kubernetes;
pub(crate) mod old_trace;
pub(crate) mod once;
pub(crate) mod ports;
pub(crate) mod pprof;
pub(crate) mod random;
pub(crate) mod s3;
pub(crate) mod text_trace;
pub(crate) mod tools;
pub(crate) mod varint;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// The built program.
pub(crate) fn gotracer() -> Command {
    let mut c = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    c.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    c
}

/// A path below tests/.
pub(crate) fn tests_dir(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(path)
}

/// The fixture traces, as (version, name, path).
pub(crate) fn fixtures() -> Vec<(String, String, PathBuf)> {
    let mut all = Vec::new();
    for dir in std::fs::read_dir(tests_dir("fixtures")).expect("tests/fixtures") {
        let dir = dir.expect("readable").path();
        let Some(version) = dir.file_name().and_then(|n| n.to_str()) else {
            continue;
        };
        let Some(version) = version.strip_prefix("go1.") else {
            continue;
        };
        for file in std::fs::read_dir(&dir).expect("readable") {
            let path = file.expect("readable").path();
            if path.extension().is_some_and(|e| e == "trace") {
                let name = path.file_stem().and_then(|n| n.to_str()).expect("UTF-8");
                all.push((format!("1.{version}"), name.to_owned(), path.clone()));
            }
        }
    }
    all.sort();
    assert!(all.len() > 100, "the fixtures are missing");
    all
}

/// The path of one fixture.
pub(crate) fn fixture(version: &str, name: &str) -> PathBuf {
    let path = tests_dir(&format!("fixtures/go{version}/{name}.trace"));
    assert!(path.exists(), "{} is missing", path.display());
    path
}

/// Reports whether there is a Go toolchain.
pub(crate) fn have_go() -> bool {
    tools::installed("go").is_some()
}

/// Builds the program in `tests/DIR`.
pub(crate) fn go_build(dir: &str, go: &Path, out: &str) -> PathBuf {
    once::build(out, |out| {
        let mut build = Command::new(go);
        build
            .args(["build", "-trimpath", "-buildvcs=false", "-o"])
            .arg(out)
            .arg(".")
            .current_dir(tests_dir(dir))
            .env("GOTOOLCHAIN", "local")
            .env("CGO_ENABLED", "0")
            .env_remove("GOROOT")
            .stdout(Stdio::null());
        build
    })
}

/// The program in tests/oracle.
pub(crate) fn oracle() -> Command {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    Command::new(BUILT.get_or_init(|| go_build("oracle", Path::new("go"), "oracle")))
}

/// The reference reader's canonical lines for a trace.
pub(crate) fn reference(trace: &Path) -> Output {
    oracle().arg(trace).output().expect("the oracle runs")
}

/// The program in tests/summary.
pub(crate) fn go_summary() -> PathBuf {
    once::build("summary", |out| {
        let mut build = Command::new(tests_dir("summary/build.sh"));
        build.arg(out).stdout(Stdio::null());
        build
    })
}

/// The workloads, built by the Go of that version ("local" is the one in PATH).
pub(crate) fn workloads(version: &str) -> PathBuf {
    let go = tools::toolchain(version).unwrap_or_else(|| panic!("no Go {version}"));
    go_build("workloads", &go, &format!("workloads-{version}"))
}
