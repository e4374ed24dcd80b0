//! Where to send to, and how to be let in.

use std::fs;

use serde_json::{Value, json};

use crate::collector::{Collector, Options, Ports};
use crate::support::certificates::{Authority, self_signed};
use crate::support::daemon::{Scratch, eventually_or, fixture};
use crate::{TRACE, counter, findings, gotracer, sent, wait_sent};

/// Sends over TLS to a Collector that asks for a client's certificate.
fn over_tls(protocol: &str, port: impl Fn(&Ports) -> String) {
    let scratch = Scratch::new();
    let ports = Ports::free();
    let authority = Authority::new(scratch.path(), "authority");
    let server = authority.sign("collector", &["localhost"]);
    let client = authority.sign("client", &["client"]);
    let clients = format!(", client_ca_file: '{}'", authority.file);
    let Some(collector) = Collector::start_secure(&scratch, &ports, &server, &clients) else {
        return;
    };
    let address = port(&ports);
    let port = address.rsplit(':').next().unwrap();
    let endpoint = format!("https://localhost:{port}");
    let all = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", &authority.file),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", &client.cert),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", &client.key),
    ];
    // Who does not know the authority, and who has no certificate of his own,
    // stays outside.
    for known in [3, 4] {
        let (gotracer, directory) = gotracer(&scratch, &all[..known], &[]);
        fs::copy(fixture(TRACE), directory.join("a.trace")).unwrap();
        eventually_or(
            "it can't be sent",
            || gotracer.log(),
            || {
                gotracer
                    .sample(&counter("failures", "logs"))
                    .filter(|n| *n > 0.0)
            },
        );
        assert_eq!(gotracer.sample(&sent("logs")), Some(0.0));
        fs::remove_dir_all(directory).unwrap();
    }
    let (gotracer, directory) = gotracer(&scratch, &all, &[]);
    fs::copy(fixture(TRACE), directory.join("a.trace")).unwrap();
    wait_sent(&gotracer, "logs");
    collector.logs(findings());
}

#[test]
fn certificates_are_read_again_when_their_files_change() {
    let scratch = Scratch::new();
    let ports = Ports::free();
    let authority = Authority::new(scratch.path(), "authority");
    let server = authority.sign("collector", &["localhost"]);
    let other = Authority::new(scratch.path(), "other");
    let Some(collector) = Collector::start_secure(&scratch, &ports, &server, "") else {
        return;
    };
    let port = ports.http.rsplit(':').next().unwrap();
    let endpoint = format!("https://localhost:{port}");
    let trusted = scratch.path().join("trusted.pem");
    fs::copy(&other.file, &trusted).unwrap();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", trusted.to_str().unwrap()),
    ];
    let (gotracer, directory) = gotracer(&scratch, &variables, &[]);
    fs::copy(fixture(TRACE), directory.join("a.trace")).unwrap();
    let failures = || gotracer.sample(&counter("failures", "logs"));
    let refused = || failures().filter(|n| *n > 0.0);
    eventually_or("the Collector is not trusted", || gotracer.log(), refused);
    assert_eq!(gotracer.sample(&sent("logs")), Some(0.0));
    // The authority of the Collector: the same process sends what waits.
    fs::copy(&authority.file, &trusted).unwrap();
    wait_sent(&gotracer, "logs");
    collector.logs(findings());
}

/// What is logged of a receiver at an endpoint.
fn logged(variables: &[(&str, &str)], words: &str) {
    let scratch = Scratch::new();
    let (gotracer, directory) = gotracer(&scratch, variables, &[]);
    fs::copy(fixture(TRACE), directory.join("a.trace")).unwrap();
    let said = || gotracer.log().contains(words).then_some(());
    eventually_or(words, || gotracer.log(), said);
}

