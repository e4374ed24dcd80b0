//! Traces of Go programs that run, over HTTP.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::support::daemon::{
    Running, Scratch, eventually_or, fixture, free_address, get, impostor, says,
};
use crate::support::endpoint::Endpoint;

pub(crate) fn scraping(urls: &[&str], scratch: &Scratch, more: &[&str]) -> Running {
    let address = free_address();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    command
        .args(["serve", "--scrape.seconds=1"])
        .args(["--web.listen-address", &address])
        .args(more);
    if !more.iter().any(|m| m.starts_with("--scrape.interval")) {
        command.arg("--scrape.interval=1s");
    }
    for url in urls {
        command.args(["--scrape", url]);
    }
    let log = scratch.path().join("gotracer.log");
    let mut running = Running::start(&mut command, address, log);
    running.wait_ready();
    running
}

fn failures(instance: &str, reason: &str) -> String {
    format!("gotracer_trace_failures_total{{instance=\"{instance}\",reason=\"{reason}\"}}")
}

#[test]
fn a_running_go_program_is_traced_again_and_again() {
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &[]) else {
        return;
    };
    let gotracer = scraping(&[&endpoint.url()], &scratch, &[]);
    let instance = &endpoint.address;
    let series = |name: &str| format!("{name}{{instance=\"{instance}\"}}");
    let traces = series("gotracer_traces_total");
    eventually_or(
        "two traces came",
        || gotracer.log(),
        || gotracer.sample(&traces).filter(|n| *n >= 2.0),
    );
    let observed = gotracer.sample(&series("gotrace_observed_seconds_total"));
    assert!(observed.unwrap() > 1.5, "{observed:?}");
    let finding = "gotrace_findings_total";
    let labels = format!("instance=\"{instance}\",rule=\"MutexContention\",severity=\"warn\"");
    gotracer.wait_some(&format!("{finding}{{{labels}}}"));
    assert_eq!(
        gotracer.sample(&series("gotracer_trace_lost_bytes_total")),
        Some(0.0)
    );
}

#[test]
fn a_program_that_somebody_else_traces_is_asked_again() {
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &[]) else {
        return;
    };
    let address = endpoint.address.clone();
    let other = std::thread::spawn(move || get(&address, "/debug/pprof/trace?seconds=3", ""));
    let gotracer = scraping(&[&endpoint.url()], &scratch, &[]);
    gotracer.wait_some(&failures(&endpoint.address, "already_tracing"));
    assert_eq!(other.join().unwrap().unwrap().status, 200);
    let traces = format!("gotracer_traces_total{{instance=\"{}\"}}", endpoint.address);
    gotracer.wait_some(&traces);
}

#[test]
fn every_way_to_fail_has_its_reason_and_none_stops_the_others() {
    let scratch = Scratch::new();
    let trace = fs::read(fixture("go1.25.5/http.trace")).unwrap();
    let nobody = free_address();
    let web_page = says("200 OK", b"<html>Please log in</html>".to_vec());
    let not_found = says("404 Not Found\r\nContent-Length: 4", b"gone".to_vec());
    // As Go up to 1.21 answers; newer ones lift the time limit for a trace.
    let hasty = says(
        "400 Bad Request\r\nX-Go-Pprof: 1\r\nContent-Length: 46",
        b"profile duration exceeds server's WriteTimeout".to_vec(),
    );
    let cut = says("200 OK\r\nContent-Length: 9000000", trace.clone());
    let garbage = impostor(|mut stream| {
        let _ = write!(stream, "HTTP/1.1 200 OK\r\n\r\n");
        // Without end, until the other side hangs up.
        let garbage = vec![0x5a; 65_536];
        while stream.write_all(&garbage).is_ok() {}
    });
    let silent = impostor(|mut stream| {
        let _ = stream.read(&mut [0]);
    });
    let deaf = impostor(|mut stream| {
        let _ = stream.read(&mut [0]);
    });
    // Says something else than TLS at once.
    let ssh = TcpListener::bind("127.0.0.1:0").unwrap();
    let shell = ssh.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in ssh.incoming().flatten() {
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
            let _ = stream.read(&mut [0; 1024]);
        }
    });
    let good = says("200 OK", trace);
    let targets = [
        (&nobody, "refused"),
        (&web_page, "not_a_trace"),
        (&not_found, "http_status"),
        (&hasty, "write_timeout"),
        (&cut, "broke_off"),
        (&garbage, "not_a_trace"),
        (&silent, "timeout"),
        (&deaf, "timeout"),
        (&shell, "tls"),
    ];
    let url = |address: &String| match [&deaf, &shell].contains(&address) {
        true => format!("https://{address}"),
        false => format!("http://{address}"),
    };
    let mut urls: Vec<_> = targets.iter().map(|(a, _)| url(a)).collect();
    urls.push(format!("http://{good}"));
    urls.push("http://no-such-host.invalid".into());
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    let gotracer = scraping(&urls, &scratch, &["--scrape.timeout=1s"]);
    for (address, reason) in targets {
        gotracer.wait_some(&failures(address, reason));
    }
    gotracer.wait_some(&failures("no-such-host.invalid", "unreachable"));
    gotracer.wait_some(&format!("gotracer_traces_total{{instance=\"{good}\"}}"));
    assert_eq!(gotracer.sample(&failures(&good, "broke_off")), Some(0.0));
    // What broke off is analysed as far as it came.
    gotracer.wait_some(&format!("gotracer_traces_total{{instance=\"{cut}\"}}"));
}

