//! `gotracer events` against the reference reader, golang.org/x/exp/trace:
//! the same lines, byte for byte.

mod support;

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use gotracer::trace::internal::{sort_by_key, specs};
use regex::Regex;
use support::{old_trace, text_trace};

/// What a reader printed: its lines, and whether an error ended them.
struct Printed {
    lines: Vec<u8>,
    failed: bool,
}

/// Splits off a last line that reports an error: its words are each reader's
/// own.
fn printed(mut output: Vec<u8>) -> Printed {
    let body = output.strip_suffix(b"\n").unwrap_or(&output);
    let last = body.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
    let failed = output[last..].starts_with(b"ERR\t");
    if failed {
        output.truncate(last);
    }
    Printed {
        lines: output,
        failed,
    }
}

/// Whether a reader printed no event but synchronization.
fn is_silent(printed: &Printed) -> bool {
    let lines = String::from_utf8_lossy(&printed.lines);
    lines.lines().all(|line| line.contains("\tSync\t"))
}

/// Whether a trace is one of Go 1.21 or older.
fn is_old(trace: &Path) -> bool {
    let bytes = fs::read(trace).expect("the trace");
    let old = ["go 1.11", "go 1.19", "go 1.21"];
    old.iter().any(|v| bytes.starts_with(v.as_bytes()))
}

/// The one thing in old traces whose order the reference leaves to a Go map:
/// runnable goroutines of which nothing is known when a trace begins. Their
/// events keep their times, the goroutines are put in order.
fn without_chance(lines: &[u8]) -> Vec<u8> {
    const EVENT: &str = "StateTransition\tg";
    let lines = String::from_utf8_lossy(lines);
    let lines: Vec<&str> = lines.split_inclusive('\n').collect();
    let by_chance = |line: &&str| {
        line.contains("\tm-1\tp-1\tg-1\t")
            && line.contains(EVENT)
            && line.contains("\tUndetermined>Runnable\t")
    };
    let mut out = String::new();
    for run in lines.chunk_by(|a, b| by_chance(a) && by_chance(b)) {
        let mut rests: Vec<&str> = run
            .iter()
            .map(|line| line.split_once('\t').map_or("", |(_, rest)| rest))
            .collect();
        if run.len() > 1 {
            rests.sort_unstable();
        }
        for (line, rest) in run.iter().zip(rests) {
            let time = line.split_once('\t').map_or(*line, |(time, _)| time);
            out.push_str(time);
            out.push('\t');
            out.push_str(rest);
        }
    }
    out.into_bytes()
}

/// Lines in which events of the same time, which follow each other by 1 ns,
/// are in one order whatever it was: in made-up programs all Ps begin at once,
/// and the order in which the reference takes them in, from a Go map, decides
/// about ties for good.
fn without_ties(lines: &[u8]) -> Vec<u8> {
    let lines = String::from_utf8_lossy(lines);
    let events = lines.lines().filter(|l| !l.starts_with("S\t"));
    let mut last = i64::MIN;
    let mut groups: Vec<Vec<&str>> = Vec::new();
    for line in events {
        let (time, rest) = line.split_once('\t').expect("a time");
        let time = time.parse().expect("a time");
        match groups.last_mut() {
            Some(group) if time == last + 1 => group.push(rest),
            _ => groups.push(vec![rest]),
        }
        last = time;
    }
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups.concat().join("\n").into_bytes()
}

fn ours(trace: &Path, from_stdin: bool) -> Printed {
    let mut c = support::gotracer();
    c.arg("events");
    if from_stdin {
        c.arg("-").stdin(File::open(trace).expect("the trace"));
        // A pipe, not the file itself: `cat` keeps it one.
        let cat = Command::new("cat")
            .arg(trace)
            .stdout(std::process::Stdio::piped())
            .spawn();
        let mut cat = cat.expect("cat runs");
        c.stdin(cat.stdout.take().expect("piped"));
        let out = c.output().expect("gotracer runs");
        let _ = cat.wait();
        return printed(out.stdout);
    }
    printed(c.arg(trace).output().expect("gotracer runs").stdout)
}

/// Compares both readers on a trace; returns the number of events and whether
/// they accepted it.
fn compare(trace: &Path, from_stdin: bool) -> (usize, bool) {
    compare_by(trace, from_stdin, without_chance)
}

