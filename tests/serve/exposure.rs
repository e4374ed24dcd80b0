//! What is answered to whom: docs/security.md.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::daemon::{Response, Running, Scratch, eventually_or, fixture, send};
use crate::web::Guarded;

/// Paths that answer local and authenticated clients, how they are asked, what
/// they answer then, and the option that opens them.
const CLOSED: [(&str, &str, u16, &str); 5] = [
    ("POST", "/api/v1/analyze", 200, "--web.enable-uploads"),
    ("POST", "/api/v1/traces", 400, "--web.enable-uploads"),
    (
        "POST",
        "/api/v1/alertmanager",
        409,
        "--web.enable-alert-webhook",
    ),
    ("GET", "/api/v1/evidence", 200, "--web.enable-evidence"),
    (
        "GET",
        "/api/v1/evidence/latest",
        404,
        "--web.enable-evidence",
    ),
];

fn serving(scratch: &Scratch, more: &[&str]) -> Running {
    let directory = scratch.directory("in");
    let watch = format!("--watch={}", directory.display());
    Running::listening(scratch.path(), &[&[watch.as_str()], more].concat())
}

/// Asks with these headers and, by POST, a body that the path takes.
fn ask(gotracer: &Running, method: &str, path: &str, headers: &str) -> Response {
    let body = match path {
        "/api/v1/analyze" => fs::read(fixture("go1.27.3/empty.trace")).unwrap(),
        "/api/v1/alertmanager" => br#"{"alerts": []}"#.to_vec(),
        _ => Vec::new(),
    };
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.0\r\nContent-Length: {length}\r\n{headers}\r\n");
    send(&gotracer.address, &[head.as_bytes(), &body].concat()).unwrap()
}

#[test]
fn some_paths_answer_local_clients_only_unless_an_option_opens_them() {
    let scratch = Scratch::new();
    let gotracer = serving(&scratch, &[]);
    let port = gotracer.address.rsplit(':').next().unwrap();
    for (method, path, good, option) in CLOSED {
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            let answer = ask(&gotracer, method, path, &format!("Host: {host}:{port}\r\n"));
            assert_eq!(answer.status, good, "{path}: {}", answer.text());
        }
        for headers in [
            "",
            "Host: evil.example\r\n",
            "Host: gotracer.internal:16060\r\n",
            "Host: localhost\r\nX-Forwarded-For: 192.0.2.1\r\n",
            "Host: localhost\r\nForwarded: for=192.0.2.1\r\n",
        ] {
            let answer = ask(&gotracer, method, path, headers);
            assert_eq!(answer.status, 403, "{path} {headers:?}");
            assert!(answer.text().contains(option), "{}", answer.text());
        }
    }
    // Other paths answer everyone, and what is refused has no effect.
    for path in [
        "/",
        "/metrics",
        "/config",
        "/api/v1/reports",
        "/api/v1/targets",
    ] {
        let answer = ask(&gotracer, "GET", path, "Host: gotracer.internal\r\n");
        assert_eq!(answer.status, 200, "{path}");
    }
}

#[test]
fn options_open_paths_to_all() {
    for option in [
        "--web.enable-uploads",
        "--web.enable-alert-webhook",
        "--web.enable-evidence",
    ] {
        let scratch = Scratch::new();
        let gotracer = serving(&scratch, &[option]);
        for (method, path, good, needs) in CLOSED {
            let answer = ask(&gotracer, method, path, "Host: gotracer.internal\r\n");
            let expected = if needs == option { good } else { 403 };
            assert_eq!(answer.status, expected, "{path} with {option}");
        }
    }
}

#[test]
fn a_password_opens_paths_too() {
    let scratch = Scratch::new();
    let file = scratch.path().join("web.yml");
    let hash = bcrypt::hash("open", 4).unwrap();
    fs::write(&file, format!("basic_auth_users: {{a: '{hash}'}}")).unwrap();
    let gotracer = serving(
        &scratch,
        &[&format!("--web.config.file={}", file.display())],
    );
    for (method, path, good, _) in CLOSED {
        for (user, expected) in [("a:open", good), ("a:shut", 401)] {
            let user = STANDARD.encode(user);
            let headers = format!("Host: gotracer.internal\r\nAuthorization: Basic {user}\r\n");
            let answer = ask(&gotracer, method, path, &headers);
            assert_eq!(answer.status, expected, "{path}");
        }
    }
}

