//! The reference reader's own material: its source, table of event types, test traces, and fuzz corpus; and Go's sort.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use gotracer::trace::internal::{sort_by_key, specs};
use regex::Regex;

use crate::compare::{compare, scratch};
use crate::support;
use crate::support::random::Random;
use crate::support::text_trace;

/// The reference reader's source in the Go module cache, which has it once the
/// oracle was built.
fn reference_source() -> PathBuf {
    let go = |args: &[&str]| {
        let mut go = Command::new("go");
        go.args(args).current_dir(support::tests_dir("oracle"));
        let output = go.output().expect("go runs");
        assert!(output.status.success(), "go {args:?}");
        String::from_utf8(output.stdout).expect("a path")
    };
    go(&["mod", "download", "golang.org/x/exp"]);
    let module = go(&["list", "-m", "-f", "{{.Dir}}", "golang.org/x/exp"]);
    Path::new(module.trim()).join("trace")
}

/// The reference reader's table of event types: number, name, arguments, timed.
fn reference_specs() -> Vec<(u8, String, Vec<String>, bool)> {
    let path = reference_source().join("internal/tracev2/events.go");
    let go = fs::read_to_string(path).expect("the reference's event types");
    let constant = Regex::new(r"^\tEv(\w+)( EventType = iota)?( +//.*)?$").expect("a pattern");
    let base = Regex::new(r"^\tMaxEvent EventType = 127 \+ iota").expect("a pattern");
    // Constants count by iota, from the value that begins their block.
    let mut numbers = HashMap::new();
    let mut next = 0_u8;
    for line in go.lines() {
        match line {
            "const (" => next = 0,
            line if base.is_match(line) => next = 128,
            line => {
                if let Some(found) = constant.captures(line) {
                    numbers.insert(found[1].to_owned(), next);
                    next += 1;
                }
            }
        }
    }
    let spec = Regex::new(r"(?s)\n\tEv(\w+): \{\n(.*?)\n\t\},").expect("a pattern");
    let args = Regex::new(r"Args:\s+\[\]string\{(.*?)\}").expect("a pattern");
    let specs = spec.captures_iter(&go).map(|found| {
        let (name, body) = (&found[1], &found[2]);
        let timed = body.contains("IsTimedEvent: true");
        let args = args.captures(body).map_or(Vec::new(), |args| {
            let names = args[1].split(", ").map(|name| name.trim_matches('"'));
            names.map(str::to_owned).collect()
        });
        // The first argument of a timed event is its time.
        let args = args[usize::from(timed)..].to_vec();
        (numbers[name], name.to_owned(), args, timed)
    });
    let mut specs: Vec<_> = specs.collect();
    specs.sort();
    specs
}

#[test]
fn event_types_are_those_of_the_reference() {
    if !support::have_go() {
        return;
    }
    let ours = specs().map(|(number, spec)| {
        let args = spec.args.iter().map(|&name| name.to_owned()).collect();
        (number, spec.name.to_owned(), args, spec.timed)
    });
    let ours: Vec<(u8, String, Vec<String>, bool)> = ours.collect();
    assert!(ours.len() > 60, "{}", ours.len());
    assert_eq!(ours, reference_specs());
}

/// Keys to sort, one list a line: patterns that quicksorts treat differently,
/// of all lengths around the algorithm's constants.
fn patterns() -> Vec<String> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut below = move |n: i64| (random.next() % n as u64) as i64;
    let lengths = (0..70).chain([99, 100, 127, 128, 129, 255, 256, 300, 511, 600, 5_000]);
    let mut lines = Vec::new();
    for n in lengths {
        lines.push(format!("killer {n}"));
        let mut add = |key: &mut dyn FnMut(i64) -> i64| {
            let keys: Vec<String> = (0..n).map(|i| key(i).to_string()).collect();
            lines.push(keys.join(" "));
        };
        add(&mut |_| 7);
        add(&mut |i| i);
        add(&mut |i| n - i);
        add(&mut |i| i / 5);
        add(&mut |i| (n - i) / 3);
        add(&mut |i| i % 4);
        add(&mut |i| i % (n / 3 + 1));
        add(&mut |i| i.min(n - i));
        add(&mut |i| (i - n / 2).abs());
        add(&mut |i| if i % 16 == 15 { below(n) } else { i });
        add(&mut |i| if i + 2 >= n { 0 } else { i });
        add(&mut |_| below(2));
        add(&mut |_| below(n / 4 + 1));
        add(&mut |_| below(1 << 40) - (1 << 39));
    }
    lines
}

#[test]
fn equal_keys_are_sorted_as_go_sorts_them() {
    if !support::have_go() {
        return;
    }
    let dir = scratch("sort");
    let input = dir.join("keys");
    let lines = patterns();
    fs::write(&input, lines.join("\n")).expect("written");
    let output = support::oracle()
        .arg("-sort")
        .stdin(File::open(input).expect("just written"))
        .output()
        .expect("the oracle runs");
    assert!(output.status.success());
    let output = String::from_utf8(output.stdout).expect("numbers");
    let mut sorted = 0;
    for line in output.lines() {
        let (keys, order) = line.split_once('|').expect("keys and their order");
        let keys = keys
            .split_whitespace()
            .map(|key| key.parse().expect("a key"));
        let mut keys: Vec<(i64, usize)> = keys.zip(0..).collect();
        let before = keys.clone();
        sort_by_key(&mut keys, |(key, _)| *key);
        let ours: Vec<String> = keys.iter().map(|(_, i)| i.to_string()).collect();
        let theirs: Vec<&str> = order.split_whitespace().collect();
        assert_eq!(ours, theirs, "{before:?}");
        sorted += 1;
    }
    assert_eq!(sorted, lines.len());
}

/// The reference reader's own test traces and fuzz corpus.
#[test]
fn the_reference_s_own_tests_are_judged_the_same() {
    if !support::have_go() {
        return;
    }
    let testdata = reference_source().join("testdata");
    let dir = scratch("reference");
    let files = |sub: &str| {
        let found = fs::read_dir(testdata.join(sub)).expect("the reference's testdata");
        let mut found: Vec<_> = found.map(|f| f.expect("readable").path()).collect();
        found.sort();
        found
    };
    let tests = files("tests");
    assert!(tests.len() >= 22);
    for path in &tests {
        let trace = text_trace::encode(&fs::read_to_string(path).expect("readable"));
        let out = dir.join(path.file_name().expect("a name"));
        fs::write(&out, trace.bytes).expect("written");
        let (_, accepted) = compare(&out, false);
        assert_eq!(accepted, trace.accepted, "{}", path.display());
    }
    let corpus = files("fuzz/FuzzReader");
    assert!(corpus.len() >= 10);
    for path in &corpus {
        let out = dir.join(path.file_name().expect("a name"));
        let text = fs::read_to_string(path).expect("readable");
        let bytes = text_trace::fuzz_input(&text);
        fs::write(&out, bytes).expect("written");
        compare(&out, false);
    }
}
