//! Targets on Unix sockets and behind proxies.

use std::process::Command;

use crate::support::certificates::Authority;
use crate::support::daemon::{Running, Scratch, program};
use crate::support::endpoint::{Endpoint, build};

fn serving(scratch: &Scratch, yaml: &str, variables: &[(&str, &str)]) -> Running {
    let flag = scratch.config(yaml);
    Running::gotracer_with(scratch.path(), &[&flag], variables)
}

#[cfg(unix)]
#[test]
fn a_program_on_a_unix_socket_is_captured_and_streamed() {
    let scratch = Scratch::new();
    let socket = scratch.path().join("api.sock");
    let listen = format!("-listen=unix:{}", socket.display());
    let Some(_endpoint) = Endpoint::start(&scratch, &[&listen, "-flight"]) else {
        return;
    };
    let target = format!("unix://{}", socket.display());
    let yaml = format!(
        "scrape_configs:
- {{job_name: api, scrape_interval: 1s, seconds: 1, static_configs: [{{targets: ['{target}']}}]}}
- {{job_name: live, mode: stream, metrics_path: /debug/flight, params: {{job: [live]}},
   static_configs: [{{targets: ['{target}'], labels: {{instance: live}}}}]}}
- {{job_name: gone, scrape_interval: 1s, static_configs: [{{targets: ['{target}.no']}}]}}
"
    );
    let gotracer = serving(&scratch, &yaml, &[]);
    let series = |name: &str, job: &str, instance: &str| {
        format!("{name}{{instance=\"{instance}\",job=\"{job}\"}}")
    };
    gotracer.wait_some(&series("gotracer_traces_total", "api", &target));
    let failed = format!(
        "gotracer_trace_failures_total{{instance=\"{target}.no\",job=\"gone\",reason=\"unreachable\"}}"
    );
    gotracer.wait_some(&failed);
    let page = gotracer.get("/", "text/html").text();
    assert!(page.contains(&target), "{page}");
    let probe = format!("/probe?target={target}&module=api");
    let probed = gotracer.get(&probe, "");
    assert_eq!(probed.status, 200, "{}", probed.text());
    drop(gotracer);

    // The same on the command line, also at another path.
    let flight = format!("{target}:/debug/flight");
    for (arguments, url) in [
        (&["capture", "--seconds=1"][..], &target),
        (&["analyze"][..], &flight),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
        command.args(arguments).args(["--format=json", url]);
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains(&format!("\"{url}\"")), "{text} {log}");
    }
}

#[test]
fn targets_behind_a_proxy_are_captured_and_its_password_does_not_show() {
    let Some(go) = program("go") else { return };
    let scratch = Scratch::new();
    let authority = Authority::new(scratch.path(), "authority");
    let cert = authority.sign("server", &["api.internal", "127.0.0.1", "localhost"]);
    let binary = build(&go, &scratch, "endpoint", &[]);
    let tls = [["-cert", &cert.cert], ["-key", &cert.key]];
    // A program can be traced by one client at a time, so each job has its own.
    let behind = |program: &[&str], more: &[&str]| {
        let program = Endpoint::run(&binary, program);
        let to = [
            "-proxy-to",
            &program.address,
            "-proxy-user",
            "jo@x:open sesame",
        ];
        let proxy = Endpoint::run(&binary, &[&to, more].concat());
        (program, proxy)
    };
    let [forwarded, streamed, environment, near, listed] = [0; 5].map(|_| behind(&[], &[]));
    let tunneled = behind(tls.as_flattened(), &[]);
    let twice = behind(tls.as_flattened(), tls.as_flattened());
    let (ca, usual) = (&authority.file, "scrape_interval: 1s, seconds: 1");
    let target = "static_configs: [{targets: ['api.internal:6060'], labels: {instance: i}}]";
    let user = "jo%40x:${PASSWORD}";
    let team = "proxy_connect_header: {X-Team: [core]}";
    let https = format!("scheme: https, tls_config: {{ca_file: '{ca}'}}");
    let yaml = format!(
        "scrape_configs:
- {{job_name: forwarded, {usual}, proxy_url: 'http://{user}@{a}', {target}}}
- {{job_name: streamed, mode: stream, proxy_url: 'http://{user}@{d}', {target}}}
- {{job_name: tunneled, {usual}, {https}, proxy_url: 'http://{user}@{b}', {team}, {target}}}
- {{job_name: twice, {usual}, {https}, proxy_url: 'https://{user}@{c}', {team}, {target}}}
- {{job_name: environment, {usual}, proxy_from_environment: true, {target}}}
- {{job_name: near, {usual}, proxy_url: 'http://127.0.0.1:1', no_proxy: 'other',
   static_configs: [{{targets: ['{near}'], labels: {{instance: i}}}}]}}
- {{job_name: stranger, {usual}, proxy_url: 'http://{a}', {target}}}
- {{job_name: shut, {usual}, {https}, proxy_url: 'http://{user}@{b}', {target}}}
- {{job_name: nowhere, {usual}, proxy_url: 'http://{user}@127.0.0.1:1', {target}}}
- {{job_name: listed, {usual}, proxy_url: 'http://{user}@{e}',
   http_sd_configs: [{{url: 'http://api.internal/targets', proxy_url: 'http://{user}@{e}'}}]}}
",
        a = forwarded.1.address,
        b = tunneled.1.address,
        c = twice.1.address,
        d = streamed.1.address,
        e = listed.1.address,
        near = near.0.address,
    );
    let environment = format!("http://jo%40x:open%20sesame@{}", environment.1.address);
    let variables = [
        ("PASSWORD", "open%20sesame"),
        ("HTTP_PROXY", environment.as_str()),
    ];
    let gotracer = serving(&scratch, &yaml, &variables);
    for job in [
        "forwarded",
        "tunneled",
        "twice",
        "environment",
        "near",
        "listed",
    ] {
        let traces = format!("gotracer_traces_total{{instance=\"i\",job=\"{job}\"}}");
        gotracer.wait_some(&traces);
    }
    let streamed = "gotrace_observed_seconds_total{instance=\"i\",job=\"streamed\"}";
    gotracer.wait_some(streamed);
    for (job, reason) in [
        ("stranger", "http_status"),
        ("shut", "unreachable"),
        ("nowhere", "unreachable"),
    ] {
        let failures = format!(
            "gotracer_trace_failures_total{{instance=\"i\",job=\"{job}\",reason=\"{reason}\"}}"
        );
        gotracer.wait_some(&failures);
    }
    let log = gotracer.log();
    for said in [
        "407 Proxy Authentication Required",
        "the answer to CONNECT was 403 Forbidden",
        "proxy http://127.0.0.1:1/: ",
    ] {
        assert!(log.contains(said), "{said}: {log}");
    }
    let config = gotracer.get("/config", "").text();
    let shown = format!("http://jo@x:<secret>@{}", forwarded.1.address);
    assert!(config.contains(&shown), "{config}");
    let page = gotracer.get("/", "text/html").text();
    for text in [log, config, page] {
        assert!(!text.contains("sesame"), "{text}");
    }
}
