//! Traces that lie in a directory or come into it.

use std::fs;
use std::io::Write;

use crate::support::daemon::{Running, Scratch, TRACES, eventually_or, fixture, post, request};

fn failures(reason: &str) -> String {
    format!("gotracer_trace_failures_total{{reason=\"{reason}\"}}")
}

#[test]
fn traces_there_before_and_traces_that_come_are_counted_once() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    fs::copy(fixture("go1.25.5/http.trace"), directory.join("a.trace")).unwrap();
    let gotracer = Running::gotracer(&directory, scratch.path(), &[]);
    gotracer.wait_sample(TRACES, 1.0);

    // Copied, renamed into place, in a new folder below.
    fs::copy(fixture("go1.26.6/idle.trace"), directory.join("b.trace")).unwrap();
    gotracer.wait_sample(TRACES, 2.0);
    fs::copy(fixture("go1.23.9/empty.trace"), directory.join("c.tmp")).unwrap();
    fs::rename(directory.join("c.tmp"), directory.join("c.trace")).unwrap();
    gotracer.wait_sample(TRACES, 3.0);
    fs::create_dir(directory.join("sub")).unwrap();
    fs::copy(
        fixture("go1.27.3/empty.trace"),
        directory.join("sub/d.trace"),
    )
    .unwrap();
    gotracer.wait_sample(TRACES, 4.0);

    // The same trace under another name, and something later to see that the
    // copy had its turn.
    fs::copy(directory.join("a.trace"), directory.join("copy.trace")).unwrap();
    fs::copy(fixture("go1.22.10/empty.trace"), directory.join("e.trace")).unwrap();
    gotracer.wait_sample(TRACES, 5.0);
    assert!(!gotracer.log().contains("failed"), "{}", gotracer.log());
    let events = gotracer.sample("gotracer_trace_events_total").unwrap();
    let bytes = gotracer.sample("gotracer_trace_bytes_total").unwrap();
    let whole: u64 = ["a.trace", "b.trace", "c.trace", "sub/d.trace", "e.trace"]
        .iter()
        .map(|name| fs::metadata(directory.join(name)).unwrap().len())
        .sum();
    assert!(events > 1000.0);
    assert_eq!(bytes, whole as f64);
}

#[test]
fn a_half_written_trace_is_not_read_until_it_is_closed() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let gotracer = Running::gotracer(&directory, scratch.path(), &[]);
    let bytes = fs::read(fixture("go1.25.5/http.trace")).unwrap();
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let mut file = fs::File::create(directory.join("slow.trace")).unwrap();
    file.write_all(first).unwrap();
    // Another trace comes and is read, though it came later.
    fs::copy(fixture("go1.25.5/empty.trace"), directory.join("b.trace")).unwrap();
    gotracer.wait_sample(TRACES, 1.0);
    file.write_all(second).unwrap();
    drop(file);
    gotracer.wait_sample(TRACES, 2.0);
    assert_eq!(
        gotracer.sample("gotracer_trace_lost_bytes_total"),
        Some(0.0)
    );
    assert_eq!(gotracer.sample(&failures("broke_off")), Some(0.0));
}

#[test]
fn what_is_no_trace_is_counted_and_harms_nobody() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let whole = fs::read(fixture("go1.25.5/idle.trace")).unwrap();
    fs::write(directory.join("junk.trace"), "<html>no trace</html>").unwrap();
    fs::write(directory.join("empty.trace"), "").unwrap();
    fs::write(directory.join("old.trace"), b"go 1.7 trace\0\0\0\0").unwrap();
    fs::write(directory.join("cut.trace"), &whole[..whole.len() - 100]).unwrap();
    fs::write(directory.join(".hidden.trace"), "not looked at").unwrap();
    fs::write(directory.join("unfinished.part"), "not looked at").unwrap();
    let options = ["--log.format=json", "--watch.incomplete-after=300ms"];
    let gotracer = Running::gotracer(&directory, scratch.path(), &options);
    gotracer.wait_sample(&failures("not_a_trace"), 1.0);
    gotracer.wait_sample(&failures("empty"), 1.0);
    gotracer.wait_sample(&failures("unsupported_version"), 1.0);
    gotracer.wait_sample(&failures("broke_off"), 1.0);
    // A trace that broke off counts as far as it goes.
    gotracer.wait_sample(TRACES, 1.0);
    assert_eq!(gotracer.get("/-/healthy", "").status, 200);
    for line in gotracer.log().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(
            line["level"].is_string() && line["message"].is_string(),
            "{line}"
        );
    }
    let page = gotracer.get("/", "text/html").text();
    assert!(
        page.contains("not_a_trace") && page.contains("cut.trace"),
        "{page}"
    );
}

