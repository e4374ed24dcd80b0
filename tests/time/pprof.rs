//! `gotracer export pprof` against `go tool trace -pprof` and `go tool pprof`.

use std::path::Path;
use std::process::Command;

use crate::support;
use crate::support::pprof::{OURS, REFERENCE, decode};

/// Version of the tools to compare with.
const GO: &str = "1.27.3";

fn output(command: &mut Command) -> Vec<u8> {
    let output = command.output().expect("the command runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    output.stdout
}

fn ours(kind: &str, trace: &Path) -> Vec<u8> {
    let mut c = support::gotracer();
    output(
        c.args(["export", "pprof", "--type", kind, "-o", "-"])
            .arg(trace),
    )
}

#[test]
fn profiles_equal_those_of_go_tool_trace() {
    let Some(go) = support::tools::toolchain(GO) else {
        return;
    };
    let all = support::fixtures();
    let new = |version: &str| !version.starts_with("1.19") && !version.starts_with("1.21");
    let fixtures: Vec<_> = all.iter().filter(|(version, ..)| new(version)).collect();
    assert!(fixtures.len() > 80, "the fixtures are missing");
    let compare = |(version, name, path): &(String, String, std::path::PathBuf)| {
        let mut stacks = 0;
        for kind in REFERENCE {
            let mut tool = Command::new(&go);
            let theirs = output(
                tool.args(["tool", "trace"])
                    .arg(format!("-pprof={kind}"))
                    .arg(path),
            );
            let (theirs, ours) = (decode(&theirs), decode(&ours(kind, path)));
            assert_eq!(ours, theirs, "go{version} {name} {kind}");
            stacks += theirs.len();
        }
        stacks
    };
    let half = fixtures.len() / 2;
    let stacks: usize = std::thread::scope(|scope| {
        let halves = [&fixtures[..half], &fixtures[half..]];
        let threads = halves.map(|half| {
            scope.spawn(move || half.iter().map(|fixture| compare(fixture)).sum::<usize>())
        });
        threads
            .map(|thread| thread.join().expect("equal profiles"))
            .iter()
            .sum()
    });
    assert!(stacks > 1_000, "{stacks} stacks were compared");
}

#[test]
fn go_tool_pprof_reads_all_types() {
    let Some(go) = support::tools::toolchain(GO) else {
        return;
    };
    let dir = tempfile::tempdir().expect("a directory");
    let traces = ["gc_assist", "cpu_profile", "channel_backpressure"];
    for trace in traces.map(|name| support::fixture("1.25.5", name)) {
        for kind in REFERENCE.into_iter().chain(OURS) {
            let profile = dir.path().join(kind);
            std::fs::write(&profile, ours(kind, &trace)).expect("a file");
            let mut tool = Command::new(&go);
            let raw = output(tool.args(["tool", "pprof", "-raw"]).arg(&profile));
            let raw = String::from_utf8_lossy(&raw);
            assert!(raw.contains("PeriodType: trace count"), "{kind}: {raw}");
            assert!(
                raw.contains("Samples:") && raw.contains("Mappings"),
                "{kind}: {raw}"
            );
        }
    }
}
