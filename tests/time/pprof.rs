//! `gotracer export pprof` against `go tool trace -pprof` and `go tool pprof`.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use flate2::read::GzDecoder;
use prost::Message;

use crate::support;

/// Version of the tools to compare with.
const GO: &str = "1.27.3";
/// Types that `go tool trace` has, too.
const REFERENCE: [&str; 4] = ["net", "sync", "syscall", "sched"];
const OURS: [&str; 8] = [
    "wait",
    "runnable",
    "lock",
    "assist",
    "stw",
    "creations",
    "cpu",
    "wall",
];

#[derive(Clone, PartialEq, Message)]
struct Profile {
    #[prost(message, repeated, tag = "2")]
    sample: Vec<Sample>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<Line>,
}

#[derive(Clone, PartialEq, Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function_id: u64,
    #[prost(int64, tag = "2")]
    line: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
    #[prost(int64, tag = "4")]
    filename: i64,
}

/// Count and time by stack, as function, file and line of each frame.
type Records = BTreeMap<Vec<(String, String, i64)>, (i64, i64)>;

/// Decodes a profile. Stacks with equal frames are merged, because `go tool trace` distinguishes them by addresses. A
/// stack without names is no stack: which of the two the tool writes differs from run to run.
fn decode(bytes: &[u8]) -> Records {
    let mut plain = Vec::new();
    let mut gz = GzDecoder::new(bytes);
    gz.read_to_end(&mut plain).expect("a gzipped profile");
    let profile = Profile::decode(&plain[..]).expect("a profile");
    let text = |i: i64| profile.string_table[i as usize].clone();
    let functions: BTreeMap<_, _> = profile.function.iter().map(|f| (f.id, f)).collect();
    let locations: BTreeMap<_, _> = profile.location.iter().map(|l| (l.id, l)).collect();
    let mut records = Records::new();
    for sample in &profile.sample {
        let lines = sample.location_id.iter().flat_map(|id| &locations[id].line);
        let frames = lines.map(|line| {
            let f = functions[&line.function_id];
            (text(f.name), text(f.filename), line.line)
        });
        let mut stack: Vec<_> = frames.collect();
        if stack.iter().all(|(function, ..)| function.is_empty()) {
            stack.clear();
        }
        let (count, time) = records.entry(stack).or_default();
        *count += sample.value[0];
        *time += sample.value[1];
    }
    records
}

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
    // The tool loses most callbacks from C, whose goroutines have the same ID again and again.
    let fixtures: Vec<_> = all
        .iter()
        .filter(|(version, name, _)| new(version) && name != "cgo_callback")
        .collect();
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