#[test]
fn a_certificate_opens_paths_if_it_is_verified() {
    let guarded = Guarded::start();
    let tls = "tls_server_config:\n  cert_file: server.cert.pem\n  key_file: server.key.pem\n  ";
    for (kind, ca, with, without) in [
        ("RequestClientCert", "", "403", "403"),
        (
            "VerifyClientCertIfGiven",
            "client_ca_file: authority.pem",
            "200",
            "403",
        ),
    ] {
        // The header tells when it is in force.
        let header = format!("http_server_config: {{headers: {{X-XSS-Protection: {kind}}}}}");
        guarded.write(&format!(
            "{tls}client_auth_type: {kind}\n  {ca}\n{header}\n"
        ));
        let status = |client| {
            let answer = guarded.get(client, "/api/v1/evidence", "").ok()?;
            let in_force = answer.contains(&format!("x-xss-protection: {kind}\r\n"));
            in_force.then(|| answer.split(' ').nth(1).unwrap().to_owned())
        };
        let asked = || status(Some(&guarded.client));
        let found = eventually_or(kind, || guarded.gotracer.log(), asked);
        assert_eq!(found, with, "{kind}");
        assert_eq!(status(None).as_deref(), Some(without), "{kind}");
    }
}

#[test]
fn pages_of_other_sites_cannot_post_or_probe() {
    let scratch = Scratch::new();
    let options = [
        "--web.enable-lifecycle",
        "--web.enable-uploads",
        "--web.enable-alert-webhook",
    ];
    let gotracer = serving(&scratch, &options);
    let host = &gotracer.address;
    for (path, good) in [
        ("/-/reload", 200),
        ("/api/v1/analyze", 200),
        ("/api/v1/alertmanager", 409),
    ] {
        for (headers, expected) in [
            ("Sec-Fetch-Site: cross-site\r\n".to_owned(), 403),
            ("Sec-Fetch-Site: same-site\r\n".to_owned(), 403),
            ("Origin: http://evil.example\r\n".to_owned(), 403),
            ("Origin: null\r\n".to_owned(), 403),
            ("Sec-Fetch-Site: same-origin\r\n".to_owned(), good),
            (format!("Origin: http://{host}\r\n"), good),
            (String::new(), good),
        ] {
            let answer = ask(
                &gotracer,
                "POST",
                path,
                &format!("Host: {host}\r\n{headers}"),
            );
            assert_eq!(
                answer.status,
                expected,
                "{path} {headers}: {}",
                answer.text()
            );
        }
    }
    let image = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n";
    assert_eq!(ask(&gotracer, "GET", "/probe?target=x", image).status, 403);
    let link = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n";
    assert_eq!(ask(&gotracer, "GET", "/probe?target=x", link).status, 400);
    let log = gotracer.log();
    assert_eq!(log.matches("configuration reloaded").count(), 3, "{log}");
}

#[test]
fn browsers_may_only_show_what_is_answered() {
    let scratch = Scratch::new();
    let file = scratch.path().join("web.yml");
    let other = "http_server_config: {headers: {X-Frame-Options: sameorigin}}";
    fs::write(&file, other).unwrap();
    let option = format!("--web.config.file={}", file.display());
    for (options, frames) in [(vec![], "deny"), (vec![option.as_str()], "sameorigin")] {
        let scratch = Scratch::new();
        let gotracer = serving(&scratch, &options);
        for path in ["/", "/releases", "/metrics", "/nothing", "/api/v1/targets"] {
            let head = ask(&gotracer, "GET", path, "").head;
            let has = |header: &str| head.contains(&format!("\r\n{header}"));
            assert!(has(&format!("x-frame-options: {frames}")), "{path}: {head}");
            assert!(has("x-content-type-options: nosniff"), "{path}: {head}");
            assert!(has("referrer-policy: no-referrer"), "{path}: {head}");
            let page = matches!(path, "/" | "/releases");
            let policy = "content-security-policy: default-src 'none'; ";
            assert_eq!(has(policy), page, "{path}: {head}");
        }
    }
}
