//! Traces for which no memory is free: they wait, or are counted as missed.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

use crate::support::daemon::{Running, Scratch, eventually_or, fixture, impostor, says};
use crate::support::varint::varint;

/// The smallest budget.
const BUDGET: &str = "--memory.budget=32MiB";

/// A target that begins to answer, with the header of a trace, and goes on no further. A capture of it holds 2 MiB.
fn stalled() -> String {
    let held = Mutex::new(Vec::new());
    impostor(move |mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\ngo 1.26 trace\0\0\0");
        held.lock().unwrap().push(stream);
    })
}

/// A daemon with a configuration, and with `number` stalled targets that are given up after `timeout`.
fn beside(number: u32, timeout: &str, more: &str, options: &[&str], scratch: &Scratch) -> Running {
    let target = stalled();
    let targets: Vec<_> = (0..number).map(|i| format!("'{target}/{i}'")).collect();
    let targets = targets.join(", ");
    let yaml = format!(
        "scrape_configs:\n- job_name: stalled\n  scrape_interval: 1s\n  scrape_timeout: {timeout}\n  \
         seconds: 1\n  static_configs: [{{targets: [{targets}]}}]\n{more}"
    );
    let config = scratch.path().join("c.yml");
    fs::write(&config, yaml).unwrap();
    let config = format!("--config={}", config.display());
    let options = [&[config.as_str(), BUDGET], options].concat();
    Running::gotracer_with(scratch.path(), &options, &[])
}

fn wait_reserved(gotracer: &Running, mib: u32) {
    let bytes = f64::from(mib << 20);
    eventually_or(
        "the stalled targets hold memory",
        || gotracer.log(),
        || {
            gotracer
                .sample("gotracer_memory_reserved_bytes")
                .filter(|n| *n >= bytes)
        },
    );
}

#[test]
fn a_turn_without_memory_is_counted_as_missed() {
    let scratch = Scratch::new();
    let trace = fs::read(fixture("go1.26.6/idle.trace")).unwrap();
    let good = says("200 OK", trace);
    let more = format!(
        "- job_name: good\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  seconds: 1\n  \
         static_configs: [{{targets: ['{good}']}}]\n"
    );
    let gotracer = beside(16, "2m", &more, &[], &scratch);
    let missed = format!("gotracer_captures_missed_total{{instance=\"{good}\",job=\"good\"}}");
    eventually_or(
        "missed turns",
        || gotracer.log(),
        || gotracer.sample(&missed).filter(|n| *n >= 2.0),
    );
    assert!(gotracer.log().contains("no memory or thread was free"));
}

#[test]
fn a_file_waits_for_memory_and_is_read_as_a_whole() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let watch = format!("--watch={}", directory.display());
    let gotracer = beside(12, "8s", "", &[&watch, "--watch.settle=300ms"], &scratch);
    wait_reserved(&gotracer, 24);
    large(&directory.join("large.part"));
    fs::rename(directory.join("large.part"), directory.join("large.trace")).unwrap();
    gotracer.wait_sample("gotracer_traces_total", 1.0);
    let too_large = gotracer.sample("gotracer_trace_failures_total{reason=\"too_large\"}");
    assert_eq!(too_large, Some(0.0), "{}", gotracer.log());
    let log = gotracer.log();
    let read = log.lines().find(|l| l.contains("large.trace")).unwrap();
    assert!(
        read.contains("trace analy") && read.contains("events=1035"),
        "{log}"
    );
}

#[test]
fn streams_beyond_half_of_the_budget_are_overloaded() {
    let scratch = Scratch::new();
    let target = stalled();
    let targets: Vec<_> = (0..20).map(|i| format!("'{target}/{i}'")).collect();
    let yaml = format!(
        "scrape_configs:\n- job_name: s\n  mode: stream\n  static_configs: [{{targets: [{}]}}]\n",
        targets.join(", ")
    );
    let config = scratch.path().join("c.yml");
    fs::write(&config, yaml).unwrap();
    let config = format!("--config={}", config.display());
    let gotracer = Running::gotracer_with(scratch.path(), &[&config, BUDGET], &[]);
    eventually_or(
        "streams are overloaded",
        || gotracer.log(),
        || {
            let lines = gotracer.get("/metrics", "text/plain").text();
            let overloaded = lines.lines().filter(|line| {
                line.starts_with("gotracer_trace_failures_total")
                    && line.contains("reason=\"overloaded\"")
                    && !line.ends_with(" 0")
            });
            (overloaded.count() > 0).then_some(())
        },
    );
    let reserved = gotracer.sample("gotracer_memory_reserved_bytes").unwrap();
    assert!(reserved <= f64::from(16 << 20), "{reserved}");
}

/// A good trace whose last generation holds strings of 7 MB.
fn large(path: &Path) {
    let mut file = fs::File::create(path).unwrap();
    let trace = fs::read(fixture("go1.26.6/idle.trace")).unwrap();
    file.write_all(&trace).unwrap();
    for first in (1..7_000_u64).step_by(60) {
        let mut data = vec![4];
        for id in first..first + 60 {
            data.push(5);
            varint(&mut data, id);
            varint(&mut data, 1024);
            data.extend([b'a'; 1024]);
        }
        let mut head = vec![1, 99, 1, 1];
        varint(&mut head, data.len() as u64);
        for part in [head, data] {
            file.write_all(&part).unwrap();
        }
    }
}
