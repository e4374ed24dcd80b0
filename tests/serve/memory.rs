//! Traces made to take memory: every way in has a bound.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::process::Command;

use crate::support::daemon::{
    Running, Scratch, eventually_or, fixture, free_address, impostor, post, says,
};

/// A budget for traces, and what the daemon may take beside it, MiB.
const BUDGET: u64 = 64;
const BESIDE: u64 = 64;

/// A batch of nothing but events that are never read, bytes.
fn batch() -> Vec<u8> {
    let data = [vec![11], vec![0; 60_000]].concat();
    let mut batch = vec![1, 1, 5, 0xe8, 0x07];
    let mut length = data.len();
    while length >= 0x80 {
        batch.push(length as u8 | 0x80);
        length >>= 7;
    }
    batch.push(length as u8);
    batch.extend(data);
    batch
}

const HEADER: &[u8; 16] = b"go 1.26 trace\0\0\0";

/// A generation that goes on for so many MiB, packed.
fn bomb(mib: usize) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.write_all(HEADER).unwrap();
    let batch = batch();
    for _ in 0..(mib << 20) / batch.len() {
        encoder.write_all(&batch).unwrap();
    }
    encoder.finish().unwrap()
}

/// The most memory that a process had so far, MiB.
fn peak(gotracer: &Running) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", gotracer.id())).unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
    kib.parse::<u64>().unwrap() >> 10
}

fn budget() -> String {
    format!("--memory.budget={BUDGET}MiB")
}

fn assert_bounded(gotracer: &Running) {
    let peak = peak(gotracer);
    assert!(peak < BUDGET + BESIDE, "{peak} MiB\n{}", gotracer.log());
}

fn wait_failed(gotracer: &Running, labels: &str) {
    let series = format!("gotracer_trace_failures_total{{{labels}reason=\"too_large\"}}");
    eventually_or(
        &series,
        || gotracer.log(),
        || gotracer.sample(&series).filter(|n| *n >= 1.0),
    );
}

#[test]
fn a_packed_bomb_in_a_directory_is_a_failure_and_other_files_are_read() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    fs::write(directory.join("a.trace"), bomb(512)).unwrap();
    fs::copy(fixture("go1.25.5/http.trace"), directory.join("b.trace")).unwrap();
    let gotracer = Running::gotracer(&directory, scratch.path(), &[&budget()]);
    wait_failed(&gotracer, "");
    gotracer.wait_sample("gotracer_traces_total", 1.0);
    assert_bounded(&gotracer);
}

#[test]
fn a_plain_file_that_needs_more_than_the_budget_is_a_failure() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    // Strings without end: the tables of one generation.
    let mut file = fs::File::create(directory.join("a.part")).unwrap();
    file.write_all(HEADER).unwrap();
    let mut id = 1u64 << 14;
    for _ in 0..2_000 {
        let mut data = vec![4];
        for _ in 0..60 {
            id += 1;
            let varint = [id as u8 | 0x80, (id >> 7) as u8 | 0x80, (id >> 14) as u8];
            data.push(5);
            data.extend(varint);
            data.extend([0x80, 0x08]);
            data.extend([b'a'; 1024]);
        }
        let length = [data.len() as u8 | 0x80, (data.len() >> 7) as u8 | 0x80];
        let batch = [
            &[1, 1, 1, 1][..],
            &length,
            &[(data.len() >> 14) as u8],
            &data,
        ];
        batch.iter().for_each(|part| file.write_all(part).unwrap());
    }
    drop(file);
    fs::rename(directory.join("a.part"), directory.join("a.trace")).unwrap();
    let gotracer = Running::gotracer(&directory, scratch.path(), &[&budget()]);
    wait_failed(&gotracer, "");
    assert_bounded(&gotracer);
    assert!(gotracer.log().contains("MiB of memory that it may use"));
}

#[test]
fn an_uploaded_bomb_is_refused() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let gotracer = Running::gotracer(&directory, scratch.path(), &[&budget()]);
    let answer = post(&gotracer.address, "/api/v1/analyze", &bomb(512)).unwrap();
    assert_eq!(answer.status, 413, "{}", answer.text());
    assert_bounded(&gotracer);
}

