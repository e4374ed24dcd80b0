//! `gotracer capture` and `gotracer analyze URL`, of a real Go program.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use crate::support::certificates::self_signed;
use crate::support::daemon::{Scratch, impostor, says};
use crate::support::endpoint::Endpoint;

fn gotracer(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    command.args(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(args: &[&str]) -> Output {
    gotracer(args).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
fn refused(args: &[&str], expected: &[&str]) {
    let output = run(args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
    for expected in expected {
        assert!(said.contains(expected), "{args:?}: {said}");
    }
}

#[test]
fn a_running_program_is_captured_and_judged() {
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &[]) else {
        return;
    };
    let file = scratch.path().join("raw.trace");
    let raw = file.to_str().unwrap();
    let captured = run(&[
        "capture",
        "-s",
        "1",
        "--save-trace",
        raw,
        "-q",
        &endpoint.address,
    ]);
    assert_eq!(captured.status.code(), Some(1), "{}", out(&captured));
    assert!(
        out(&captured).contains("MutexContention"),
        "{}",
        out(&captured)
    );
    // What was kept tells the same.
    let without_name = |output: &Output| out(output).split_once('\n').unwrap().1.to_owned();
    let kept = run(&["analyze", "-q", raw]);
    assert_eq!(without_name(&kept), without_name(&captured));

    let url = format!("{}/debug/pprof/trace?seconds=1", endpoint.url());
    let named = run(&[
        "analyze",
        "--rule",
        "MutexContention",
        "--fail-on=never",
        &url,
    ]);
    assert_eq!(named.status.code(), Some(0), "{}", out(&named));
    assert!(out(&named).contains(&url), "{}", out(&named));
    let moved = run(&[
        "capture",
        "--format=json",
        &format!("{}/moved", endpoint.url()),
    ]);
    let json: serde_json::Value = serde_json::from_slice(&moved.stdout).unwrap();
    assert!(json["reports"][0]["trace"]["duration_ns"].as_u64() < Some(3_000_000_000));
}

#[test]
fn a_capture_has_cpu_samples_unless_another_profile_is_active() {
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &["-burn"]) else {
        return;
    };
    let capture = || {
        let url = endpoint.url();
        run(&["capture", "-s1", "--cpu-samples", "--format=json", &url])
    };
    let sampled = capture();
    let said = String::from_utf8_lossy(&sampled.stderr).into_owned();
    assert!(!said.contains("no CPU samples"), "{said}");
    let json: serde_json::Value = serde_json::from_slice(&sampled.stdout).unwrap();
    let samples = &json["reports"][0]["cpu_samples"];
    assert!(samples["count"].as_u64() > Some(0), "{said}");
    assert!(samples["on_cpu_ns"].as_u64() > Some(0), "{samples}");

    let mut other = TcpStream::connect(&endpoint.address).unwrap();
    let request = "GET /debug/pprof/profile?seconds=60 HTTP/1.1\r\nHost: x\r\n\r\n";
    other.write_all(request.as_bytes()).unwrap();
    let refused = (0..50).find_map(|_| {
        let output = capture();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        said.contains("no CPU samples: 500").then_some(output)
    });
    let refused = refused.expect("the profile is refused");
    let json: serde_json::Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert!(json["reports"][0]["trace"]["events"].as_u64() > Some(0));
}

#[test]
fn why_there_is_no_trace_and_what_to_do() {
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &[]) else {
        return;
    };
    let url = endpoint.url();
    let path = |path: &str| format!("{url}{path}");
    refused(
        &["capture", &path("/nothing")],
        &["404", "import _ \"net/http/pprof\""],
    );
    refused(
        &["capture", &path("/capture")],
        &["400", "say please", "whole URL"],
    );
    refused(
        &["capture", &path("/targets")],
        &["not a Go execution trace"],
    );
    refused(
        &["capture", "127.0.0.1:1"],
        &["refused", "does the program run"],
    );
    refused(&["analyze", "http://127.0.0.1:1"], &["refused"]);
    refused(&["capture", "ftp://x"], &["http://"]);
    refused(&["capture", "-s", "0", &url], &["--seconds"]);
    refused(
        &["capture", "--save-trace", "Cargo.toml/x", &url],
        &["cannot write Cargo.toml/x"],
    );
    refused(
        &["capture", "-s1", "--max-size=200B", &url],
        &["larger than 200 bytes"],
    );
    refused(&["capture", "-H", "X", &url], &["NAME: VALUE"]);
    let late = "400 Bad Request\r\nContent-Length: 37";
    let late = says(late, b"profile duration exceeds WriteTimeout".to_vec());
    refused(&["capture", &late], &["WriteTimeout", "fewer seconds"]);

    let mut first = gotracer(&["capture", "-s", "3", &url]).spawn().unwrap();
    let busy = (0..50).find_map(|_| {
        thread::sleep(Duration::from_millis(20));
        let output = run(&["capture", "-s", "1", &url]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        said.contains("another client is tracing").then_some(said)
    });
    assert!(busy.expect("two traces at once").contains("FlightRecorder"));
    first.wait().unwrap();
}

#[test]
fn who_asks_is_told_by_header_or_file() {
    let scratch = Scratch::new();
    let flags = ["-password", "sesame", "-header", "X-Team=a"];
    let Some(endpoint) = Endpoint::start(&scratch, &flags) else {
        return;
    };
    let url = endpoint.url();
    refused(&["capture", &url], &["401", "--http.config.file"]);
    let config = scratch.path().join("http.yml");
    let text = "basic_auth: {username: prometheus, password: sesame}\n";
    fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let ask = ["capture", "-s1", "--http.config.file", config, &url];
    refused(&ask, &["403", "X-Team"]);
    let by_file = run(&[&ask[..], &["-H", "X-Team: a"]].concat());
    assert_eq!(by_file.status.code(), Some(1));
    let basic = "Authorization: Basic cHJvbWV0aGV1czpzZXNhbWU=";
    let by_header = run(&["capture", "-s1", "-H", basic, "-H", "X-Team: a", &url]);
    assert_eq!(by_header.status.code(), Some(1));
    fs::write(config, "basic_oath: {}\n").unwrap();
    refused(&ask, &["http.yml", "basic_oath"]);
}

#[test]
fn an_interrupt_ends_the_capture_and_not_the_analysis() {
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &[]) else {
        return;
    };
    let raw = scratch.path().join("raw.trace");
    let args = [
        "capture",
        "-s",
        "60",
        "--save-trace",
        raw.to_str().unwrap(),
        &endpoint.address,
    ];
    let child = gotracer(&args).spawn().unwrap();
    // Some generations: only whole ones tell something.
    let came = || raw.metadata().is_ok_and(|m| m.len() > 16_000);
    while !came() {
        thread::sleep(Duration::from_millis(50));
    }
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(killed.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(out(&output).contains("MutexContention"), "{}", out(&output));
}

#[test]
fn tls_where_there_is_none_and_none_where_there_is() {
    let scratch = Scratch::new();
    let server = self_signed(scratch.path(), "server", &["localhost"]);
    let flags = [["-cert", &server.cert], ["-key", &server.key]];
    let Some(endpoint) = Endpoint::start(&scratch, flags.as_flattened()) else {
        return;
    };
    let port = endpoint.address.rsplit(':').next().unwrap();
    let secure = |host: &str| format!("https://{host}:{port}");
    refused(
        &["capture", &endpoint.address],
        &["it speaks TLS: use https://"],
    );
    let untrusted = [
        "set tls_config.ca_file",
        "--http.config.file",
        "insecure_skip_verify",
    ];
    refused(&["capture", &secure("localhost")], &untrusted);
    let config = scratch.path().join("http.yml");
    fs::write(
        &config,
        format!("tls_config: {{ca_file: '{}'}}", server.cert),
    )
    .unwrap();
    let asked = [
        "capture",
        "-s1",
        "--http.config.file",
        config.to_str().unwrap(),
    ];
    let named = [
        "is for localhost, not for 127.0.0.1",
        "tls_config.server_name",
    ];
    refused(&[&asked[..], &[&secure("127.0.0.1")]].concat(), &named);
    let captured = run(&[&asked[..], &[&secure("localhost")]].concat());
    let said = String::from_utf8_lossy(&captured.stderr);
    assert_eq!(captured.status.code(), Some(1), "{said}");

    let plain = says("200 OK", b"hello".to_vec());
    let greeting = TcpListener::bind("127.0.0.1:0").unwrap();
    let greeter = greeting.local_addr().unwrap().to_string();
    // An alert of TLS, as servers answer that do not speak HTTP at all.
    let alert = b"\x15\x03\x01\x00\x02\x02\x46";
    let alerting = impostor(move |mut stream| drop(stream.write_all(alert)));
    let silent = impostor(drop);
    thread::spawn(move || {
        for mut stream in greeting.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            let _ = stream.read(&mut [0; 1024]);
        }
    });
    refused(
        &["capture", &format!("https://{greeter}")],
        &["it does not speak TLS: use http://"],
    );
    refused(
        &[
            "capture",
            "--timeout=2s",
            "-s1",
            &format!("https://{plain}"),
        ],
        &["https://"],
    );
    refused(
        &["capture", &alerting],
        &["not HTTP; if it speaks TLS, use https://"],
    );
    refused(
        &["capture", &silent],
        &["hung up without an answer; if it speaks TLS, use https://"],
    );
}

#[test]
fn headers_have_a_limit() {
    let answer = |length: usize| {
        impostor(move |mut stream| {
            let header = "a".repeat(length);
            let _ = write!(stream, "HTTP/1.1 404 Not Found\r\nX-Long: {header}\r\n");
            let _ = stream.write_all(b"Content-Length: 0\r\n\r\n");
        })
    };
    refused(&["capture", &answer(12 << 10)], &["404"]);
    refused(
        &["capture", &answer(20 << 10)],
        &["the headers of the answer are too long"],
    );
}

#[test]
fn a_port_alone_is_this_machine_s() {
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &[]) else {
        return;
    };
    let port = endpoint.address.rsplit(':').next().unwrap();
    let captured = run(&["capture", "-s1", &format!(":{port}")]);
    let said = String::from_utf8_lossy(&captured.stderr);
    assert_eq!(captured.status.code(), Some(1), "{said}");
    let name = format!("http://localhost:{port}");
    assert!(out(&captured).contains(&name), "{}", out(&captured));
}