/// The same, `normal` being what is compared of old traces.
fn compare_by(trace: &Path, from_stdin: bool, normal: fn(&[u8]) -> Vec<u8>) -> (usize, bool) {
    let mut theirs = printed(support::reference(trace).stdout);
    let mut ours = ours(trace, from_stdin);
    let name = trace.display();
    // Only gotracer takes a trace without events for an error.
    if !theirs.failed && is_silent(&theirs) {
        assert!(ours.failed, "{name}");
        return (0, true);
    }
    assert_eq!(
        theirs.failed, ours.failed,
        "{name}: one reader fails, one does not"
    );
    if is_old(trace) {
        for p in [&mut theirs, &mut ours] {
            p.lines = normal(&p.lines);
        }
        // The reference reads an old trace to its end before it tells the
        // first event; some damage it finds later, by a panic.
        if theirs.failed {
            assert!(ours.lines.starts_with(&theirs.lines), "{name}");
            return (0, false);
        }
    }
    if theirs.lines != ours.lines {
        let lines = |p: &Printed| {
            String::from_utf8_lossy(&p.lines)
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let (theirs, ours) = (lines(&theirs), lines(&ours));
        let at = theirs.iter().zip(&ours).take_while(|(a, b)| a == b).count();
        panic!(
            "{name}: line {} differs\nreference: {:?}\nours:      {:?}",
            at + 1,
            theirs.get(at),
            ours.get(at)
        );
    }
    let events = theirs.lines.split(|&b| b == b'\n');
    let events = events
        .filter(|l| !l.is_empty() && !l.starts_with(b"S\t"))
        .count();
    (events, !theirs.failed)
}

fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("a scratch directory");
    dir
}

#[test]
fn fixtures_read_the_same() {
    if !support::have_go() {
        return;
    }
    let mut total = 0;
    let fixtures = support::fixtures();
    for (i, (_, _, path)) in fixtures.iter().enumerate() {
        let (events, accepted) = compare(path, i % 3 == 0);
        assert!(accepted, "{}", path.display());
        total += events;
    }
    eprintln!("{} fixtures, {total} events are the same", fixtures.len());
}

/// What was anonymised is a trace as good as before, event for event.
#[test]
fn anonymized_traces_read_the_same() {
    if !support::have_go() {
        return;
    }
    let out = scratch("anonymized").join("copy.trace");
    // Older formats are refused.
    let old = |version: &str| ["1.19", "1.21"].iter().any(|v| version.starts_with(v));
    let fixtures = support::fixtures().into_iter();
    for (version, name, path) in fixtures.filter(|(version, ..)| !old(version)) {
        let copied = support::gotracer()
            .arg("anonymize")
            .args([&path, &out])
            .status();
        assert!(copied.expect("it runs").success(), "{name} of Go {version}");
        let (events, accepted) = compare(&out, false);
        assert!(accepted, "{name} of Go {version}");
        assert_eq!(events, compare(&path, false).0, "{name} of Go {version}");
    }
}

/// A part of a trace is a trace, for the reference reader and for `go tool
/// trace`.
#[test]
fn parts_of_traces_read_the_same() {
    if !support::have_go() {
        return;
    }
    let out = scratch("cut").join("part.trace");
    let mut smaller = 0;
    for version in ["1.22.10", "1.25.5", "1.26.6", "1.27.3"] {
        for name in ["syscall_long", "annotations", "idle"] {
            let trace = support::fixture(version, name);
            for (from, to) in [("0s", "200ms"), ("300ms", "600ms"), ("300ms", "1000s")] {
                let cut = support::gotracer()
                    .arg("cut")
                    .arg(&trace)
                    .args(["--from", from, "--to", to, "-o"])
                    .arg(&out)
                    .output()
                    .expect("it runs");
                assert!(cut.status.success(), "{version} {name}: {cut:?}");
                let (events, accepted) = compare(&out, false);
                let (all, _) = compare(&trace, false);
                assert!(accepted && events > 10, "{version} {name}");
                // The first generation may last longer than 300 ms.
                assert!(events <= all, "{version} {name}");
                smaller += usize::from(events < all);
            }
        }
        let tool = Command::new("go")
            .args(["tool", "trace", "-pprof=sched"])
            .arg(&out)
            .output()
            .expect("go runs");
        assert!(tool.status.success(), "{version}: {tool:?}");
    }
    assert!(smaller > 12, "{smaller}");
}

