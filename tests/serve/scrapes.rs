//! Many programs and many scrapers, some of which read slowly: memory stays
//! small, and nothing waits for them.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use crate::support::daemon::{Response, Running, Scratch, eventually_or, fixture, pack, send};

/// How many label sets of file names have series.
const SETS: usize = 1000;
/// How many more there are.
const MORE: usize = 5;
/// What all of it may take, MiB. A whole exposition has 31 MB.
const ENOUGH: u64 = 256;

const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0";
const PROTOBUF: &str =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

/// A field of /proc/…/status, MiB.
fn memory(gotracer: &Running, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", gotracer.id())).unwrap();
    let line = status.lines().find(|l| l.starts_with(field)).unwrap();
    let kib = line.split_whitespace().nth(1).unwrap();
    kib.parse::<u64>().unwrap() >> 10
}

fn scrape(address: &str, accept: &str, coding: &str) -> Response {
    let request = format!(
        "GET /metrics HTTP/1.0\r\nHost: x\r\nAccept: {accept}\r\nAccept-Encoding: {coding}\r\n\r\n"
    );
    send(address, request.as_bytes()).unwrap()
}

/// A scraper that asks and does not read.
fn stalled(address: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

#[test]
fn a_thousand_programs_and_many_scrapers_take_little_memory() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let pattern = "--watch.pattern={service}_{version}.trace";
    let gotracer = Running::gotracer(&directory, scratch.path(), &[pattern]);
    let trace = fs::read(fixture("go1.27.3/mutex_contention.trace")).unwrap();
    let sets = |range: std::ops::Range<usize>| {
        for i in range {
            pack(&trace, &directory, &format!("s{}_v{}", i % 20, i / 20));
        }
    };
    // The first ones have their last trace before all others.
    let analyzed = |n: usize| {
        let log = || gotracer.log().matches("trace anal").count();
        eventually_or("all are analyzed", String::new, || {
            (log() >= n).then_some(())
        });
    };
    sets(0..MORE);
    analyzed(MORE);
    sets(MORE..SETS + MORE);
    analyzed(SETS + MORE);

    let text = gotracer.get("/metrics", "text/plain").text();
    let traces = |text: &str| -> Vec<String> {
        let traces = text
            .lines()
            .filter(|l| l.starts_with("gotracer_traces_total"));
        traces.map(str::to_owned).collect()
    };
    // The oldest made room for the newest; none is counted without labels.
    assert_eq!(traces(&text).len(), SETS);
    let all = traces(&gotracer.get("/metrics", "text/plain").text());
    assert!(
        all.iter()
            .all(|l| l.contains("service=\"s") && l.ends_with(" 1"))
    );
    assert!(!text.contains("{service=\"s0\",version=\"v0\""));
    assert!(text.contains("{service=\"s0\",version=\"v50\""));
    let evicted = gotracer.sample("gotracer_label_sets_evicted_total");
    assert_eq!(evicted, Some(MORE as f64));

    // Eight at once, in every format.
    for accept in ["text/plain", OPEN_METRICS, PROTOBUF] {
        for coding in ["identity", "gzip"] {
            let scrapers: Vec<_> = (0..8)
                .map(|_| {
                    let address = gotracer.address.clone();
                    thread::spawn(move || scrape(&address, accept, coding))
                })
                .collect();
            for scraper in scrapers {
                let answer = scraper.join().unwrap();
                assert_eq!(answer.status, 200);
                assert!(answer.body.len() > 100_000, "{accept} {coding}");
                let zipped = answer.head.contains("content-encoding: gzip");
                assert_eq!(zipped, coding == "gzip");
            }
            let peak = memory(&gotracer, "VmHWM");
            assert!(peak < ENOUGH, "{accept}, {coding}: {peak} MiB");
        }
    }

    // Sixty that don't read. More than forty are refused, or end others that
    // don't read either.
    let before = memory(&gotracer, "VmRSS");
    let scrapers: Vec<_> = (0..60).map(|_| stalled(&gotracer.address)).collect();
    for stream in &scrapers {
        let mut head = [0; 12];
        let answered = || (stream.peek(&mut head).ok()? == 12).then_some(head);
        let head = eventually_or("there is an answer", || gotracer.log(), answered);
        assert!(head.ends_with(b"200") || head.ends_with(b"503"), "{head:?}");
    }
    let peak = memory(&gotracer, "VmHWM");
    assert!(peak < ENOUGH, "with stalled scrapers: {peak} MiB");
    // They keep nobody from counting, nor for long from scraping.
    pack(&trace, &directory, "s0_v50_again");
    analyzed(SETS + MORE + 1);
    let answered = || {
        let answer = scrape(&gotracer.address, "text/plain", "gzip");
        (answer.status == 200).then_some(())
    };
    eventually_or("others are answered", || gotracer.log(), answered);
    drop(scrapers);
    let back = || {
        let now = memory(&gotracer, "VmRSS");
        (now < before + 32).then_some(())
    };
    eventually_or("memory comes back", || gotracer.log(), back);
}

#[test]
fn scrapes_are_limited_and_zero_is_no_limit() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    for (limit, others) in [("1", 503), ("0", 200)] {
        let limit = format!("--web.max-requests={limit}");
        // Long label values make an exposition that fills all buffers.
        let value = "x".repeat(100_000);
        let yaml = format!(
            "watch_configs: [{{directory: {}, labels: {{long: {value}}}}}]\n",
            directory.display()
        );
        let config = scratch.config(yaml);
        let gotracer = Running::gotracer_with(scratch.path(), &[&config, &limit], &[]);
        // One that does not read is being answered, until it has not read for
        // so long that it has to make room.
        let next_to_one = || {
            let mut slow = stalled(&gotracer.address);
            let mut first = [0; 12];
            slow.read_exact(&mut first).ok()?;
            let answer = gotracer.get("/metrics", "text/plain");
            (first.ends_with(b"200") && answer.status == others).then_some((slow, answer))
        };
        let (slow, answer) = eventually_or(&limit, || gotracer.log(), next_to_one);
        if others == 503 {
            assert!(answer.text().contains("--web.max-requests"));
        }
        assert_eq!(gotracer.get("/-/healthy", "").status, 200);
        drop(slow);
        let again = || (gotracer.get("/metrics", "").status == 200).then_some(());
        eventually_or("there is room again", || gotracer.log(), again);
    }
}
