//! Targets and lists of targets behind TLS, passwords, headers and redirects.

use std::fs;
use std::process::Command;

use crate::support::certificates::{Authority, self_signed};
use crate::support::daemon::{Running, Scratch, impostor};
use crate::support::endpoint::Endpoint;

/// `gotracer serve` with a configuration.
fn serving(scratch: &Scratch, yaml: &str, variables: &[(&str, &str)]) -> Running {
    let flag = scratch.config(yaml);
    Running::gotracer_with(scratch.path(), &[&flag], variables)
}

fn traces(job: &str) -> String {
    format!("gotracer_traces_total{{instance=\"i\",job=\"{job}\"}}")
}

fn failures(job: &str, reason: &str) -> String {
    format!("gotracer_trace_failures_total{{instance=\"i\",job=\"{job}\",reason=\"{reason}\"}}")
}

#[test]
fn a_go_server_and_gotracer_show_each_other_certificates() {
    let scratch = Scratch::new();
    let authority = Authority::new(scratch.path(), "authority");
    let stranger = Authority::new(scratch.path(), "stranger");
    let server = authority.sign("server", &["api.internal"]);
    let client = authority.sign("client", &["gotracer"]);
    let flags = [
        ["-cert", &server.cert],
        ["-key", &server.key],
        ["-client-ca", &authority.file],
    ];
    let Some(endpoint) = Endpoint::start(&scratch, flags.as_flattened()) else {
        return;
    };
    let ours = format!("cert_file: '{}', key_file: '{}'", client.cert, client.key);
    let named = "server_name: api.internal";
    let (ca, other) = (&authority.file, &stranger.file);
    let job = |name: &str, scheme: &str, tls: String| {
        format!(
            "- {{job_name: {name}, scrape_interval: 1s, seconds: 1, scheme: {scheme}, \
             tls_config: {{{tls}}}, \
             static_configs: [{{targets: ['{}'], labels: {{instance: i}}}}]}}\n",
            endpoint.address
        )
    };
    let jobs = [
        job("good", "https", format!("ca_file: '{ca}', {ours}, {named}")),
        job(
            "lax",
            "https",
            format!("insecure_skip_verify: true, {ours}"),
        ),
        job("nobody", "https", format!("ca_file: '{ca}', {named}")),
        job("misled", "https", format!("ca_file: '{ca}', {ours}")),
        job(
            "strange",
            "https",
            format!("ca_file: '{other}', {ours}, {named}"),
        ),
        job("lost", "https", format!("ca_file: '{ca}.no', {ours}")),
        job("plain", "http", named.into()),
        job(
            "old",
            "https",
            format!("ca_file: '{ca}', {ours}, {named}, max_version: TLS12"),
        ),
    ];
    let tls = format!("tls_config: {{ca_file: '{ca}', {ours}, {named}}}");
    let found = format!(
        "- {{job_name: found, scrape_interval: 1s, seconds: 1, scheme: https, {tls}, \
         http_sd_configs: [{{url: 'https://{}/targets', {tls}}}]}}\n",
        endpoint.address
    );
    // Certificates in the configuration itself, the key from the environment.
    let text = |path: &str| fs::read_to_string(path).unwrap().replace('\n', "\\n");
    let inline = job(
        "inline",
        "https",
        format!(
            "ca: \"{}\", cert: \"{}\", key: '${{KEY}}', {named}",
            text(ca),
            text(&client.cert)
        ),
    );
    let key = fs::read_to_string(&client.key).unwrap();
    let yaml = format!("scrape_configs:\n{}{found}{inline}", jobs.concat());
    let gotracer = serving(&scratch, &yaml, &[("KEY", &key)]);
    for good in ["good", "lax", "old", "found", "inline"] {
        gotracer.wait_some(&traces(good));
    }
    for (bad, reason) in [
        ("nobody", "tls"),
        ("misled", "tls"),
        ("strange", "tls"),
        ("lost", "credentials"),
        ("plain", "http_status"),
    ] {
        gotracer.wait_some(&failures(bad, reason));
        assert_eq!(gotracer.sample(&traces(bad)), Some(0.0), "{bad}");
    }
    // Files that come later, or others in their place, are used without being
    // asked to.
    fs::copy(ca, format!("{ca}.no")).unwrap();
    gotracer.wait_some(&failures("lost", "tls"));
    fs::copy(other, ca).unwrap();
    gotracer.wait_some(&failures("good", "tls"));
}

