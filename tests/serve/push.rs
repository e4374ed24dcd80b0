//! Traces that programs push: POST or PUT to /api/v1/traces.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::evidence::{kept, opens};
use crate::support::daemon::{
    Response, Running, Scratch, TRACES, eventually_or, fixture, free_address, program, send,
    tests_dir, without_directories,
};

fn push(gotracer: &Running, method: &str, query: &str, body: &[u8]) -> Response {
    let (host, length) = (&gotracer.address, body.len());
    let head = format!(
        "{method} /api/v1/traces{query} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n"
    );
    send(host, &[head.as_bytes(), body].concat()).unwrap()
}

fn json(answer: &Response) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

fn configured(scratch: &Scratch, yaml: &str) -> String {
    let path = scratch.path().join("push.yml");
    fs::write(&path, yaml).unwrap();
    format!("--config={}", path.display())
}

/// Series of Go programs with these labels.
fn series(gotracer: &Running, labels: &str) -> BTreeSet<String> {
    let text = without_directories(&gotracer.get("/metrics", "text/plain").text());
    let own = |line: &&str| line.starts_with("gotrace_") && line.contains(labels);
    let series = text.lines().filter(own);
    // Times differ from one process to the next.
    let lasting = series.filter(|line| !line.contains("timestamp"));
    lasting.map(str::to_owned).collect()
}

