//! Configuration of endpoints and protocols: the standard environment variables, and flags that
//! override them.

use std::time::Duration;

use hyper::Uri;
use hyper::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::environment::{Environment, Ignored, own};
use super::style::{Histograms, Style, Temporality};
use super::tls::Files;
use crate::export::catalog::delivery::Signal;

/// Time of an attempt, by the specification's default.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Time from one collection of metrics to the next, by the specification's default.
const INTERVAL: Duration = Duration::from_secs(60);

/// How many bytes each signal's queue holds: some hours of a few hundred
/// targets' findings.
const QUEUE: usize = 32 << 20;

/// Configuration of the exporter.
#[derive(Clone, Debug)]
pub struct Config {
    /// Endpoint of findings.
    pub logs: Option<Endpoint>,
    /// Endpoint of metrics.
    pub metrics: Option<Endpoint>,
    /// Endpoint of spans.
    pub traces: Option<Endpoint>,
    /// Attributes of every resource; the target's labels override them.
    pub resource: Vec<(String, String)>,
    /// Form of the metrics.
    pub style: Style,
    /// Time from one collection of metrics to the next.
    pub interval: Duration,
    /// Bytes that may wait, by signal.
    pub queue_bytes: usize,
}

/// The key `otlp` of the configuration.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether anything is sent, if there is somewhere to send it to.
    pub enabled: bool,
    /// Whether each trace is sent as a span, which its findings belong to.
    pub spans: bool,
    /// Number of the slowest tasks of a trace that are sent as child spans under the ids that the
    /// program logs.
    pub task_spans: usize,
    /// Whether targets have metrics of OpenTelemetry's conventions for the Go runtime as well.
    pub go_metrics: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            spans: false,
            task_spans: 0,
            go_metrics: false,
        }
    }
}

/// Flags of the command line.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// Endpoint of all signals.
    pub endpoint: Option<String>,
    /// Protocol of all signals.
    pub protocol: Option<Protocol>,
    /// Bytes that may wait, by signal.
    pub queue_bytes: Option<usize>,
}

/// How requests are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// gRPC.
    Grpc,
    /// Protobuf by HTTP POST.
    Http,
}

/// Endpoint of one signal.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The whole URL of a request.
    pub url: Uri,
    /// Protocol.
    pub protocol: Protocol,
    /// More headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// Whether to compress with gzip.
    pub gzip: bool,
    /// Certificates, for https.
    pub tls: Files,
}

/// A flag that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("--otlp.endpoint: \"{value}\" is not {wanted}")]
pub struct ConfigError {
    /// Its value.
    value: String,
    /// Description of a usable value.
    wanted: &'static str,
}

impl Config {
    /// Reads the environment and the flags. Returns nothing if nothing is to be sent, and the
    /// variables that are ignored because they can't be used.
    ///
    /// # Errors
    /// If a flag can't be used.
    pub fn read(
        variable: &dyn Fn(&str) -> Option<String>,
        flags: &Flags,
    ) -> Result<(Option<Self>, Vec<Ignored>), ConfigError> {
        let environment = Environment::new(variable);
        if environment.is_true("OTEL_SDK_DISABLED") {
            return Ok((None, environment.ignored()));
        }
        let logs = endpoint(Signal::Logs, &environment, flags)?;
        let metrics = endpoint(Signal::Metrics, &environment, flags)?;
        let traces = endpoint(Signal::Traces, &environment, flags)?;
        if logs.is_none() && metrics.is_none() && traces.is_none() {
            return Ok((None, environment.ignored()));
        }
        let name = "OTEL_METRIC_EXPORT_INTERVAL";
        let interval = environment.get(name).map(|value| (value, name.into()));
        let interval = environment.milliseconds(interval);
        let config = Self {
            logs,
            metrics,
            traces,
            resource: environment.resource(),
            style: style(&environment),
            interval: interval.map_or(INTERVAL, Duration::from_millis),
            queue_bytes: flags.queue_bytes.unwrap_or(QUEUE),
        };
        Ok((Some(config), environment.ignored()))
    }
}

