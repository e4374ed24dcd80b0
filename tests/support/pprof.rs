//! Profiles in pprof's format, decoded for comparisons.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::GzDecoder;
use prost::Message;

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

/// Types that `go tool trace` has, too.
pub(crate) const REFERENCE: [&str; 4] = ["net", "sync", "syscall", "sched"];
/// The other types.
pub(crate) const OURS: [&str; 8] = [
    "wait",
    "runnable",
    "lock",
    "assist",
    "stw",
    "creations",
    "cpu",
    "wall",
];

/// Count and time by stack, as function, file and line of each frame.
pub(crate) type Records = BTreeMap<Vec<(String, String, i64)>, (i64, i64)>;

/// Decodes a profile. Stacks with equal frames are merged, because `go tool trace` distinguishes them by addresses. A
/// stack without names is no stack: which of the two the tool writes differs from run to run.
pub(crate) fn decode(bytes: &[u8]) -> Records {
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
        *time += sample.value.get(1).copied().unwrap_or_default();
    }
    records
}