#[test]
fn a_trace_that_is_too_large_is_read_in_part() {
    let scratch = Scratch::new();
    let trace = fs::read(fixture("go1.25.5/http.trace")).unwrap();
    let large = says("200 OK", trace);
    let url = format!("http://{large}");
    let gotracer = scraping(&[&url], &scratch, &["--scrape.max-size=20kB"]);
    gotracer.wait_some(&failures(&large, "too_large"));
    assert_eq!(gotracer.sample(&failures(&large, "broke_off")), Some(0.0));
}

#[test]
fn every_trace_of_an_answer_counts() {
    let scratch = Scratch::new();
    let trace = fs::read(fixture("go1.27.3/mutex_contention.trace")).unwrap();
    let target = says("200 OK", [trace.clone(), trace].concat());
    let gotracer = scraping(&[&format!("http://{target}")], &scratch, &[]);
    let reports = || gotracer.get("/api/v1/reports", "application/json").text();
    eventually_or(
        "the second trace of the answer has a report",
        || gotracer.log(),
        || reports().contains(" (2)\"").then_some(()),
    );
    assert_eq!(gotracer.sample(&failures(&target, "corrupt")), Some(0.0));
}

#[test]
fn a_program_above_the_scrape_budget_is_captured_less_often() {
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &[]) else {
        return;
    };
    let Some(other) = Endpoint::start(&scratch, &[]) else {
        return;
    };
    let job = |name: &str, budget: &str, address: &str| {
        format!(
            "- {{job_name: {name}, scrape_interval: 1s, seconds: 1, scrape_budget: {budget}, \
             static_configs: [{{targets: ['{address}']}}]}}\n"
        )
    };
    // No trace is as small as a byte: the next capture is a minute later.
    let (one, two) = (
        job("small", "1B", &endpoint.address),
        job("large", "1GiB", &other.address),
    );
    let flag = scratch.config(format!("scrape_configs:\n{one}{two}"));
    let gotracer = scraping(&[], &scratch, &[&flag]);
    let traces = |job: &str, address: &str| {
        let series = format!("gotracer_traces_total{{instance=\"{address}\",job=\"{job}\"}}");
        gotracer.sample(&series).unwrap_or_default()
    };
    eventually_or(
        "both are captured, one of them again and again",
        || gotracer.log(),
        || {
            let both =
                traces("small", &endpoint.address) >= 1.0 && traces("large", &other.address) >= 4.0;
            both.then_some(())
        },
    );
    assert_eq!(traces("small", &endpoint.address), 1.0);
    let missed = format!(
        "gotracer_captures_missed_total{{instance=\"{}\",job=\"small\"}}",
        endpoint.address
    );
    assert_eq!(gotracer.sample(&missed), Some(0.0));
}

#[test]
fn captures_with_cpu_samples_have_the_cpu_time_of_running_goroutines() {
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &["-burn"]) else {
        return;
    };
    let job = format!(
        "- {{job_name: go, scrape_interval: 2s, seconds: 1, cpu_samples: true, \
         static_configs: [{{targets: ['{}']}}]}}\n",
        endpoint.address
    );
    let flag = scratch.config(format!("scrape_configs:\n{job}"));
    let gotracer = scraping(&[], &scratch, &[&flag]);
    let sample = |name: &str| {
        let series = format!("{name}{{instance=\"{}\",job=\"go\"}}", endpoint.address);
        gotracer.sample(&series).unwrap_or_default()
    };
    let log = || gotracer.log();
    eventually_or("a trace has CPU samples", log, || {
        let sampled = sample("gotrace_running_seconds_total") > 0.1
            && sample("gotrace_on_cpu_seconds_total") > 0.0;
        sampled.then_some(())
    });
    assert_eq!(sample("gotracer_cpu_profiles_refused_total"), 0.0);
    // Another profile for a minute: captures go on without.
    let mut other = TcpStream::connect(&endpoint.address).unwrap();
    let request = "GET /debug/pprof/profile?seconds=60 HTTP/1.1\r\nHost: x\r\n\r\n";
    let refused = || {
        // gotracer's own profile may be active at this moment.
        let _ = other.write_all(request.as_bytes());
        (sample("gotracer_cpu_profiles_refused_total") > 0.0).then_some(())
    };
    eventually_or("the profile is refused and counted", log, refused);
    let traces = sample("gotracer_traces_total");
    eventually_or("captures go on", log, || {
        (sample("gotracer_traces_total") > traces).then_some(())
    });
}