#[test]
fn a_trace_without_events_is_a_failure() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    for name in ["no-stop-go1.22", "no-stop-go1.26"] {
        let name = format!("{name}.trace");
        fs::copy(format!("tests/damaged/{name}"), directory.join(name)).unwrap();
    }
    for version in [19, 21, 23, 25, 26] {
        let name = format!("header-{version}.trace");
        let header = format!("go 1.{version} trace\0\0\0");
        fs::write(directory.join(name), header).unwrap();
    }
    let options = ["--watch.incomplete-after=300ms"];
    let gotracer = Running::gotracer(&directory, scratch.path(), &options);
    gotracer.wait_sample(&failures("empty"), 7.0);
    assert_eq!(gotracer.sample(TRACES).unwrap_or(0.0), 0.0);
    let page = gotracer.get("/", "text/html").text();
    assert!(page.contains("nothing was recorded"), "{page}");
}

#[test]
fn every_trace_of_a_file_is_counted() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let two = "tests/damaged/two-traces-one-file-go1.26.trace";
    fs::copy(two, directory.join("two.trace")).unwrap();
    let gotracer = Running::gotracer(&directory, scratch.path(), &[]);
    gotracer.wait_sample(TRACES, 2.0);
    let bytes = fs::metadata(two).unwrap().len();
    assert_eq!(
        gotracer.sample("gotracer_trace_bytes_total"),
        Some(bytes as f64)
    );
    let page = gotracer.get("/", "text/html").text();
    assert!(page.contains("two.trace (2)"), "{page}");
    let reports = post(
        &gotracer.address,
        "/api/v1/analyze",
        &fs::read(two).unwrap(),
    )
    .unwrap();
    let value: serde_json::Value = serde_json::from_slice(&reports.body).unwrap();
    assert_eq!(value["reports"].as_array().map(Vec::len), Some(2));
}

#[test]
fn damage_in_what_is_compressed_is_lasting() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let trace = fs::read(fixture("go1.25.5/http.trace")).unwrap();
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(&trace).unwrap();
    let mut packed = encoder.finish().unwrap();
    let middle = packed.len() / 2;
    packed[middle] ^= 0xff;
    fs::write(directory.join("a.trace.zst"), packed).unwrap();
    let options = ["--watch.after=move"];
    let gotracer = Running::gotracer(&directory, scratch.path(), &options);
    gotracer.wait_sample(&failures("corrupt"), 1.0);
    let moved = || {
        let path = directory.join("failed/a.trace.zst");
        path.exists().then_some(())
    };
    eventually_or("it is moved", || gotracer.log(), moved);
}

#[test]
fn many_files_at_once_are_each_counted_once() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let gotracer = Running::gotracer(&directory, scratch.path(), &["--log.level=warn"]);
    for i in 0..500 {
        fs::write(directory.join(format!("{i}.trace")), format!("junk {i}")).unwrap();
    }
    gotracer.wait_sample(&failures("not_a_trace"), 500.0);
    gotracer.wait_sample("gotracer_queue_length", 0.0);
    assert_eq!(gotracer.sample(&failures("not_a_trace")), Some(500.0));
}

