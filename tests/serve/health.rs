//! `gotracer healthcheck`, as an image or an exec probe runs it.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use crate::support::certificates::Authority;
use crate::support::daemon::{Running, Scratch, eventually_or, free_address};

/// The exit code and what was said.
fn healthcheck(options: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_gotracer"))
        .arg("healthcheck")
        .args(options)
        .output()
        .unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code(), said)
}

fn assert_unhealthy(options: &[&str], why: &str) {
    let (code, said) = healthcheck(options);
    assert!(said.contains(why), "{options:?}: {said}");
    assert_eq!(code, Some(1), "{options:?}: {said}");
}

fn assert_healthy(options: &[&str]) {
    assert_eq!(healthcheck(options), (Some(0), String::new()));
}

#[test]
fn it_tells_a_daemon_that_answers_from_one_that_does_not() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let gotracer = Running::gotracer(&directory, scratch.path(), &[]);
    let url = format!("http://{}", gotracer.address);
    assert_healthy(&["--url", &url]);
    assert_healthy(&["--url", &format!("{url}/-/ready")]);
    assert_unhealthy(&["--url", &format!("{url}/no")], "404");
    let by_name = Command::new(env!("CARGO_BIN_EXE_gotracer"))
        .arg("healthcheck")
        .env("GOTRACER_HEALTHCHECK_URL", &url)
        .status();
    assert!(by_name.unwrap().success());
    drop(gotracer);
    assert_unhealthy(&["--url", &url], "the connection was refused");
    for bad in ["localhost:16060", "ftp://localhost", "http://a:b@localhost"] {
        assert_unhealthy(&["--url", bad], "is no URL such as");
    }
    // Somebody who takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let late = "no answer within 200ms";
    assert_unhealthy(&["--url", &url, "--timeout=200ms"], late);
}

#[test]
fn it_gets_in_where_certificates_and_passwords_are_wanted() {
    let scratch = Scratch::new();
    let authority = Authority::new(scratch.path(), "authority");
    authority.sign("server", &["gotracer.internal"]);
    let client = authority.sign("client", &["probe.internal"]);
    let web = scratch.path().join("web.yml");
    let hash = bcrypt::hash("open", 4).unwrap();
    let yaml = format!(
        "tls_server_config: {{cert_file: server.cert.pem, key_file: server.key.pem, \
         client_auth_type: RequireAndVerifyClientCert, client_ca_file: authority.pem}}\n\
         basic_auth_users: {{probe: '{hash}'}}\n"
    );
    fs::write(&web, yaml).unwrap();
    let address = free_address();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    command.args(["serve", "--web.listen-address", &address]);
    command.arg("--watch").arg(scratch.directory("in"));
    command.arg("--web.config.file").arg(&web);
    let log = scratch.path().join("gotracer.log");
    let gotracer = Running::start(&mut command, address, log);
    let url = format!("https://{}", gotracer.address);

    let file = |name: &str, yaml: String| {
        let path = scratch.path().join(name);
        fs::write(&path, yaml).unwrap();
        path.display().to_string()
    };
    let pair = format!("cert_file: '{}', key_file: '{}'", client.cert, client.key);
    let tls = format!(
        "{{{pair}, ca_file: '{}', server_name: gotracer.internal}}",
        authority.file
    );
    let password = "basic_auth: {username: probe, password: open}";
    let good = file("good.yml", format!("{password}\ntls_config: {tls}\n"));
    let good = ["--url", &url, "--http.config.file", &good];
    eventually_or(
        "it listens",
        || gotracer.log(),
        || (healthcheck(&good).0 == Some(0)).then_some(()),
    );

    let nobody = file("nobody.yml", format!("tls_config: {tls}\n"));
    let refused = |file: &str, why: &str| {
        assert_unhealthy(&["--url", &url, "--http.config.file", file], why);
    };
    let wants = "it requires credentials; set them in the file of --http.config.file";
    refused(&nobody, wants);
    // The file has all keys of an HTTP client.
    let proxied = file("proxied.yml", "proxy_url: http://127.0.0.1:1".into());
    refused(&proxied, "proxy http://127.0.0.1:1/: ");
    // Its certificate is not for this address, which is believed if asked to.
    let strange = file("strange.yml", format!("{password}\ntls_config: {{{pair}}}"));
    refused(&strange, "certificate");
    assert_healthy(&["--url", &url, "--http.config.file", &strange, "--insecure"]);
    let wrong = file("wrong.yml", "basic_auth: {user: probe}".into());
    assert_unhealthy(&["--http.config.file", &wrong], "wrong.yml: ");
    let missing = scratch.path().join("missing.yml").display().to_string();
    assert_unhealthy(&["--http.config.file", &missing], "cannot read: ");
}
