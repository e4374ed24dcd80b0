//! Where to send, and how: the standard environment variables, and two flags
//! that are stronger than they are.

use std::time::Duration;

use hyper::Uri;
use hyper::header::{HeaderName, HeaderValue};
use rustls::ClientConfig;
use serde::{Deserialize, Serialize};

use super::environment::{Environment, own};
use super::metrics::{Histograms, Style};
use super::stats::Signal;
use super::tls::Files;
use super::totals::Temporality;

/// What the specification says where nobody says anything.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How many bytes each signal's queue holds: some hours of a few hundred
/// targets' findings.
const QUEUE: usize = 32 << 20;

/// Where to send, and how.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where findings go.
    pub logs: Option<Endpoint>,
    /// Where measurements go.
    pub metrics: Option<Endpoint>,
    /// Where spans go.
    pub traces: Option<Endpoint>,
    /// Attributes of every resource; the target's labels are stronger.
    pub resource: Vec<(String, String)>,
    /// How metrics are told.
    pub style: Style,
    /// How many bytes may wait, by signal.
    pub queue_bytes: usize,
}

/// The key `otlp` of the configuration.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether anything is sent, if there is somewhere to send it to.
    pub enabled: bool,
    /// Whether each trace is sent as a span that its findings belong to.
    pub spans: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            spans: false,
        }
    }
}

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// Where to send both.
    pub endpoint: Option<String>,
    /// How to send both.
    pub protocol: Option<Protocol>,
    /// How many bytes may wait.
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

/// Where one signal goes.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The whole URL of a request.
    pub url: Uri,
    /// How to talk to it.
    pub protocol: Protocol,
    /// More headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// Whether to compress with gzip.
    pub gzip: bool,
    /// TLS, for https.
    pub tls: ClientConfig,
}

/// Why the configuration can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A value that nothing can be done with.
    #[error("{variable}: \"{value}\" is not {wanted}")]
    Value {
        /// Who said it.
        variable: String,
        /// What it says.
        value: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// Certificates or keys that can't be used.
    #[error("TLS for OTLP: {0}")]
    Tls(String),
}

impl Config {
    /// What the environment and the flags say. None if nothing is to be sent.
    ///
    /// # Errors
    /// If something in it can't be used.
    pub fn read(
        variable: &dyn Fn(&str) -> Option<String>,
        flags: &Flags,
    ) -> Result<Option<Self>, ConfigError> {
        let environment = Environment(variable);
        if environment.is_true("OTEL_SDK_DISABLED") {
            return Ok(None);
        }
        let logs = endpoint(Signal::Logs, &environment, flags)?;
        let metrics = endpoint(Signal::Metrics, &environment, flags)?;
        let traces = endpoint(Signal::Traces, &environment, flags)?;
        if logs.is_none() && metrics.is_none() && traces.is_none() {
            return Ok(None);
        }
        Ok(Some(Self {
            logs,
            metrics,
            traces,
            resource: environment.resource()?,
            style: style(&environment)?,
            queue_bytes: flags.queue_bytes.unwrap_or(QUEUE),
        }))
    }
}

fn endpoint(
    signal: Signal,
    environment: &Environment<'_>,
    flags: &Flags,
) -> Result<Option<Endpoint>, ConfigError> {
    let exporter = format!("OTEL_{}_EXPORTER", signal.name().to_uppercase());
    if environment
        .get(&exporter)
        .is_some_and(|e| e.trim() == "none")
    {
        return Ok(None);
    }
    let from_flag = flags
        .endpoint
        .clone()
        .map(|e| (e, "--otlp.endpoint".into()));
    let Some((text, said_by)) = from_flag.or_else(|| environment.of(signal, "ENDPOINT")) else {
        return Ok(None);
    };
    let whole = said_by == own(signal, "ENDPOINT");
    let bad = |wanted| ConfigError::Value {
        variable: said_by.clone(),
        value: text.clone(),
        wanted,
    };
    let insecure = environment.value(signal, "INSECURE");
    let insecure = insecure.is_some_and(|v| v.trim().eq_ignore_ascii_case("true"));
    let with_scheme = match text.trim() {
        text if text.contains("://") => text.to_string(),
        text if insecure => format!("http://{text}"),
        text => format!("https://{text}"),
    };
    let base: Uri = with_scheme.parse().map_err(|_| bad("a URL"))?;
    let scheme = base.scheme_str().unwrap_or_default();
    let (Some(authority), "http" | "https") = (base.authority(), scheme) else {
        return Err(bad("a URL with http or https"));
    };
    let protocol = protocol(signal, environment, flags, &base)?;
    let path = match protocol {
        Protocol::Grpc => grpc_path(signal).to_string(),
        Protocol::Http if whole => base
            .path_and_query()
            .map_or("/", |p| p.as_str())
            .to_string(),
        Protocol::Http => format!("{}/v1/{}", base.path().trim_end_matches('/'), signal.name()),
    };
    let url = format!("{scheme}://{authority}{path}").parse();
    let files = Files {
        certificate: environment.value(signal, "CERTIFICATE"),
        client_certificate: environment.value(signal, "CLIENT_CERTIFICATE"),
        client_key: environment.value(signal, "CLIENT_KEY"),
    };
    Ok(Some(Endpoint {
        url: url.map_err(|_| bad("a URL"))?,
        protocol,
        headers: environment.headers(signal)?,
        timeout: timeout(signal, environment)?,
        gzip: gzip(signal, environment)?,
        tls: files.load()?,
    }))
}