#[test]
fn a_pushed_trace_gives_what_a_watched_one_gives() {
    let trace = fixture("go1.27.3/mutex_contention.trace");
    let labels = r#"service="shop",version="1.2""#;
    let watched = {
        let scratch = Scratch::new();
        let directory = scratch.directory("in");
        fs::copy(&trace, directory.join("shop_1.2.trace")).unwrap();
        let pattern = ["--watch.pattern={service}_{version}.trace"];
        let gotracer = Running::gotracer(&directory, scratch.path(), &pattern);
        gotracer.wait_sample(&format!("{TRACES}{{{labels}}}"), 1.0);
        series(&gotracer, labels)
    };
    assert!(watched.len() > 50, "{watched:?}");

    let scratch = Scratch::new();
    let path = format!("--evidence.path={}", scratch.path().join("kept").display());
    let config = configured(&scratch, "evidence: {severity: warn}");
    let flags = ["--web.enable-uploads", &path, &config];
    let gotracer = Running::gotracer_with(scratch.path(), &flags, &[]);
    let body = fs::read(&trace).unwrap();
    let answer = push(&gotracer, "POST", "?service=shop&version=1.2", &body);
    assert_eq!(answer.status, 202, "{}", answer.text());
    let report = json(&answer)["data"]["report"].as_str().unwrap().to_owned();
    assert!(
        answer.head.contains(&format!("\r\nlocation: {report}")),
        "{}",
        answer.head
    );
    gotracer.wait_sample(&format!("{TRACES}{{{labels}}}"), 1.0);
    assert_eq!(series(&gotracer, labels), watched);
    let page = || Some(gotracer.get(&report, "")).filter(|page| page.status == 200);
    let page = eventually_or("the report is there", || gotracer.log(), page).text();
    assert!(page.contains("MutexContention"), "{page}");
    let releases = gotracer.get("/api/v1/releases", "").text();
    assert!(
        releases.contains(r#""shop""#) && releases.contains(r#""1.2""#),
        "{releases}"
    );
    let item = kept(&gotracer, "?service=shop");
    assert_eq!(item["reason"], "finding");

    // The same for ui.perfetto.dev: all of it, and what is around a finding.
    let id = item["id"].as_str().unwrap();
    let perfetto = |query: &str| {
        let path = format!("/api/v1/evidence/{id}?format=perfetto{query}");
        let answer = gotracer.get(&path, "");
        assert_eq!(answer.status, 200, "{path}: {}", answer.head);
        assert!(answer.head.contains(".pftrace\""), "{}", answer.head);
        answer.body
    };
    let finding: Value = json(&gotracer.get(&format!("/api/v1{report}"), ""));
    let finding = finding["reports"][0]["findings"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut export = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    export.args(["export", "perfetto"]).arg(&trace);
    let exported = export.output().unwrap().stdout;
    // The name of the trace differs.
    assert!(exported.len().abs_diff(perfetto("").len()) < 100);
    let around = perfetto(&format!("&finding={finding}&window=1ms"));
    assert!(around.len() < exported.len() / 2, "{}", around.len());
    let moved = gotracer.get(&format!("/api/v1{report}?format=perfetto"), "");
    let place = format!("\r\nlocation: ../evidence/{id}?format=perfetto");
    assert!(
        moved.status == 302 && moved.head.contains(&place),
        "{}",
        moved.head
    );
    for (query, status) in [("&finding=none", 404), ("&at=soon", 400)] {
        let path = format!("/api/v1/evidence/{id}?format=perfetto{query}");
        assert_eq!(gotracer.get(&path, "").status, status, "{query}");
    }

    // Once by content, whatever its labels.
    let known = || {
        let again = push(&gotracer, "PUT", "?service=other", &body);
        (again.status == 200).then(|| json(&again))
    };
    let known = eventually_or("it is done", || gotracer.log(), known);
    assert_eq!(known["data"]["known"], true);
    assert_eq!(gotracer.sample(&format!("{TRACES}{{{labels}}}")), Some(1.0));
    assert_eq!(
        gotracer.sample(&format!("{TRACES}{{service=\"other\"}}")),
        None
    );

    // A reason keeps a trace without findings.
    let quiet = fs::read(fixture("go1.27.3/idle.trace")).unwrap();
    let answer = push(
        &gotracer,
        "PUT",
        "?service=quiet&reason=GET+/+took+2s",
        &quiet,
    );
    assert_eq!(answer.status, 202, "{}", answer.text());
    let item = kept(&gotracer, "?service=quiet");
    assert_eq!(item["reason"], "GET / took 2s");
    opens(&gotracer, &item, &scratch);
}

#[test]
fn a_trace_that_was_accepted_is_analyzed_once_whatever_happens() {
    const PUSHED: usize = 60;
    let scratch = Scratch::new();
    let storage = scratch.path().join("state");
    let flag = format!("--storage.path={}", storage.display());
    let config = configured(&scratch, "uploads: {per_minute: 10000}");
    let flags = ["--web.enable-uploads", "--jobs=1", &flag, &config];
    let trace = fs::read(fixture("go1.27.3/pingpong.trace")).unwrap();
    // Each breaks off elsewhere, so that each is another trace.
    let nth = |i: usize| &trace[..trace.len() - i];
    let spooled = |ending: &str| {
        let entries = fs::read_dir(storage.join("pushed")).unwrap();
        let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(ending)).count()
    };
    // Traces that are done, as the journal says.
    let done = || {
        let lines = fs::read_to_string(storage.join("analysed")).unwrap_or_default();
        let parts = lines.lines().filter_map(|line| line.split_once(' '));
        let done = parts.filter(|(_, word)| ["clean", "found", "failed"].contains(word));
        done.map(|(trace, _)| trace).collect::<BTreeSet<_>>().len()
    };
    let mut gotracer = Running::gotracer_with(scratch.path(), &flags, &[]);
    for i in 0..PUSHED {
        let answer = push(&gotracer, "POST", "?service=shop", nth(i));
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
    gotracer.kill();
    let before = done();
    // Some may be done and not deleted yet.
    assert!(spooled(".trace") >= PUSHED - before);

    let gotracer = Running::gotracer_with(scratch.path(), &flags, &[]);
    let empty = || (spooled(".trace") == 0).then_some(());
    eventually_or("all are analyzed", || gotracer.log(), empty);
    // Only the first one is whole.
    let series = [
        format!("{TRACES}{{service=\"shop\"}}"),
        "gotracer_trace_failures_total{service=\"shop\",reason=\"broke_off\"}".to_owned(),
    ];
    let counted = || {
        let counted = series.iter().filter_map(|series| gotracer.sample(series));
        (counted.sum::<f64>() == (PUSHED - before) as f64).then_some(())
    };
    eventually_or("each is counted once", || gotracer.log(), counted);
    assert_eq!(done(), PUSHED);
    for i in 0..PUSHED {
        assert_eq!(push(&gotracer, "POST", "?service=shop", nth(i)).status, 200);
    }
    // Labels go with their traces.
    assert_eq!(spooled(""), 0);
}

#[test]
fn a_trace_that_was_counted_and_not_delivered_is_not_counted_again() {
    let scratch = Scratch::new();
    let flag = format!("--storage.path={}", scratch.path().join("state").display());
    // Nobody listens there.
    let nowhere = format!("--otlp.endpoint=http://{}", free_address());
    let flags = ["--web.enable-uploads", &flag, &nowhere];
    let mut gotracer = Running::gotracer_with(scratch.path(), &flags, &[]);
    let trace = fs::read(fixture("go1.27.3/idle.trace")).unwrap();
    assert_eq!(push(&gotracer, "POST", "?service=shop", &trace).status, 202);
    let series = format!("{TRACES}{{service=\"shop\"}}");
    gotracer.wait_sample(&series, 1.0);
    gotracer.kill();

    let gotracer = Running::gotracer_with(scratch.path(), &flags[..2], &[]);
    let spool = scratch.path().join("state/pushed");
    let gone = || {
        let mut names = fs::read_dir(&spool).unwrap().map(|e| e.unwrap().path());
        (!names.any(|path| path.extension().is_some_and(|e| e == "trace"))).then_some(())
    };
    eventually_or("it is delivered", || gotracer.log(), gone);
    assert_eq!(gotracer.sample(&series), None);
    assert_eq!(push(&gotracer, "POST", "?service=shop", &trace).status, 200);
}

#[test]
fn what_is_too_much_is_refused() {
    let scratch = Scratch::new();
    let config = configured(
        &scratch,
        "uploads: {max_size: 20KiB, per_minute: 8, labels: [zone]}",
    );
    let gotracer = Running::gotracer_with(scratch.path(), &["--web.enable-uploads", &config], &[]);
    let trace = fs::read(fixture("go1.27.3/empty.trace")).unwrap();
    let refused = |method: &str, query: &str, body: &[u8], status: u16, said: &str| {
        let answer = push(&gotracer, method, query, body);
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
        assert!(answer.text().contains(said), "{query}: {}", answer.text());
        answer
    };
    refused("GET", "", b"", 405, "use POST, PUT here");
    refused("POST", "?host=a", &trace, 400, "\"host\" is not a label");
    refused("POST", "?service=a&service=b", &trace, 400, "two values");
    refused("POST", "", b"", 400, "no body");
    refused("POST", "", &vec![7; 20_481], 413, "more than 20480 bytes");
    // Without a length, the bytes count.
    let chunk = "5000\r\n".to_owned() + &"x".repeat(0x5000) + "\r\n";
    let host = &gotracer.address;
    let head = format!(
        "PUT /api/v1/traces HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Transfer-Encoding: chunked\r\n\r\n{chunk}1\r\nx\r\n0\r\n\r\n"
    );
    let answer = send(host, head.as_bytes()).unwrap();
    assert_eq!(answer.status, 413, "{}", answer.text());
    // What is no trace counts as a failure, like a watched file.
    assert_eq!(push(&gotracer, "POST", "?zone=a", b"<html>").status, 202);
    let failed = "gotracer_trace_failures_total{zone=\"a\",reason=\"not_a_trace\"}";
    gotracer.wait_sample(failed, 1.0);
    let many: Vec<_> = (0..8)
        .map(|_| push(&gotracer, "POST", "", &trace))
        .collect();
    let last = many.last().expect("eight answers");
    assert_eq!(last.status, 429, "{}", last.text());
    assert!(last.head.contains("retry-after: "), "{}", last.head);
}

/// A client that reads the answer only after it has sent everything gets it, and so does curl, which stops sending.
#[test]
fn a_refused_upload_reads_its_answer() {
    const SIZE: usize = 32 << 20;
    let scratch = Scratch::new();
    let config = configured(&scratch, "uploads: {max_size: 20KiB}");
    let gotracer = Running::gotracer_with(scratch.path(), &["--web.enable-uploads", &config], &[]);
    let host = &gotracer.address;
    let body = vec![b'x'; SIZE];
    let whole = format!(
        "POST /api/v1/traces HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {SIZE}\r\n\r\n"
    );
    let chunked = format!(
        "POST /api/v1/traces HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Transfer-Encoding: chunked\r\n\r\n{SIZE:x}\r\n"
    );
    let end: &[u8] = b"\r\n0\r\n\r\n";
    for (head, end) in [(whole, &b""[..]), (chunked, end)] {
        let answer = send(host, &[head.as_bytes(), &body, end].concat()).unwrap();
        assert_eq!(answer.status, 413, "{head}{}", answer.text());
    }
    let Some(curl) = program("curl") else { return };
    let file = scratch.path().join("large.trace");
    fs::write(&file, &body).unwrap();
    for more in [
        &[][..],
        &["-H", "Transfer-Encoding: chunked", "-H", "Expect:"],
    ] {
        let url = format!("http://{host}/api/v1/traces");
        let data = format!("@{}", file.display());
        let sent = Command::new(&curl)
            .args(["-sS", "-w", "%{http_code}", "--data-binary", &data, &url])
            .args(more)
            .output()
            .unwrap();
        let (out, errors) = [&sent.stdout, &sent.stderr]
            .map(|text| String::from_utf8_lossy(text).into_owned())
            .into();
        assert!(
            out.ends_with("413") && sent.status.success(),
            "{out}{errors}"
        );
    }
}

#[test]
fn tasks_and_requests_have_metrics_with_the_ids_that_the_program_logs() {
    let scratch = Scratch::new();
    let config = configured(&scratch, "prometheus: {regions: true}");
    let gotracer = Running::gotracer_with(scratch.path(), &["--web.enable-uploads", &config], &[]);
    let tasks = fs::read(tests_dir("time/traces/tasks.trace")).unwrap();
    assert_eq!(push(&gotracer, "POST", "?service=shop", &tasks).status, 202);
    let count = "gotrace_task_seconds_count{service=\"shop\",task=\"GET /checkout\"}";
    gotracer.wait_sample(count, 40.0);
    let region = "gotrace_region_seconds_count{service=\"shop\",region=\"db\"}";
    assert_eq!(gotracer.sample(region), Some(40.0));
    let select = "gotrace_task_state_seconds_total{service=\"shop\",task=\"GET /checkout\",state=\"select\"}";
    assert!(
        gotracer.sample(select) > Some(0.8),
        "{:?}",
        gotracer.sample(select)
    );
    // A scraper of another format sees new series at 0 first.
    gotracer.get("/metrics", "application/openmetrics-text");
    let text = gotracer.get("/metrics", "application/openmetrics-text");
    let text = without_directories(&text.text());
    let ids = |line: &&str| {
        line.starts_with("gotrace_task_seconds_bucket{") && line.contains(" # {trace_id=\"0000")
    };
    assert_eq!(text.lines().filter(ids).count(), 1, "{text}");
    // The server of the same program.
    let handler = "gotrace_request_seconds_count{service=\"shop\",handler=\"main.main.";
    let requests = text.lines().find(|line| line.starts_with(handler));
    let requests = requests.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    assert!(requests >= Some(38.0), "{text}");
}