fn capturing(address: &str, mode: &str, more: &[&str], scratch: &Scratch) -> Running {
    let listen = free_address();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    command
        .args(["serve", "--scrape.seconds=1", "--scrape.interval=1s"])
        .args([
            "--scrape",
            &format!("http://{address}/"),
            "--web.listen-address",
            &listen,
        ])
        .args([&budget(), &format!("--scrape.mode={mode}")])
        .args(more);
    let log = scratch.path().join("gotracer.log");
    let mut running = Running::start(&mut command, listen, log);
    running.wait_ready();
    running
}

#[test]
fn a_bomb_that_a_target_sends_is_a_failure() {
    let scratch = Scratch::new();
    let address = says("200 OK", bomb(512));
    let gotracer = capturing(&address, "scrape", &[], &scratch);
    wait_failed(&gotracer, &format!("instance=\"{address}\","));
    assert_bounded(&gotracer);
}

#[test]
fn the_limit_of_a_capture_means_decompressed_bytes() {
    let scratch = Scratch::new();
    let address = says("200 OK", bomb(32));
    let gotracer = capturing(&address, "scrape", &["--scrape.max-size=8MiB"], &scratch);
    wait_failed(&gotracer, &format!("instance=\"{address}\","));
    let log = gotracer.log();
    assert!(log.contains("more than 8MiB when decompressed"), "{log}");
}

#[test]
fn a_generation_without_end_is_a_failure() {
    for mode in ["scrape", "stream"] {
        let scratch = Scratch::new();
        let address = impostor(|mut stream: TcpStream| {
            std::thread::spawn(move || {
                let batch = batch();
                let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
                sent = sent.and_then(|()| stream.write_all(HEADER));
                while sent.is_ok() {
                    sent = stream.write_all(&batch);
                }
            });
        });
        let gotracer = capturing(&address, mode, &[], &scratch);
        wait_failed(&gotracer, &format!("instance=\"{address}\","));
        assert_bounded(&gotracer);
    }
}

#[test]
fn silent_targets_take_nothing_from_the_others() {
    let scratch = Scratch::new();
    let held = std::sync::Mutex::new(Vec::new());
    let silent = impostor(move |stream| held.lock().unwrap().push(stream));
    let trace = fs::read(fixture("go1.26.6/idle.trace")).unwrap();
    let good = says("200 OK", trace);
    // Each of them would take some of the budget if it began to answer.
    let silent: Vec<_> = (0..100).map(|i| format!("'{silent}/{i}'")).collect();
    let targets = silent.join(", ");
    let config = scratch.path().join("c.yml");
    let yaml = format!(
        "scrape_configs:\n\
         - job_name: silent\n  scrape_interval: 30s\n  static_configs: [{{targets: [{targets}]}}]\n\
         - job_name: good\n  scrape_interval: 1s\n  seconds: 1\n  static_configs: [{{targets: ['{good}']}}]\n"
    );
    fs::write(&config, yaml).unwrap();
    let config = format!("--config={}", config.display());
    let gotracer = Running::gotracer_with(scratch.path(), &[&config, "--memory.budget=32MiB"], &[]);
    let traces = format!("gotracer_traces_total{{instance=\"{good}\",job=\"good\"}}");
    eventually_or(
        "the good one is captured",
        || gotracer.log(),
        || gotracer.sample(&traces).filter(|n| *n >= 3.0),
    );
}

#[test]
#[cfg(target_env = "gnu")]
fn the_daemon_sets_its_allocator_and_keeps_its_name() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let gotracer = Running::gotracer(&directory, scratch.path(), &[]);
    let process = |file| fs::read_to_string(format!("/proc/{}/{file}", gotracer.id())).unwrap();
    let environment = process("environ");
    let set = |variable| environment.split('\0').any(|v| v == variable);
    assert!(set("MALLOC_ARENA_MAX=2") && set("MALLOC_MMAP_THRESHOLD_=131072"));
    assert_eq!(process("comm").trim(), "gotracer");
    assert!(process("cmdline").split('\0').any(|a| a == "--watch"));
}