/// How metrics are told. What was measured is sent as it is where nobody says
/// otherwise: points for one trace each, with the exponential buckets it has.
fn style(environment: &Environment<'_>) -> Result<Style, ConfigError> {
    let temporality = [
        ("delta", Temporality::Delta),
        ("lowmemory", Temporality::Delta),
        ("cumulative", Temporality::Cumulative),
    ];
    let histograms = [
        (
            "base2_exponential_bucket_histogram",
            Histograms::Exponential,
        ),
        ("explicit_bucket_histogram", Histograms::Explicit),
    ];
    Ok(Style {
        temporality: choice(
            environment,
            "TEMPORALITY_PREFERENCE",
            &temporality,
            "delta, cumulative or lowmemory",
        )?,
        histograms: choice(
            environment,
            "DEFAULT_HISTOGRAM_AGGREGATION",
            &histograms,
            "explicit_bucket_histogram or base2_exponential_bucket_histogram",
        )?,
    })
}

/// What a variable of the metrics chooses, upper and lower case being the same.
fn choice<T: Copy + Default>(
    environment: &Environment<'_>,
    name: &str,
    choices: &[(&str, T)],
    wanted: &'static str,
) -> Result<T, ConfigError> {
    let variable = own(Signal::Metrics, name);
    let Some(value) = environment.get(&variable) else {
        return Ok(T::default());
    };
    let chosen = choices
        .iter()
        .find(|(name, _)| value.trim().eq_ignore_ascii_case(name));
    match chosen {
        Some((_, choice)) => Ok(*choice),
        None => Err(ConfigError::Value {
            variable,
            value,
            wanted,
        }),
    }
}

/// The method's name as gRPC has it.
fn grpc_path(signal: Signal) -> &'static str {
    match signal {
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    }
}

/// HTTP where nothing is said, as the specification wants, except for the port
/// that is gRPC's: HTTP never works there.
fn protocol(
    signal: Signal,
    environment: &Environment<'_>,
    flags: &Flags,
    base: &Uri,
) -> Result<Protocol, ConfigError> {
    if let Some(protocol) = flags.protocol {
        return Ok(protocol);
    }
    let Some((value, variable)) = environment.of(signal, "PROTOCOL") else {
        let grpc = base.port_u16() == Some(4317);
        return Ok(if grpc { Protocol::Grpc } else { Protocol::Http });
    };
    match value.trim() {
        "grpc" => Ok(Protocol::Grpc),
        "http/protobuf" => Ok(Protocol::Http),
        _ => Err(ConfigError::Value {
            variable,
            value,
            wanted: "grpc or http/protobuf",
        }),
    }
}

fn timeout(signal: Signal, environment: &Environment<'_>) -> Result<Duration, ConfigError> {
    let Some((value, variable)) = environment.of(signal, "TIMEOUT") else {
        return Ok(TIMEOUT);
    };
    match value.trim().parse() {
        Ok(ms) if ms > 0 => Ok(Duration::from_millis(ms)),
        _ => Err(ConfigError::Value {
            variable,
            value,
            wanted: "a number of milliseconds above 0",
        }),
    }
}

fn gzip(signal: Signal, environment: &Environment<'_>) -> Result<bool, ConfigError> {
    let Some((value, variable)) = environment.of(signal, "COMPRESSION") else {
        return Ok(false);
    };
    match value.trim() {
        "gzip" => Ok(true),
        "none" => Ok(false),
        _ => Err(ConfigError::Value {
            variable,
            value,
            wanted: "gzip or none",
        }),
    }
}
