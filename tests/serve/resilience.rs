//! Much at once, too much at once, and a disk that is full.
#![cfg(unix)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::support::daemon::{
    Running, Scratch, TRACES, eventually_or, fixture, free_address, get, impostor, pack, program,
};

/// A real trace of so many bytes, written by a Go program.
fn large_trace(scratch: &Scratch, bytes: u64) -> Option<PathBuf> {
    let go = program("go")?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/workloads");
    let binary = scratch.path().join("workloads");
    let mut build = Command::new(go);
    build.args(["build", "-o"]).arg(&binary).arg(".");
    assert!(build.current_dir(source).status().unwrap().success());
    let trace = scratch.path().join("large.trace");
    let mut run = Command::new(binary);
    run.args(["-w", "pingpong", "-d", "5m", "-limit", &bytes.to_string()]);
    assert!(run.arg("-o").arg(&trace).status().unwrap().success());
    Some(trace)
}

/// The most memory that a process had in RAM, bytes.
#[cfg(target_os = "linux")]
fn most_memory(gotracer: &Running) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", gotracer.id())).unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
    kib.parse::<u64>().unwrap() << 10
}

#[test]
fn metrics_are_answered_while_large_traces_are_read() {
    let scratch = Scratch::new();
    let Some(trace) = large_trace(&scratch, 30 << 20) else {
        return;
    };
    let directory = scratch.directory("in");
    let gotracer = Running::gotracer(&directory, scratch.path(), &["--memory.budget=80MiB"]);
    // The second waits: both together are expected to take more than that.
    pack(&fs::read(&trace).unwrap(), &directory, "packed");
    fs::rename(trace, directory.join("plain.trace")).unwrap();
    let (mut answers, mut reserved) = (0, 0.0f64);
    eventually_or(
        "both are read",
        || gotracer.log(),
        || {
            answers += 1;
            let now = gotracer.sample("gotracer_memory_reserved_bytes")?;
            reserved = reserved.max(now);
            (gotracer.sample(TRACES)? == 2.0).then_some(())
        },
    );
    assert!(answers > 10, "{answers} answers while they were read");
    let budget = gotracer.sample("gotracer_memory_budget_bytes").unwrap();
    assert_eq!(budget, f64::from(80 << 20));
    assert!(
        reserved > f64::from(16 << 20) && reserved <= budget,
        "{reserved}"
    );
    #[cfg(target_os = "linux")]
    assert!(
        most_memory(&gotracer) < 150 << 20,
        "{}",
        most_memory(&gotracer)
    );
}

/// Answers with a trace that never ends: one generation of batches without
/// end, which can't be judged before they are all there. Counts what it sent.
fn endless(limit: u64) -> (String, Arc<AtomicU64>) {
    let whole = fs::read(fixture("go1.27.3/pingpong.trace")).unwrap();
    let sent = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&sent);
    let address = impostor(move |mut stream| {
        let (header, batches) = whole.split_at(16);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        let _ = stream.write_all(header);
        let many = largest_batch(batches).repeat(64);
        while count.load(Ordering::Relaxed) < limit && stream.write_all(&many).is_ok() {
            count.fetch_add(many.len() as u64, Ordering::Relaxed);
        }
    });
    (address, sent)
}

/// The largest of the first batches of a trace: one that holds nothing but
/// events of a thread.
pub(crate) fn largest_batch(mut bytes: &[u8]) -> &[u8] {
    let mut largest: &[u8] = &[];
    while let Some(length) = batch(bytes) {
        let (first, rest) = bytes.split_at(length);
        if first.len() > largest.len() {
            largest = first;
        }
        bytes = rest;
    }
    assert!(largest.len() > 1000);
    largest
}