#[test]
fn fresh_traces_read_the_same() {
    if !support::have_go() {
        return;
    }
    // CI names more versions; they are fetched by tests/toolchains.sh.
    let versions = std::env::var("GOTRACER_GO_VERSIONS").unwrap_or_else(|_| "local".into());
    let dir = scratch("fresh");
    let mut total = 0;
    for version in versions.split_whitespace() {
        let program = support::workloads(version);
        let list = Command::new(&program)
            .arg("-list")
            .output()
            .expect("it runs");
        let list = String::from_utf8(list.stdout).expect("names");
        let wanted = [
            ("http_busy", "4000000"),
            ("pingpong", "4000000"),
            ("annotations", ""),
            ("allocfree", ""),
            ("cpu_profile", ""),
            ("gc_assist", ""),
            ("coroutine", ""),
            ("flight_recorder", ""),
            ("many_goroutines", ""),
            ("goroutine_churn", ""),
            ("syscall_quick", ""),
            ("mutex_contention", ""),
        ];
        for (name, limit) in wanted {
            if !list
                .lines()
                .any(|l| l.split_whitespace().next() == Some(name))
            {
                continue;
            }
            let out = dir.join(format!("{name}-{version}.trace"));
            let mut c = Command::new(&program);
            c.args(["-w", name, "-o"]).arg(&out);
            if !limit.is_empty() {
                c.args(["-limit", limit]);
            }
            if name == "allocfree" {
                c.env("GODEBUG", "traceallocfree=1");
            }
            let status = c.status().expect("it runs");
            assert!(status.success(), "{name} of Go {version} failed");
            let (events, accepted) = compare(&out, false);
            assert!(accepted, "{name} of Go {version}");
            total += events;
        }
    }
    eprintln!("fresh traces of Go {versions}: {total} events are the same");
}

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
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = move |n: i64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % n as u64) as i64
    };
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

/// Old traces that no Go was asked for: of every event, and of programs that do
/// at random what schedulers allow.
#[test]
fn made_up_old_traces_read_the_same() {
    if !support::have_go() {
        return;
    }
    let dir = scratch("old");
    for (name, accept) in [
        ("everything", true),
        ("futile", false),
        ("samples", true),
        ("stacks", true),
    ] {
        let text = fs::read_to_string(support::tests_dir(&format!("oracle/old/{name}.txt")));
        let out = dir.join(name);
        fs::write(&out, old_trace::encode(&text.expect("readable"))).expect("written");
        let (events, accepted) = compare(&out, false);
        assert_eq!(accepted, accept, "{name}");
        assert!(events > 30 || name != "everything", "{name}: {events}");
    }
    let mut total = 0;
    for seed in 0..60 {
        let version = ["1.11", "1.19", "1.21"][seed % 3];
        let out = dir.join(format!("{seed}.trace"));
        let steps = 200 + 100 * seed;
        fs::write(&out, old_trace::random(seed as u64, version, steps)).expect("written");
        let (events, accepted) = compare_by(&out, seed % 2 == 0, without_ties);
        assert!(accepted, "{seed}");
        total += events;
    }
    eprintln!("made-up traces of Go 1.11 to 1.21: {total} events are the same");
}

/// Damaged traces: both readers give the same events up to the damage, and
/// agree that there is one.
#[test]
fn damaged_traces_are_judged_the_same() {
    if !support::have_go() {
        return;
    }
    let dir = scratch("damaged");
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |n: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % n as u64) as usize
    };
    let mut rejected = 0;
    let names = [
        "http",
        "annotations",
        "coroutine",
        "gc_assist",
        "syscall_quick",
        "cgo_callback",
        "cpu_profile",
        "mutex_contention",
        "goroutine_leak",
        "syscall_long",
    ];
    let versions = ["1.19", "1.21.13", "1.22.10", "1.25.5", "1.27.3"];
    for i in 0..350 {
        let (version, name) = (versions[i % 5], names[i / 5 % names.len()]);
        let path = support::tests_dir(&format!("fixtures/go{version}/{name}.trace"));
        let Ok(mut bytes) = fs::read(path) else {
            continue;
        };
        match next(3) {
            0 => bytes.truncate(16 + next(bytes.len() - 16)),
            1 => {
                for _ in 0..=next(4) {
                    let at = 16 + next(bytes.len() - 16);
                    bytes[at] ^= 1 << next(8);
                }
            }
            _ => {
                let (at, len) = (16 + next(bytes.len() - 16), next(200));
                let end = (at + len).min(bytes.len());
                bytes.drain(at..end);
            }
        }
        let out = dir.join(format!("{i}.trace"));
        fs::write(&out, bytes).expect("written");
        let (_, accepted) = compare(&out, i % 2 == 0);
        rejected += usize::from(!accepted);
    }
    assert!(
        rejected > 50,
        "only {rejected} were rejected: the damage is too mild"
    );
}
