//! TLS and passwords of gotracer's own HTTP server.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::prometheus::{OFTEN, prometheus, wait_value};
use crate::support::certificates::{Authority, Certificate};
use crate::support::daemon::{Running, Scratch, eventually_or, free_address, program};

/// A server that wants certificates and a password.
pub(crate) struct Guarded {
    scratch: Scratch,
    authority: Authority,
    pub client: Certificate,
    pub gotracer: Running,
    /// What clients would like to speak.
    pub protocols: Vec<Vec<u8>>,
}

const YAML: &str = "
tls_server_config:
  cert_file: server.cert.pem
  key_file: server.key.pem
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: authority.pem
  client_allowed_sans: [prometheus.internal]
http_server_config:
  headers: {X-Frame-Options: deny}
basic_auth_users:
  prometheus: HASH
";

fn hash(password: &str) -> String {
    bcrypt::hash(password, 4).unwrap()
}

impl Guarded {
    pub(crate) fn start() -> Self {
        let scratch = Scratch::new();
        let authority = Authority::new(scratch.path(), "authority");
        authority.sign("server", &["gotracer.internal"]);
        let client = authority.sign("client", &["prometheus.internal"]);
        let file = scratch.path().join("web.yml");
        fs::write(&file, YAML.replace("HASH", &hash("open"))).unwrap();
        let address = free_address();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gotracer"));
        command.args(["serve", "--web.listen-address", &address]);
        command.arg("--watch").arg(scratch.directory("in"));
        command.arg("--web.config.file").arg(&file);
        let log = scratch.path().join("gotracer.log");
        let gotracer = Running::start(&mut command, address, log);
        eventually_or(
            "it listens",
            || gotracer.log(),
            || TcpStream::connect(&gotracer.address).ok(),
        );
        Self {
            scratch,
            authority,
            client,
            gotracer,
            protocols: Vec::new(),
        }
    }

    pub(crate) fn write(&self, yaml: &str) {
        fs::write(self.scratch.path().join("web.yml"), yaml).unwrap();
    }

