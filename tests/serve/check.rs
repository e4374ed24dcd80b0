//! What can be told before anything starts.

use std::fs;
use std::process::Command;

use crate::support::certificates::Authority;
use crate::support::daemon::Scratch;

/// The exit code and what was said.
fn run(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_gotracer"))
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().unwrap(), said)
}

#[test]
fn the_files_that_a_configuration_names_are_looked_at() {
    let scratch = Scratch::new();
    let path = |name: &str| scratch.path().join(name).display().to_string();
    let (ca, key) = {
        let authority = Authority::new(scratch.path(), "authority");
        let certificate = authority.sign("client", &["gotracer"]);
        let stranger = authority.sign("stranger", &["other"]);
        (certificate.cert, stranger.key)
    };
    fs::write(path("list.json"), "[{\"targets\": ['a:1']}]").unwrap();
    fs::write(path("broken.json"), "[{\"targets\": 1}]").unwrap();
    fs::write(path("junk.pem"), "no certificate").unwrap();
    let (list, none) = (path("list.json"), path("none.json"));
    for (job, code, said) in [
        (
            format!("file_sd_configs: [{{files: ['{list}']}}]"),
            0,
            "good",
        ),
        (
            format!("file_sd_configs: [{{files: ['{none}']}}]"),
            0,
            "warning: job \"a\": file_sd_configs: there is no file",
        ),
        (
            format!("file_sd_configs: [{{files: ['{}']}}]", path("broken*.json")),
            2,
            "broken.json",
        ),
        (
            format!("basic_auth: {{password_file: '{none}'}}"),
            2,
            "job \"a\": basic_auth: cannot read",
        ),
        (
            format!("authorization: {{credentials_file: '{none}'}}"),
            2,
            "job \"a\": authorization: cannot read",
        ),
        (
            format!("http_headers: {{X: {{files: ['{none}']}}}}"),
            2,
            "job \"a\": http_headers: cannot read",
        ),
        (
            format!("tls_config: {{ca_file: '{}'}}", path("junk.pem")),
            2,
            "there is no certificate in it",
        ),
        (
            format!("tls_config: {{cert_file: '{ca}', key_file: '{key}'}}"),
            2,
            "keys may not be consistent",
        ),
        (
            format!("http_sd_configs: [{{url: 'http://a/', tls_config: {{ca_file: '{none}'}}}}]"),
            2,
            "http_sd_configs: tls_config: cannot read",
        ),
    ] {
        let config = path("gotracer.yml");
        let targets = "static_configs: [{targets: ['a:1']}]";
        let yaml = format!("scrape_configs: [{{job_name: a, {targets}, {job}}}]\n");
        fs::write(&config, yaml).unwrap();
        for arguments in [
            &["check-config", &config][..],
            &["serve", "--config.check", "--config", &config],
        ] {
            let (found, told) = run(arguments);
            assert_eq!(found, code, "{job}: {told}");
            assert!(told.contains(said), "{job}: {told}");
        }
        let (found, told) = run(&["check-config", "--syntax-only", &config]);
        assert_eq!(found, 0, "{job}: {told}");
    }
}