/// Whether a signal is to be sent by OTLP: `OTEL_{LOGS,METRICS,TRACES}_EXPORTER` may list others.
fn is_sent(signal: Signal, environment: &Environment<'_>) -> bool {
    let name = format!("OTEL_{}_EXPORTER", signal.name().to_uppercase());
    let Some(value) = environment.get(&name) else {
        return true;
    };
    let exporters: Vec<_> = value.split(',').map(str::trim).collect();
    let lists = |name: &str| exporters.iter().any(|e| e.eq_ignore_ascii_case(name));
    if !lists("otlp") && !lists("none") {
        environment.ignore(&name, Some(value.clone()), "otlp or none; nothing is sent");
    }
    lists("otlp")
}

/// Endpoint of a signal.
///
/// # Errors
/// If the flag can't be used. A variable that can't be used is ignored.
fn endpoint(
    signal: Signal,
    environment: &Environment<'_>,
    flags: &Flags,
) -> Result<Option<Endpoint>, ConfigError> {
    if !is_sent(signal, environment) {
        return Ok(None);
    }
    if let Some(value) = &flags.endpoint {
        let value = value.trim();
        let endpoint = endpoint_at(value, false, signal, environment, flags);
        return endpoint.map(Some).map_err(|wanted| ConfigError {
            value: value.into(),
            wanted,
        });
    }
    let Some((value, variable)) = environment.of(signal, "ENDPOINT") else {
        return Ok(None);
    };
    let whole = variable == own(signal, "ENDPOINT");
    match endpoint_at(&value, whole, signal, environment, flags) {
        Ok(endpoint) => Ok(Some(endpoint)),
        Err(wanted) => {
            environment.ignore(&variable, Some(value), wanted);
            Ok(None)
        }
    }
}

/// Endpoint with this URL, which is the `whole` URL of requests or the base of it; or what the URL
/// should be.
fn endpoint_at(
    text: &str,
    whole: bool,
    signal: Signal,
    environment: &Environment<'_>,
    flags: &Flags,
) -> Result<Endpoint, &'static str> {
    let insecure = environment.value(signal, "INSECURE");
    let insecure = insecure.is_some_and(|v| v.eq_ignore_ascii_case("true"));
    let with_scheme = match text {
        text if text.contains("://") => text.to_string(),
        text if insecure => format!("http://{text}"),
        text => format!("https://{text}"),
    };
    let base: Uri = with_scheme.parse().map_err(|_| "a URL")?;
    let scheme = base.scheme_str().unwrap_or_default();
    let (Some(authority), "http" | "https") = (base.authority(), scheme) else {
        return Err("a URL with http or https");
    };
    let protocol = protocol(signal, environment, flags, &base);
    let path = match protocol {
        Protocol::Grpc => grpc_path(signal).to_string(),
        Protocol::Http if whole => base
            .path_and_query()
            .map_or("/", |p| p.as_str())
            .to_string(),
        Protocol::Http => format!("{}/v1/{}", base.path().trim_end_matches('/'), signal.name()),
    };
    let url = format!("{scheme}://{authority}{path}").parse();
    let timeout = environment.milliseconds(environment.of(signal, "TIMEOUT"));
    let compressions = [("none", false), ("gzip", true)];
    let gzip = environment.choice(environment.of(signal, "COMPRESSION"), &compressions);
    Ok(Endpoint {
        url: url.map_err(|_| "a URL")?,
        protocol,
        headers: environment.headers(signal),
        timeout: timeout.map_or(TIMEOUT, Duration::from_millis),
        gzip: gzip.unwrap_or(false),
        tls: Files {
            certificate: environment.value(signal, "CERTIFICATE"),
            client_certificate: environment.value(signal, "CLIENT_CERTIFICATE"),
            client_key: environment.value(signal, "CLIENT_KEY"),
        },
    })
}

