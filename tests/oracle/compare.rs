//! Compares what the two readers print of a trace.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support;

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
pub(crate) fn without_ties(lines: &[u8]) -> Vec<u8> {
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
pub(crate) fn compare(trace: &Path, from_stdin: bool) -> (usize, bool) {
    compare_by(trace, from_stdin, without_chance)
}

/// The same, `normal` being what is compared of old traces.
pub(crate) fn compare_by(
    trace: &Path,
    from_stdin: bool,
    normal: fn(&[u8]) -> Vec<u8>,
) -> (usize, bool) {
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

pub(crate) fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("a scratch directory");
    dir
}