    /// A connection to which this certificate is shown, if it comes about.
    pub(crate) fn connect(
        &self,
        client: Option<&Certificate>,
    ) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_file(&self.authority.file).unwrap();
        roots.add(authority).unwrap();
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match client {
            None => builder.with_no_client_auth(),
            Some(client) => {
                let chain = vec![CertificateDer::from_pem_file(&client.cert).unwrap()];
                let key = PrivateKeyDer::from_pem_file(&client.key).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        config.alpn_protocols.clone_from(&self.protocols);
        let name = ServerName::try_from("gotracer.internal").unwrap();
        let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = TcpStream::connect(&self.gotracer.address)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        Ok(StreamOwned::new(connection, stream))
    }

    /// What is answered to somebody with this certificate who says that.
    pub(crate) fn get(
        &self,
        client: Option<&Certificate>,
        path: &str,
        said: &str,
    ) -> std::io::Result<String> {
        let mut stream = self.connect(client)?;
        let authorization = match said {
            "" => String::new(),
            said => format!("Authorization: Basic {}\r\n", STANDARD.encode(said)),
        };
        write!(stream, "GET {path} HTTP/1.0\r\n{authorization}\r\n")?;
        let mut answer = String::new();
        match stream.read_to_string(&mut answer) {
            Err(error) if answer.is_empty() => Err(error),
            _ => Ok(answer),
        }
    }

    pub(crate) fn status(&self, path: &str, said: &str) -> String {
        let answer = self.get(Some(&self.client), path, said).unwrap();
        answer.split(' ').nth(1).unwrap().to_string()
    }
}

#[test]
fn nobody_gets_in_without_a_certificate_and_a_password() {
    let guarded = Guarded::start();
    let stranger = Authority::new(guarded.scratch.path(), "stranger");
    let forged = stranger.sign("forged", &["prometheus.internal"]);
    let other = guarded.authority.sign("other", &["other.internal"]);
    for client in [None, Some(&forged), Some(&other)] {
        let refused = guarded.get(client, "/metrics", "prometheus:open");
        assert!(refused.is_err(), "{refused:?}");
    }
    // Every path, as with other exporters.
    for path in ["/", "/metrics", "/-/healthy", "/-/ready", "/config", "/no"] {
        assert_eq!(guarded.status(path, ""), "401", "{path}");
    }
    for said in ["prometheus:", "prometheus:shut", "nobody:open", "open"] {
        assert_eq!(guarded.status("/metrics", said), "401", "{said}");
    }
    let client = Some(&guarded.client);
    let refused = guarded.get(client, "/metrics", "").unwrap();
    assert!(refused.contains("www-authenticate: Basic\r\n"), "{refused}");
    let answer = guarded.get(client, "/metrics", "prometheus:open").unwrap();
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    assert!(answer.contains("x-frame-options: deny\r\n"), "{answer}");
    assert!(answer.contains("gotracer_build_info"), "{answer}");
    // Plain HTTP is no way around.
    assert!(crate::support::daemon::get(&guarded.gotracer.address, "/metrics", "").is_err());
}

#[test]
fn passwords_and_certificates_are_exchanged_while_it_runs() {
    let guarded = Guarded::start();
    let is = |said: &str, status: &str| {
        let holds = || (guarded.status("/metrics", said) == status).then_some(());
        eventually_or(said, || guarded.gotracer.log(), holds);
    };
    is("prometheus:open", "200");
    let bad = YAML.replace("HASH", "no hash");
    guarded.write(&bad);
    is("prometheus:open", "200");
    let log = guarded.gotracer.log();
    assert!(log.contains("web configuration not reloaded"), "{log}");
    assert!(log.contains("prometheus: this is no bcrypt hash"), "{log}");
    guarded.write(&YAML.replace("HASH", &hash("sesame")));
    is("prometheus:sesame", "200");
    is("prometheus:open", "401");
    // Another authority, which trusts other clients.
    let directory = guarded.scratch.path();
    let authority = Authority::new(directory, "authority");
    let refused = || guarded.get(Some(&guarded.client), "/", "").err();
    let error = eventually_or("it is a stranger now", || guarded.gotracer.log(), refused);
    assert!(!error.to_string().is_empty());
    authority.sign("server", &["gotracer.internal"]);
    authority.sign("client", &["prometheus.internal"]);
    is("prometheus:sesame", "200");
    // Nobody gets in because TLS is gone by mistake.
    guarded.write(&format!("basic_auth_users: {{a: '{}'}}", hash("b")));
    is("prometheus:sesame", "200");
}

#[test]
fn prometheus_gets_in_over_http_2() {
    let Some(binary) = program("prometheus") else {
        return;
    };
    let guarded = Guarded::start();
    let Certificate { cert, key } = &guarded.client;
    let ca = &guarded.authority.file;
    let known = format!(
        "{OFTEN}, scheme: https, basic_auth: {{username: prometheus, password: open}}, tls_config: \
         {{ca_file: '{ca}', cert_file: '{cert}', key_file: '{key}', server_name: gotracer.internal}}"
    );
    let address = &guarded.gotracer.address;
    let prometheus = prometheus(&binary, address, &guarded.scratch, &[], &known);
    wait_value(&prometheus, "up", 1.0);
    let version = env!("CARGO_PKG_VERSION");
    let build = format!(
        "gotracer_build_info{{version=\"{version}\",features=~\"daemon.*\",rustc=~\"1.+\"}}"
    );
    wait_value(&prometheus, &build, 1.0);
    // It speaks HTTP/2 with whom it is agreed upon.
    let mut guarded = guarded;
    guarded.protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let agreed = || {
        let stream = guarded.connect(Some(&guarded.client)).unwrap();
        stream.conn.alpn_protocol().map(<[u8]>::to_vec)
    };
    assert_eq!(agreed(), Some(b"h2".to_vec()));
    let older = YAML.replace("HASH", &hash("open"));
    let older = older.replace(
        "server_config:\n  headers",
        "server_config:\n  http2: false\n  headers",
    );
    guarded.write(&older);
    let holds = || (agreed() == Some(b"http/1.1".to_vec())).then_some(());
    eventually_or("HTTP/1.1", || guarded.gotracer.log(), holds);
}

#[test]
fn clients_are_judged_as_go_would() {
    let guarded = Guarded::start();
    let stranger = Authority::new(guarded.scratch.path(), "stranger");
    let forged = stranger.sign("forged", &["prometheus.internal"]);
    let clients = [None, Some(&guarded.client), Some(&forged)];
    let tls = "tls_server_config:\n  cert_file: server.cert.pem\n  key_file: server.key.pem\n  ";
    let ca = "client_ca_file: authority.pem";
    for (kind, more, admitted) in [
        ("NoClientCert", "", [true, true, true]),
        ("RequestClientCert", "", [true, true, true]),
        ("RequireAnyClientCert", "", [false, true, true]),
        ("VerifyClientCertIfGiven", ca, [true, true, false]),
        ("RequireAndVerifyClientCert", ca, [false, true, false]),
    ] {
        // The header tells when it is in force.
        let header = format!("http_server_config: {{headers: {{X-XSS-Protection: {kind}}}}}");
        guarded.write(&format!(
            "{tls}client_auth_type: {kind}\n  {more}\n{header}\n"
        ));
        let in_force = || {
            let answer = guarded.get(Some(&guarded.client), "/-/ready", "").ok()?;
            answer
                .contains(&format!("x-xss-protection: {kind}\r\n"))
                .then_some(())
        };
        eventually_or(kind, || guarded.gotracer.log(), in_force);
        let found = clients.map(|client| guarded.get(client, "/-/ready", "").is_ok());
        assert_eq!(found, admitted, "{kind}");
    }

    let suite = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256";
    guarded.write(&format!(
        "{tls}max_version: TLS12\n  cipher_suites: [{suite}]\n"
    ));
    let agreed = || {
        let stream = guarded.connect(None).ok()?;
        let suite = stream.conn.negotiated_cipher_suite()?;
        suite.suite().as_str().map(str::to_owned)
    };
    let holds = || (agreed().as_deref() == Some(suite)).then_some(());
    eventually_or(suite, || guarded.gotracer.log(), holds);

    guarded.write(&format!("{tls}\nrate_limit: {{interval: 60m, burst: 2}}\n"));
    let limited = || (guarded.status("/-/ready", "") == "429").then_some(());
    eventually_or("it is too much", || guarded.gotracer.log(), limited);
}

#[test]
fn passwords_alone_do_as_well() {
    let scratch = Scratch::new();
    let file = scratch.path().join("web.yml");
    fs::write(&file, format!("basic_auth_users: {{a: '{}'}}", hash("b"))).unwrap();
    let checked = std::process::Command::new(env!("CARGO_BIN_EXE_gotracer"))
        .args(["check-config", "--web.config.file"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
    let watch = format!("--watch={}", scratch.directory("in").display());
    let web = format!("--web.config.file={}", file.display());
    let gotracer = Running::listening(scratch.path(), &[&watch, &web]);
    assert_eq!(gotracer.get("/-/ready", "").status, 401);
}

#[test]
fn mistakes_are_said_before_anything_starts() {
    let mut names: Vec<_> = fs::read_dir("tests/config/web")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut all = String::new();
    for name in names {
        let path = Path::new("tests/config/web").join(&name);
        for arguments in [&["check-config"][..], &["serve", "--watch=tests/config"]] {
            let output = std::process::Command::new(env!("CARGO_BIN_EXE_gotracer"))
                .args(arguments)
                .arg("--web.config.file")
                .arg(&path)
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(2), "{name}");
            let said = String::from_utf8(output.stderr).unwrap();
            if arguments.len() == 1 {
                all.push_str(said.strip_prefix("error: ").unwrap());
            }
        }
    }
    insta::assert_snapshot!(all);
}
