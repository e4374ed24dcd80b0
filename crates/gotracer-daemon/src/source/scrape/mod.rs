//! Captures of running Go programs: `/debug/pprof/trace?seconds=N` over HTTP.
//!
//! A response is analyzed while it is received and never held as a whole.

mod blocking;
mod capture;
mod cpu_profile;
mod feed;
mod gathered;
mod leak;
mod profile;
mod target;

use std::time::Duration;

use hyper::Method;
use hyper::body::Bytes;
use serde::{Deserialize, Serialize};

pub use blocking::{Running, capture};
pub use capture::{Capture, Scraper};
pub use feed::{Reader, pipe};
pub use leak::LeakError;
pub(super) use target::is_socket;
pub use target::{Target, TargetError};

use crate::source::http::{ClientError, HttpOptions};
use crate::tls::trouble::TLS_CONFIG;

/// Periodic captures or a continuous stream.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// A trace of a few seconds at every interval.
    #[default]
    Scrape,
    /// One trace after the other without a pause, each analyzed while it is
    /// received.
    Stream,
}

impl Mode {
    /// Returns the default duration of a trace, seconds.
    pub fn seconds(self) -> u32 {
        match self {
            Self::Scrape => 5,
            Self::Stream => 3600,
        }
    }
}

/// Options of captures.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Options {
    /// Periodic or continuous.
    pub mode: Mode,
    /// Maximum average rate of a stream, bytes per second. A faster stream is
    /// interrupted.
    pub stream_budget: u64,
    /// Maximum average rate of periodic captures, bytes per second. Captures of
    /// a program that exceeds it are shorter, then rarer.
    pub scrape_budget: Option<u64>,
    /// Interval between the starts of two captures of a target.
    pub interval: Duration,
    /// Requests a CPU profile beside each trace, so that the trace has CPU
    /// samples.
    pub cpu_samples: bool,
    /// Requests a profile of leaked goroutines once an hour.
    pub leak_profile: bool,
    /// Duration of a trace, seconds.
    pub seconds: u32,
    /// Timeout of connecting, and of the response beyond `seconds`.
    pub timeout: Duration,
    /// Maximum size of a trace, bytes; its start is analyzed. For a stream, the
    /// maximum size of a generation.
    pub limit: u64,
    /// HTTP method.
    pub method: Method,
    /// Body of the request.
    pub body: Bytes,
    /// Credentials, TLS, headers and redirects.
    pub http: HttpOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            stream_budget: 10 << 20,
            scrape_budget: None,
            interval: Duration::from_secs(60),
            cpu_samples: false,
            leak_profile: false,
            seconds: Mode::default().seconds(),
            timeout: Duration::from_secs(10),
            limit: 256 << 20,
            method: Method::GET,
            body: Bytes::new(),
            http: HttpOptions::default(),
        }
    }
}

/// Error of a capture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScrapeError {
    /// The connection was refused.
    #[error("the connection was refused")]
    Refused,
    /// The host is unknown or unreachable.
    #[error("cannot connect: {0}")]
    Unreachable(String),
    /// Credentials can't be read.
    #[error("no credentials: {0}")]
    Credentials(String),
    /// The TLS handshake failed.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// The response did not end in time.
    #[error("no complete answer within {0:?}")]
    Timeout(Duration),
    /// A stream had no data for this long.
    #[error("no data for {0:?}")]
    Stalled(Duration),
    /// The program's HTTP server would cut off the response.
    #[error(
        "the program's http.Server has a WriteTimeout shorter than the trace; capture fewer seconds"
    )]
    WriteTimeout,
    /// Another client is tracing the program; Go allows one trace at a time.
    #[error("another client is tracing the program already")]
    AlreadyTracing,
    /// The status is not 200.
    #[error("the answer was {status}{}", .said.as_deref().map(|s| format!(": {s}")).unwrap_or_default())]
    Status {
        /// The status.
        status: hyper::StatusCode,
        /// First line of the response.
        said: Option<String>,
    },
    /// The connection ended without a response.
    #[error("{0}")]
    NoAnswer(String),
    /// The connection ended within the response.
    #[error("the answer broke off: {0}")]
    BrokeOff(String),
    /// The trace is larger than `limit`.
    #[error("the trace is larger than {0} bytes; only its beginning was read")]
    TooLarge(u64),
}

impl ScrapeError {
    /// Returns advice, usually for the Go program.
    pub fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::Refused => {
                "does the program run, and serve net/http/pprof there? It needs \
                import _ \"net/http/pprof\" and go http.ListenAndServe(\"localhost:6060\", nil)"
            }
            Self::Tls(why) if why.contains(TLS_CONFIG.authorities) => {
                "tls_config is a key of the file for --http.config.file, and \
                insecure_skip_verify: true in it trusts any certificate"
            }
            Self::Tls(why) if why.contains("tls_config.") => {
                "tls_config is a key of the file for --http.config.file"
            }
            Self::WriteTimeout => {
                "or raise WriteTimeout, or serve net/http/pprof by an http.Server without one"
            }
            Self::AlreadyTracing => {
                "wait until that trace is over, or end it with trace.Stop(); since Go 1.25 \
                trace.FlightRecorder runs beside it"
            }
            Self::Status { status, said } => match status.as_u16() {
                407 => {
                    "set user name and password in proxy_url, as in http://user:password@proxy:3128"
                }
                401 | 403 => "set credentials with --header or --http.config.file",
                404 => {
                    "nothing serves traces there: import _ \"net/http/pprof\" where \
                    http.DefaultServeMux is served, else mux.HandleFunc(\"/debug/pprof/trace\", \
                    pprof.Trace); or give the whole URL"
                }
                400 if said
                    .as_deref()
                    .is_some_and(|said| said.contains("https://")) =>
                {
                    return None;
                }
                400 => "the handler needs other parameters; give the whole URL",
                500.. => "the log of the program may say why",
                _ => return None,
            },
            _ => return None,
        })
    }

    /// Converts an error of the HTTP client; `allowed` was the timeout.
    fn from_client(error: ClientError, allowed: Duration) -> Self {
        match error {
            ClientError::Credentials(why) => Self::Credentials(why),
            ClientError::Tls(why) => Self::Tls(why),
            ClientError::Refused => Self::Refused,
            ClientError::ConnectTimeout => Self::Timeout(allowed),
            ClientError::NoAnswer(why) => Self::NoAnswer(why),
            ClientError::Connect(why) => Self::Unreachable(why),
            other => Self::Unreachable(other.to_string()),
        }
    }
}