/// Form of the metrics that the environment prefers.
fn style(environment: &Environment<'_>) -> Style {
    let temporality = [
        ("cumulative", Temporality::Cumulative),
        ("delta", Temporality::Delta),
        ("lowmemory", Temporality::Delta),
    ];
    let histograms = [
        ("explicit_bucket_histogram", Histograms::Explicit),
        (
            "base2_exponential_bucket_histogram",
            Histograms::Exponential,
        ),
    ];
    let of = |name: &str| {
        let variable = own(Signal::Metrics, name);
        environment.get(&variable).map(|value| (value, variable))
    };
    let temporality = environment.choice(of("TEMPORALITY_PREFERENCE"), &temporality);
    let histograms = environment.choice(of("DEFAULT_HISTOGRAM_AGGREGATION"), &histograms);
    Style {
        temporality: temporality.unwrap_or_default(),
        histograms: histograms.unwrap_or_default(),
    }
}

/// The method's name in gRPC.
fn grpc_path(signal: Signal) -> &'static str {
    match signal {
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    }
}

/// HTTP by default, as the specification wants, except for the port that is gRPC's: HTTP never
/// works there.
fn protocol(signal: Signal, environment: &Environment<'_>, flags: &Flags, base: &Uri) -> Protocol {
    if let Some(protocol) = flags.protocol {
        return protocol;
    }
    let protocols = [("grpc", Protocol::Grpc), ("http/protobuf", Protocol::Http)];
    let chosen = environment.choice(environment.of(signal, "PROTOCOL"), &protocols);
    chosen.unwrap_or(match base.port_u16() {
        Some(4317) => Protocol::Grpc,
        _ => Protocol::Http,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> (Option<Config>, Vec<Ignored>) {
        let variable = |name: &str| {
            let found = variables.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Config::read(&variable, &Flags::default()).unwrap()
    }

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318");

    #[test]
    fn values_that_cannot_be_used_are_ignored_and_named() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "10s"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "no-equals-sign"),
            ("OTEL_RESOURCE_ATTRIBUTES", "k=100%"),
            ("OTEL_RESOURCE_ATTRIBUTES", "k=v,broken"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "-1"),
            ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "sum"),
            ("OTEL_SDK_DISABLED", "yes"),
        ] {
            let (config, ignored) = read(&[ENDPOINT, (name, value)]);
            let config = config.unwrap();
            let logs = config.logs.unwrap();
            assert_eq!((logs.protocol, logs.gzip), (Protocol::Http, false));
            assert_eq!((logs.timeout, config.interval), (TIMEOUT, INTERVAL));
            assert!(config.resource.is_empty() && config.style == Style::default());
            let names: Vec<_> = ignored.iter().map(|i| i.variable.as_str()).collect();
            assert_eq!(names, [name]);
        }
        let (config, ignored) = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://here")]);
        assert!(config.is_none());
        let text = ignored[0].to_string();
        assert_eq!(
            text,
            "OTEL_EXPORTER_OTLP_ENDPOINT: \"ftp://here\" is not a URL with http or https"
        );
    }

    #[test]
    fn the_case_of_values_does_not_matter() {
        let (config, ignored) = read(&[
            ENDPOINT,
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "GRPC"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "GZip"),
            ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Delta"),
            ("OTEL_TRACES_EXPORTER", "NONE"),
        ]);
        let config = config.unwrap();
        assert_eq!(ignored, []);
        let logs = config.logs.unwrap();
        assert_eq!((logs.protocol, logs.gzip), (Protocol::Grpc, true));
        assert_eq!(config.style.temporality, Temporality::Delta);
        assert!(config.traces.is_none() && config.metrics.is_some());
    }

    #[test]
    fn only_signals_whose_exporter_is_otlp_are_sent() {
        for (value, sent, warned) in [
            ("otlp", true, false),
            ("console, OTLP", true, false),
            ("none", false, false),
            ("console", false, true),
        ] {
            let (config, ignored) = read(&[ENDPOINT, ("OTEL_LOGS_EXPORTER", value)]);
            assert_eq!(config.unwrap().logs.is_some(), sent, "{value}");
            assert_eq!(!ignored.is_empty(), warned, "{value}");
        }
    }
}