#[test]
fn the_configuration_names_programs_and_their_labels() {
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &[]) else {
        return;
    };
    let config = scratch.path().join("gotracer.yml");
    let yaml = format!(
        "
services:
  lenient:
    rules: {{MutexContention: {{enabled: false}}}}
scrape_configs:
- job_name: api
  scrape_interval: 1s
  seconds: 1
  static_configs:
  - targets: ['replaced:1', 'dropped:1']
    labels: {{version: v7, service: lenient}}
  relabel_configs:
  - {{source_labels: [__address__], regex: 'dropped:.*', action: drop}}
  - {{target_label: __address__, replacement: '{}'}}
  - {{target_label: instance, replacement: one}}
",
        endpoint.address
    );
    fs::write(&config, &yaml).unwrap();
    let flag = format!("--config={}", config.display());
    let gotracer = scraping(&[], &scratch, &[&flag]);
    let labels = r#"instance="one",job="api",service="lenient",version="v7""#;
    gotracer.wait_some(&format!("gotracer_traces_total{{{labels}}}"));
    // The service has settings of its own: this rule is not asked.
    let waits = format!("gotrace_mutex_wait_seconds_count{{{labels}}}");
    assert_eq!(gotracer.sample(&waits), Some(0.0));
    gotracer.wait_some(&format!("gotrace_sched_latency_seconds_count{{{labels}}}"));

    // A mistake is said with its place, and nothing starts.
    fs::write(&config, yaml.replace("action: drop", "action: dorp")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_gotracer"))
        .args(["serve", &flag])
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        error.contains("gotracer.yml") && error.contains("dorp"),
        "{error}"
    );
    assert!(error.contains("line 13"), "{error}");
}

#[test]
fn a_target_that_wants_a_token_gets_that_of_the_file() {
    let scratch = Scratch::new();
    let trace = fs::read(fixture("go1.25.5/http.trace")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let request = BufReader::new(stream.try_clone().unwrap());
            let mut lines = request.lines().map_while(Result::ok);
            let head: Vec<_> = lines.by_ref().take_while(|l| !l.is_empty()).collect();
            let known = head.iter().any(|l| l == "authorization: Bearer s3cret");
            let status = if known { "200 OK" } else { "401 Who are you" };
            let _ = write!(stream, "HTTP/1.1 {status}\r\n\r\n");
            let _ = stream.write_all(&trace);
        }
    });
    let token = scratch.path().join("token");
    let yaml = format!(
        "scrape_configs: [{{job_name: a, scrape_interval: 1s, authorization: {{credentials_file: '{}'}}, \
         static_configs: [{{targets: ['{address}'], labels: {{instance: i}}}}]}}]",
        token.display()
    );
    let flag = scratch.config(yaml);
    let gotracer = scraping(&[], &scratch, &[&flag]);
    let failed = |reason: &str| {
        format!("gotracer_trace_failures_total{{instance=\"i\",job=\"a\",reason=\"{reason}\"}}")
    };
    gotracer.wait_some(&failed("credentials"));
    fs::write(&token, "wrong\n").unwrap();
    gotracer.wait_some(&failed("http_status"));
    fs::write(&token, "s3cret\n").unwrap();
    gotracer.wait_some("gotracer_traces_total{instance=\"i\",job=\"a\"}");
    assert!(!gotracer.log().contains("s3cret"));
}

#[test]
fn gauges_of_a_target_end_after_failed_captures_and_counters_stay() {
    let scratch = Scratch::new();
    let trace = fs::read(fixture("go1.25.5/mutex_contention.trace")).unwrap();
    let answers = Arc::new(AtomicU32::new(0));
    let given = Arc::clone(&answers);
    let target = impostor(move |mut stream| {
        // The first capture has a trace, all others fail.
        let first = given.fetch_add(1, Ordering::Relaxed) == 0;
        let head = if first { "200 OK" } else { "404 Not Found" };
        let _ = write!(stream, "HTTP/1.1 {head}\r\n\r\n");
        let _ = stream.write_all(if first { &trace } else { b"" });
    });
    let gotracer = scraping(&[&format!("http://{target}")], &scratch, &[]);
    let labels = format!("{{instance=\"{target}\"}}");
    let of = |name: &str| gotracer.sample(&format!("{name}{labels}"));
    let gauges = ["gotrace_goroutines", "gotrace_gomaxprocs_threads"];
    let known = || of(gauges[0]);
    eventually_or("gauges are there", || gotracer.log(), known);
    let ended = || {
        let ended = gauges.iter().all(|name| of(name).is_none());
        ended.then_some(())
    };
    eventually_or("gauges end", || gotracer.log(), ended);
    let asked = answers.load(Ordering::Relaxed);
    assert!(asked > 3, "gauges ended after {asked} captures");
    assert_eq!(of("gotracer_traces_total"), Some(1.0));
    assert!(of("gotracer_last_success_timestamp_seconds") > Some(0.0));
    assert!(of("gotrace_mutex_wait_seconds_count") > Some(0.0));
}
