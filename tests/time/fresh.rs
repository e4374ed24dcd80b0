//! Traces that Go programs write now: of the Go in PATH, and in CI of all versions.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support;

/// Workloads with their flags. Together their goroutines have every state.
const WORKLOADS: [(&str, &[&str]); 11] = [
    ("http_busy", &["-limit", "1000000"]),
    ("sync_waits", &[]),
    ("channel_backpressure", &[]),
    ("mutex_contention", &[]),
    ("gc_assist", &[]),
    ("gc_pause", &[]),
    ("other_stw", &[]),
    ("coroutine", &[]),
    ("many_goroutines", &[]),
    ("goroutine_churn", &[]),
    ("flight_recorder", &[]),
];

/// Returns fresh traces of Go 1.22 and later. They are empty on a machine without Go.
pub(crate) fn traces() -> &'static [PathBuf] {
    static TRACES: OnceLock<Vec<PathBuf>> = OnceLock::new();
    TRACES.get_or_init(|| {
        if !support::have_go() {
            return Vec::new();
        }
        let dir =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("time-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a directory");
        // CI names more versions; they are fetched by tests/toolchains.sh.
        let versions = std::env::var("GOTRACER_GO_VERSIONS").unwrap_or_else(|_| "local".into());
        let old = |version: &&str| ["1.19", "1.21"].iter().any(|old| version.starts_with(old));
        let versions = versions.split_whitespace().filter(|version| !old(version));
        versions
            .flat_map(|version| written(version, &dir))
            .collect()
    })
}

/// Runs the workloads that a version of Go has.
fn written(version: &str, dir: &Path) -> Vec<PathBuf> {
    let program = support::workloads(version);
    let list = Command::new(&program).arg("-list").output();
    let list = String::from_utf8(list.expect("it runs").stdout).expect("names");
    let known = |name: &str| list.lines().any(|line| line == name);
    let mut traces = Vec::new();
    for (name, flags) in WORKLOADS.into_iter().filter(|(name, _)| known(name)) {
        let trace = dir.join(format!("{name}-{version}.trace"));
        let mut run = Command::new(&program);
        run.args(["-w", name]).args(flags).arg("-o").arg(&trace);
        let status = run.status().expect("it runs");
        assert!(status.success(), "{name} of Go {version} failed");
        traces.push(trace);
    }
    traces
}