#[test]
fn what_is_wrong_with_tls_is_said_with_what_to_do() {
    let scratch = Scratch::new();
    let ports = Ports::free();
    let server = self_signed(scratch.path(), "server", &["localhost"]);
    let Some(collector) = Collector::start_secure(&scratch, &ports, &server, "") else {
        return;
    };
    let plain_ports = Ports::free();
    let plain_scratch = Scratch::new();
    let _plain = Collector::start(&plain_scratch, &plain_ports);
    for (protocol, secure, plain) in [
        ("grpc", &ports.grpc, &plain_ports.grpc),
        ("http/protobuf", &ports.http, &plain_ports.http),
    ] {
        let by = ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
        let to = |scheme: &str, address: &str| {
            format!("{scheme}://{}", address.replace("127.0.0.1", "localhost"))
        };
        let endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
        let url = to("https", secure);
        let words = "set OTEL_EXPORTER_OTLP_CERTIFICATE";
        logged(&[by, (endpoint, &url)], words);
        logged(&[by, (endpoint, &to("http", secure))], "use https://");
        let words = "it does not speak TLS: use http://";
        logged(&[by, (endpoint, &to("https", plain))], words);
        // The certificate itself is trusted, though it is an authority's.
        let trusted = ("OTEL_EXPORTER_OTLP_CERTIFICATE", &*server.cert);
        let own = Scratch::new();
        let (gotracer, directory) = gotracer(&own, &[by, (endpoint, &url), trusted], &[]);
        fs::copy(fixture(TRACE), directory.join("a.trace")).unwrap();
        wait_sent(&gotracer, "logs");
    }
    collector.logs(2 * findings());
}

#[test]
fn tls_with_certificates_on_both_sides_by_grpc() {
    over_tls("grpc", |ports| ports.grpc.clone());
}

#[test]
fn tls_with_certificates_on_both_sides_by_http() {
    over_tls("http/protobuf", |ports| ports.http.clone());
}

#[test]
fn each_signal_has_its_own_place_way_and_headers() {
    let scratch = Scratch::new();
    let ports = Ports::free();
    let options = Options {
        moody: concat!(
            "headers: {x-tenant: 'a b', user-agent: 'gotracer/",
            env!("CARGO_PKG_VERSION"),
            " OTel-OTLP-Exporter-Rust/",
            env!("CARGO_PKG_VERSION"),
            "'}"
        ),
        ..Options::default()
    };
    let Some(collector) = Collector::start_with(&scratch, &ports, &options) else {
        return;
    };
    let logs = format!("http://{}", ports.grpc);
    let metrics = format!("http://{}/v1/metrics", ports.http);
    let variables = [
        // Nobody is there, and nobody goes there.
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:1"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=wrong"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", &logs),
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "x-tenant=a%20b"),
        ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "none"),
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "9000"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &metrics),
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf"),
    ];
    let (gotracer, directory) = gotracer(&scratch, &variables, &[]);
    fs::copy(fixture(TRACE), directory.join("a.trace")).unwrap();
    wait_sent(&gotracer, "logs");
    wait_sent(&gotracer, "metrics");
    collector.logs(findings());
    collector.metrics("unknown_service", |_| true);
    for signal in ["logs", "metrics"] {
        assert_eq!(gotracer.sample(&counter("failures", signal)), Some(0.0));
    }
}

/// The attributes of a resource, by name.
fn sorted(resource: &Value) -> Vec<String> {
    let attributes = resource["attributes"].as_array().unwrap();
    let mut attributes: Vec<_> = attributes.iter().map(Value::to_string).collect();
    attributes.sort();
    attributes
}

#[test]
fn labels_of_the_target_are_the_resource() {
    let scratch = Scratch::new();
    let ports = Ports::free();
    let Some(collector) = Collector::start(&scratch, &ports) else {
        return;
    };
    let flags = [
        &*format!("--otlp.endpoint=http://{}", ports.http),
        "--watch.pattern={namespace}_{pod}_{service}_{version}_{instance}.trace",
    ];
    let environment = "service.name=weaker,k8s.cluster.name=c1,deployment.environment.name=prod";
    let variables = [
        ("OTEL_RESOURCE_ATTRIBUTES", environment),
        ("OTEL_SERVICE_NAME", "weak"),
    ];
    let (_gotracer, directory) = gotracer(&scratch, &variables, &flags);
    let name = "shop_cart-0_cart_1.2.3_10.0.0.1.trace";
    fs::copy(fixture(TRACE), directory.join(name)).unwrap();
    let metrics = collector.metrics("cart", |_| true);
    for (resource, _, _) in &collector.logs(findings()) {
        assert_eq!(sorted(resource), sorted(&metrics["resource"]));
    }
    for (name, value) in [
        ("service.name", "cart"),
        ("service.version", "1.2.3"),
        ("service.instance.id", "10.0.0.1"),
        ("k8s.namespace.name", "shop"),
        ("k8s.pod.name", "cart-0"),
        ("k8s.cluster.name", "c1"),
        ("deployment.environment.name", "prod"),
    ] {
        let found = crate::collector::attribute(&metrics["resource"], name);
        assert_eq!(found, json!(value), "{name}");
    }
}
