//! Several daemons share a thousand targets.
//!
//! All of 127.0.0.0/8 is this machine, so one server is a thousand targets,
//! each with an address of its own.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::daemon::{Running, Scratch, eventually, fixture};

const TARGETS: usize = 1_000;
const INTERVAL: Duration = Duration::from_secs(20);

/// When each target was captured.
type Captured = Arc<Mutex<BTreeMap<IpAddr, Vec<Instant>>>>;

/// Answers with a real trace on every address of this machine, and notes when.
fn serve_targets(trace: Vec<u8>) -> (u16, Captured) {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let captured = Captured::default();
    let told = Arc::clone(&captured);
    let answer = move |mut stream: TcpStream, trace: &[u8]| -> std::io::Result<()> {
        let target = stream.local_addr()?.ip();
        let mut request = Vec::new();
        let mut byte = [0; 512];
        while !request.windows(4).any(|w| w == b"\r\n\r\n") {
            let n = stream.read(&mut byte)?;
            if n == 0 {
                return Ok(());
            }
            request.extend_from_slice(&byte[..n]);
        }
        told.lock()
            .unwrap()
            .entry(target)
            .or_default()
            .push(Instant::now());
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            trace.len()
        )?;
        stream.write_all(trace)
    };
    thread::spawn(move || {
        let (answer, trace) = (Arc::new(answer), Arc::new(trace));
        for stream in listener.incoming().flatten() {
            let (answer, trace) = (Arc::clone(&answer), Arc::clone(&trace));
            // A daemon that goes away may hang up.
            thread::spawn(move || drop(answer(stream, &trace)));
        }
    });
    (port, captured)
}

fn address(i: usize) -> String {
    format!("127.7.{}.{}", i / 250, 1 + i % 250)
}

fn configure(path: &Path, targets: &Path, shard: usize, total: usize) {
    let seconds = INTERVAL.as_secs();
    let targets = targets.display();
    let text = format!(
        "sharding: {{shard: {shard}, total_shards: {total}}}\n\
         scrape_configs:\n\
         - job_name: fleet\n  scrape_interval: {seconds}s\n  seconds: 1\n  \
         file_sd_configs: [{{files: ['{targets}']}}]\n"
    );
    fs::write(path, text).unwrap();
}

fn daemon(scratch: &Path, config: &Path) -> Running {
    let config = format!("--config={}", config.display());
    Running::gotracer_with(scratch, &[&config], &[])
}

/// Captures of each target between two moments.
fn between(captured: &Captured, from: Instant, to: Instant) -> Vec<usize> {
    let captured = captured.lock().unwrap();
    let of = |i| captured.get(&address(i).parse::<IpAddr>().unwrap());
    let within = |times: &Vec<Instant>| times.iter().filter(|t| (from..to).contains(*t)).count();
    (0..TARGETS).map(|i| of(i).map_or(0, within)).collect()
}

/// How many targets a daemon has.
fn targets(daemon: &Running) -> usize {
    let body = daemon.get("/api/v1/targets", "").body;
    let answer: serde_json::Value = serde_json::from_slice(&body).unwrap();
    answer["data"]["activeTargets"].as_array().unwrap().len()
}

fn wait_until(moment: Instant) {
    thread::sleep(moment.saturating_duration_since(Instant::now()));
}

#[test]
fn each_target_is_captured_once_an_interval_also_while_daemons_join() {
    let scratch = Scratch::new();
    let (port, captured) = serve_targets(fs::read(fixture("go1.27.3/empty.trace")).unwrap());
    let list = scratch.path().join("targets.json");
    let mut json = String::from("[{\"targets\": [");
    for i in 0..TARGETS {
        let comma = if i > 0 { ", " } else { "" };
        write!(json, "{comma}\"{}:{port}\"", address(i)).unwrap();
    }
    fs::write(&list, json + "]}]").unwrap();
    let configs: Vec<PathBuf> = (0..4)
        .map(|i| scratch.path().join(format!("{i}.yml")))
        .collect();
    for (i, config) in configs[..3].iter().enumerate() {
        configure(config, &list, i, 3);
    }
    let own = |i: usize| scratch.directory(&format!("daemon{i}"));
    let mut daemons: Vec<_> = (0..3).map(|i| daemon(&own(i), &configs[i])).collect();
    let all_begun = || (captured.lock().unwrap().len() == TARGETS).then_some(());
    eventually("every target was captured", all_begun);

    // Whoever is asked twice, or not at all, within any interval shows. What
    // is under way when the count begins may fall on either side of it.
    let start = Instant::now();
    wait_until(start + INTERVAL);
    let counts = between(&captured, start, start + INTERVAL);
    let total: usize = counts.iter().sum();
    assert!(counts.iter().all(|n| *n <= 2), "{counts:?}");
    assert!(total.abs_diff(TARGETS) <= TARGETS / 50, "{total}");

    // One more comes first, then the others make room for it: nobody is left
    // out meanwhile.
    let change = Instant::now();
    configure(&configs[3], &list, 3, 4);
    daemons.push(daemon(&own(3), &configs[3]));
    daemons[3].wait_sample("gotracer_shards", 4.0);
    for (i, daemon) in daemons[..3].iter().enumerate() {
        configure(&configs[i], &list, i, 4);
        daemon.signal("-HUP");
    }
    for (i, daemon) in daemons.iter().enumerate() {
        daemon.wait_sample("gotracer_shards", 4.0);
        daemon.wait_sample("gotracer_shard_ordinal", i as f64);
    }
    let changed = Instant::now();
    wait_until(changed + INTERVAL);
    let counts = between(&captured, change, changed + INTERVAL);
    assert!(counts.iter().all(|n| *n >= 1), "{counts:?}");
    let after = between(&captured, changed, changed + INTERVAL);
    let total: usize = after.iter().sum();
    assert!(total.abs_diff(TARGETS) <= TARGETS / 50, "{total}");

    // The new one took its share, and all together have all.
    let shares: Vec<usize> = daemons.iter().map(targets).collect();
    assert_eq!(shares.iter().sum::<usize>(), TARGETS);
    assert!(shares.iter().all(|n| (190..310).contains(n)), "{shares:?}");
}
