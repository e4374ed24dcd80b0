//! Programs of other projects that tests compare with, and skips on machines without them.

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::tests_dir;

const PROMETHEUS: &str = "prometheus/build.sh";

/// Reports whether the tests run in CI, which has every program.
pub(crate) fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

/// Reports that a test, or a part of it, is skipped on this machine.
///
/// # Panics
/// In CI, where nothing may be skipped.
pub(crate) fn skip(why: &str) {
    static SKIPPED: AtomicUsize = AtomicUsize::new(0);
    assert!(!in_ci(), "CI must not skip a test: {why}");
    let number = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    // libtest captures the output of `eprintln!` and shows it only for failed tests.
    let _ = writeln!(io::stderr(), "SKIPPED ({number} in this binary): {why}");
}

/// Returns the path that a script below tests/ prints. Outside of CI, a script with `--only-find` installs nothing.
pub(crate) fn installed_by(script: &str, arguments: &[&str]) -> Option<PathBuf> {
    let output = Command::new(tests_dir(script))
        .args(arguments)
        .stderr(if in_ci() {
            Stdio::inherit()
        } else {
            Stdio::null()
        })
        .output();
    let output = output.unwrap_or_else(|e| panic!("{script}: {e}"));
    let path = String::from_utf8(output.stdout).expect("a path");
    if output.status.success() {
        return Some(path.trim().into());
    }
    skip(&format!("run tests/{script} {}", arguments.join(" ")));
    None
}

/// As [`installed_by`], for scripts that take minutes: only CI runs them.
pub(crate) fn built_by(script: &str) -> Option<PathBuf> {
    installed_by(script, if in_ci() { &[] } else { &["--only-find"] })
}

/// Returns a Go toolchain of a version.
pub(crate) fn toolchain(version: &str) -> Option<PathBuf> {
    installed_by("toolchains.sh", &[version])
}

/// Returns a program of Prometheus 3, or Jsonnet, as tests/prometheus/build.sh builds them.
pub(crate) fn prometheus_3(name: &str) -> Option<PathBuf> {
    Some(built_by(PROMETHEUS)?.join(name))
}

/// Returns a program in PATH.
pub(crate) fn installed(name: &str) -> Option<PathBuf> {
    let found = in_path(name);
    if found.is_none() {
        skip(&format!("{name} is not in PATH"));
    }
    found
}

/// Returns a program in PATH. Prometheus' own are of version 3 if tests/prometheus/build.sh has built it, as in CI.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let built = matches!(name, "prometheus" | "promtool" | "jsonnet");
    if built
        && (in_ci()
            || Command::new(tests_dir(PROMETHEUS))
                .arg("--only-find")
                .output()
                .is_ok_and(|o| o.status.success()))
    {
        return prometheus_3(name);
    }
    installed(name)
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut candidates = env::split_paths(&path).map(|directory| directory.join(name));
    candidates.find(|candidate| candidate.is_file())
}