#[test]
fn whoever_wants_to_be_told_something_is_told() {
    let scratch = Scratch::new();
    let flags = ["-password=o'pen", "-header=X-Scope-OrgID=team"];
    let Some(endpoint) = Endpoint::start(&scratch, &flags) else {
        return;
    };
    let header = scratch.path().join("header");
    fs::write(&header, "team\n").unwrap();
    let header = header.display();
    let auth = "basic_auth: {username: prometheus, password: \"${PASSWORD}\"}";
    let known = format!("{auth}, http_headers: {{X-Scope-OrgID: {{files: ['{header}']}}}}");
    let target = format!(
        "static_configs: [{{targets: ['{}'], labels: {{instance: i}}}}]",
        endpoint.address
    );
    let usual = "scrape_interval: 1s, seconds: 1";
    let yaml = format!(
        "scrape_configs:
- {{job_name: stranger, {usual}, {target}}}
- {{job_name: half, {usual}, {auth}, {target}}}
- {{job_name: known, {usual}, {known}, {target}}}
- {{job_name: moved, {usual}, {known}, metrics_path: /moved, {target}}}
- {{job_name: stays, {usual}, {known}, metrics_path: /moved, follow_redirects: false, {target}}}
- {{job_name: asks, {usual}, {known}, metrics_path: /capture, method: POST, body: please, \
    params: {{why: [a b]}}, {target}}}
"
    );
    let gotracer = serving(&scratch, &yaml, &[("PASSWORD", "o'pen")]);
    for good in ["known", "moved", "asks"] {
        gotracer.wait_some(&traces(good));
    }
    for bad in ["stranger", "half", "stays"] {
        gotracer.wait_some(&failures(bad, "http_status"));
        assert_eq!(gotracer.sample(&traces(bad)), Some(0.0), "{bad}");
    }
    let log = gotracer.log();
    for said in ["who are you?", "no X-Scope-OrgID", "302 Found"] {
        assert!(log.contains(said), "{said} is not in\n{log}");
    }
    assert!(!log.contains("o'pen"), "{log}");

    // The configuration in force can be seen, but no secret, and is one again.
    let shown = gotracer.get("/config", "").text();
    assert!(!shown.contains("o'pen"), "{shown}");
    assert!(!shown.contains("please"), "{shown}");
    assert_eq!(shown.matches("password: <secret>").count(), 5, "{shown}");
    let copy = scratch.path().join("shown.yml");
    fs::write(&copy, shown).unwrap();
    let checked = Command::new(env!("CARGO_BIN_EXE_gotracer"))
        .arg("check-config")
        .arg(copy)
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn the_authorities_of_the_system_are_believed() {
    let scratch = Scratch::new();
    let authority = Authority::new(scratch.path(), "authority");
    let server = authority.sign("server", &["localhost"]);
    let flags = [["-cert", &server.cert], ["-key", &server.key]];
    let Some(endpoint) = Endpoint::start(&scratch, flags.as_flattened()) else {
        return;
    };
    let url = format!("https://{}", endpoint.address).replace("127.0.0.1", "localhost");
    let scrape = ["--scrape", &url, "--scrape.seconds=1"];
    let system = [("SSL_CERT_FILE", authority.file.as_str())];
    let gotracer = Running::gotracer_with(scratch.path(), &scrape, &system);
    let instance = url.trim_start_matches("https://");
    gotracer.wait_some(&format!("gotracer_traces_total{{instance=\"{instance}\"}}"));
}

#[test]
fn a_certificate_that_is_itself_trusted_is_accepted() {
    let scratch = Scratch::new();
    let server = self_signed(scratch.path(), "server", &["localhost"]);
    let flags = [["-cert", &server.cert], ["-key", &server.key]];
    let Some(endpoint) = Endpoint::start(&scratch, flags.as_flattened()) else {
        return;
    };
    let port = endpoint.address.rsplit(':').next().unwrap();
    let job = |name: &str, host: &str, tls: &str| {
        format!(
            "- {{job_name: {name}, scrape_interval: 1s, seconds: 1, scheme: https, \
             tls_config: {{{tls}}}, \
             static_configs: [{{targets: ['{host}:{port}'], labels: {{instance: i}}}}]}}\n"
        )
    };
    let ca = format!("ca_file: '{}'", server.cert);
    let found = format!(
        "- {{job_name: found, scrape_interval: 1s, seconds: 1, scheme: https, \
         tls_config: {{{ca}, server_name: localhost}}, \
         http_sd_configs: [{{url: 'https://localhost:{port}/targets', tls_config: {{{ca}}}}}]}}\n"
    );
    let jobs = [
        job("good", "localhost", &ca),
        job("misled", "127.0.0.1", &ca),
        job("strange", "localhost", ""),
        found,
    ];
    let gotracer = serving(
        &scratch,
        &format!("scrape_configs:\n{}", jobs.concat()),
        &[],
    );
    gotracer.wait_some(&traces("good"));
    gotracer.wait_some(&traces("found"));
    for bad in ["misled", "strange"] {
        gotracer.wait_some(&failures(bad, "tls"));
        assert_eq!(gotracer.sample(&traces(bad)), Some(0.0), "{bad}");
    }
    let log = gotracer.log();
    for said in [
        "is for localhost, not for 127.0.0.1; set tls_config.server_name",
        "set tls_config.ca_file",
    ] {
        assert!(log.contains(said), "{said} is not in\n{log}");
    }
}

#[test]
fn targets_of_lists_are_not_redirected_to_other_hosts() {
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &[]) else {
        return;
    };
    let port = endpoint.address.rsplit(':').next().unwrap();
    let away = format!("http://localhost:{port}/debug/pprof/trace?seconds=1");
    let away = impostor(move |mut stream| {
        let head = format!("302 Found\r\nLocation: {away}\r\nContent-Length: 0");
        let _ =
            std::io::Write::write_all(&mut stream, format!("HTTP/1.1 {head}\r\n\r\n").as_bytes());
    });
    let list = scratch.path().join("targets.json");
    let text = format!(r#"[{{"targets": ["{away}"], "labels": {{"instance": "i"}}}}]"#);
    fs::write(&list, text).unwrap();
    let files = format!("file_sd_configs: [{{files: ['{}']}}]", list.display());
    let fixed = format!("static_configs: [{{targets: ['{away}'], labels: {{instance: i}}}}]");
    let usual = "scrape_interval: 1s, seconds: 1";
    let own = format!(
        "relabel_configs: [{{target_label: __address__, replacement: '{}'}}]",
        endpoint.address
    );
    let yaml = format!(
        "scrape_configs:
- {{job_name: listed, {usual}, {files}}}
- {{job_name: allowed, {usual}, follow_redirects: true, {files}}}
- {{job_name: fixed, {usual}, {fixed}}}
- {{job_name: inside, {usual}, metrics_path: /moved, {own}, {files}}}
"
    );
    let gotracer = serving(&scratch, &yaml, &[]);
    for good in ["allowed", "fixed", "inside"] {
        gotracer.wait_some(&traces(good));
    }
    gotracer.wait_some(&failures("listed", "http_status"));
    assert_eq!(gotracer.sample(&traces("listed")), Some(0.0));
    let log = gotracer.log();
    let said = "302 Found: a redirect to http://localhost:";
    assert!(
        log.contains(said) && log.contains("follow_redirects"),
        "{log}"
    );
}