/// The length of a batch of events: its type, four numbers, and as many bytes as
/// the last one says.
fn batch(bytes: &[u8]) -> Option<usize> {
    const EVENTS: u8 = 1;
    if bytes.first() != Some(&EVENTS) {
        return None;
    }
    let mut at = 1;
    let mut number = 0;
    for _ in 0..4 {
        number = 0;
        for shift in (0..).step_by(7) {
            let byte = bytes[at];
            at += 1;
            number |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
    }
    Some(at + number)
}

#[test]
fn a_target_that_sends_without_end_is_cut_off_and_memory_stays_flat() {
    const LIMIT: u64 = 32 << 20;
    let scratch = Scratch::new();
    let (target, sent) = endless(2 << 30);
    let address = free_address();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    command
        .args(["serve", "--scrape.seconds=60", "--scrape.interval=10m"])
        .args([
            "--scrape.max-size=32MiB",
            "--scrape",
            &format!("http://{target}"),
        ])
        .args(["--web.listen-address", &address]);
    let log = scratch.path().join("gotracer.log");
    let mut gotracer = Running::start(&mut command, address, log);
    gotracer.wait_ready();
    let failures = "gotracer_trace_failures_total";
    gotracer.wait_sample(
        &format!("{failures}{{instance=\"{target}\",reason=\"too_large\"}}"),
        1.0,
    );
    let sent = sent.load(Ordering::Relaxed);
    assert!(
        (LIMIT..3 * LIMIT).contains(&sent),
        "{sent} bytes were taken"
    );
    #[cfg(target_os = "linux")]
    {
        let most = most_memory(&gotracer);
        assert!(most < 4 * LIMIT + (64 << 20), "{most} bytes of memory");
    }
}

#[test]
fn ten_thousand_files_at_once_are_each_counted_once() {
    const FILES: usize = 10_000;
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let flags = ["--log.level=warn", "--watch.after=move"];
    let gotracer = Running::gotracer(&directory, scratch.path(), &flags);
    let trace = fs::read(fixture("go1.27.3/empty.trace")).unwrap();
    for i in 0..FILES {
        pack(&trace, &directory, &i.to_string());
    }
    gotracer.wait_sample(TRACES, FILES as f64);
    gotracer.wait_sample("gotracer_queue_length", 0.0);
    let moved = || fs::read_dir(directory.join("done")).unwrap().count();
    eventually_or(
        "all are moved",
        || format!("{} of them are", moved()),
        || (moved() == FILES).then_some(()),
    );
    assert_eq!(gotracer.sample(TRACES), Some(FILES as f64));
    let bytes = gotracer.sample("gotracer_trace_bytes_total");
    assert_eq!(bytes, Some((FILES * trace.len()) as f64));
}

#[test]
fn a_full_disk_costs_memory_of_what_was_done_and_nothing_else() {
    const FILES: usize = 200;
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let trace = fs::read(fixture("go1.27.3/empty.trace")).unwrap();
    for i in 0..FILES {
        pack(&trace, &directory, &i.to_string());
    }
    let state = scratch.path().join("state");
    let address = free_address();
    let start = |limit: &str, address: &str| {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("trap '' XFSZ; {limit} exec \"$0\" \"$@\"")])
            .arg(env!("CARGO_BIN_EXE_gotracer"))
            .args(["serve", "--web.listen-address", address, "--watch"])
            .arg(&directory)
            .arg(format!("--storage.path={}", state.display()));
        let log = scratch.path().join("gotracer.log");
        let mut running = Running::start(&mut command, address.into(), log);
        running.wait_ready();
        running
    };
    // No file can have more than four or eight blocks of 512 or 1024 bytes:
    // neither the list of what was done nor the log.
    let gotracer = start("ulimit -f 4;", &address);
    gotracer.wait_sample(TRACES, FILES as f64);
    assert_eq!(get(&address, "/-/healthy", "").unwrap().status, 200);
    let known = || {
        let text = fs::read_to_string(state.join("analysed")).unwrap();
        text.lines().filter(|line| line.ends_with(" clean")).count()
    };
    let remembered = known();
    assert!(remembered > 10 && remembered < FILES, "{remembered}");
    drop(gotracer);

    // With room again, what was not remembered is analysed again; a line that
    // was cut off costs that line alone.
    let address = free_address();
    let gotracer = start("", &address);
    let again = eventually_or(
        "the rest is read again",
        || gotracer.log(),
        || {
            gotracer
                .sample(TRACES)
                .filter(|n| *n + remembered as f64 >= FILES as f64)
        },
    );
    assert!(
        again <= (FILES - remembered + 1) as f64,
        "{again} {remembered}"
    );
}