#[test]
fn it_answers_as_an_http_server_should_and_ends_when_told() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let mut gotracer = Running::gotracer(&directory, scratch.path(), &[]);
    let metrics = gotracer.get("/metrics", "");
    assert!(
        metrics
            .head
            .contains("content-type: text/plain; version=0.0.4"),
        "{}",
        metrics.head
    );
    let open = gotracer.get("/metrics", "application/openmetrics-text;version=1.0.0");
    assert!(
        open.head
            .contains("content-type: application/openmetrics-text"),
        "{}",
        open.head
    );
    assert!(open.text().ends_with("# EOF\n"));
    let accept = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
    let proto = gotracer.get("/metrics", accept);
    assert!(
        proto
            .head
            .contains("content-type: application/vnd.google.protobuf"),
        "{}",
        proto.head
    );
    assert_eq!(gotracer.get("/nothing", "").status, 404);
    let posted = request(&gotracer.address, "POST", "/metrics", "").unwrap();
    assert_eq!(posted.status, 405);
    assert!(posted.head.contains("allow: get, head"), "{}", posted.head);
    #[cfg(unix)]
    {
        gotracer.signal("-TERM");
        assert!(gotracer.wait().success());
        assert!(gotracer.log().contains("ended"), "{}", gotracer.log());
    }
}

#[test]
fn a_directory_that_is_not_there_is_said_at_the_start() {
    let scratch = Scratch::new();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_gotracer"))
        .args(["serve", "--watch"])
        .arg(scratch.path().join("none"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("cannot watch") && error.contains("none"),
        "{error}"
    );
}

#[test]
fn compressed_traces_are_read_and_thresholds_are_heeded() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let trace = fs::read(fixture("go1.25.5/mutex_contention.trace")).unwrap();
    let file = fs::File::create(directory.join("a.trace.gz")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    gzip.write_all(&trace).unwrap();
    gzip.finish().unwrap();
    let other = fs::read(fixture("go1.26.6/mutex_contention.trace")).unwrap();
    let other = zstd::encode_all(&other[..], 1).unwrap();
    fs::write(directory.join("b.trace.zst"), other).unwrap();

    let found = "gotrace_findings_total{rule=\"MutexContention\",severity=\"warn\"}";
    let errors = found.replace("warn", "error");
    let sum = |more: &[&str]| {
        let gotracer = Running::gotracer(&directory, scratch.path(), more);
        gotracer.wait_sample(TRACES, 2.0);
        gotracer.sample(found).unwrap() + gotracer.sample(&errors).unwrap()
    };
    assert!(sum(&[]) >= 2.0);
    let high = [
        "--set=MutexContention.error=1m",
        "--set=MutexContention.warn=1m",
    ];
    assert_eq!(sum(&high), 0.0);
}

#[test]
fn reports_are_given_to_programs() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    fs::copy(fixture("go1.25.5/idle.trace"), directory.join("a.trace")).unwrap();
    let gotracer = Running::gotracer(&directory, scratch.path(), &[]);
    gotracer.wait_sample(TRACES, 1.0);
    let document = |body: &[u8]| serde_json::from_slice::<serde_json::Value>(body).unwrap();
    let kept = document(&gotracer.get("/api/v1/reports", "").body);
    assert_eq!(kept["schema"], "gotracer.report/v1");
    let source = kept["reports"][0]["trace"]["source"].as_str().unwrap();
    assert!(source.ends_with("a.trace"), "{source}");

    let trace = fs::read(fixture("go1.26.6/mutex_contention.trace")).unwrap();
    let sent = post(&gotracer.address, "/api/v1/analyze", &trace).unwrap();
    assert_eq!(sent.status, 200);
    let sent = document(&sent.body);
    let found = sent["reports"][0]["findings"].as_array().unwrap();
    assert!(
        found.iter().any(|f| f["rule"] == "MutexContention"),
        "{sent}"
    );
    let junk = post(&gotracer.address, "/api/v1/analyze", b"<html>").unwrap();
    assert_eq!(junk.status, 422);
    assert!(junk.text().contains("web page"), "{}", junk.text());
    // Whose trace that was is not known, so it counts nowhere.
    assert_eq!(gotracer.sample(TRACES), Some(1.0));
}
