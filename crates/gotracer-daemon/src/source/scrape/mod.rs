//! Traces from Go programs that run: `/debug/pprof/trace?seconds=N` over HTTP.
//!
//! An answer is handed on while it comes in and never held as a whole.

mod blocking;
mod capture;
mod feed;
mod target;

use std::time::Duration;

use hyper::Method;
use hyper::body::Bytes;
use serde::{Deserialize, Serialize};

pub use blocking::{Running, capture};
pub use capture::{Capture, Scraper};
pub use feed::{Reader, pipe};
pub use target::{Target, TargetError};

use crate::source::http::{ClientError, HttpOptions};
use crate::tls::trouble::TLS_CONFIG;

/// Whether a program is traced now and then or all the time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// A trace of some seconds at every interval.
    #[default]
    Scrape,
    /// One trace after the other without a pause, each analysed while it comes
    /// in.
    Stream,
}

impl Mode {
    /// For how many seconds the program is to trace itself, if nobody says.
    pub fn seconds(self) -> u32 {
        match self {
            Self::Scrape => 5,
            Self::Stream => 3600,
        }
    }
}

/// How to capture.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Options {
    /// Now and then, or all the time.
    pub mode: Mode,
    /// How many bytes a second a stream may have on average: one that has more
    /// is interrupted.
    pub stream_budget: u64,
    /// From the start of one capture of a target to the start of the next.
    pub interval: Duration,
    /// For how long the program is to trace itself.
    pub seconds: u32,
    /// How long connecting may take, and how much longer than `seconds` the
    /// answer.
    pub timeout: Duration,
    /// The most bytes to read; what came until then is analysed. Of a stream,
    /// the most bytes of a generation.
    pub limit: u64,
    /// How to ask.
    pub method: Method,
    /// What to send along.
    pub body: Bytes,
    /// Who we are, whom to believe, and what else to say.
    pub http: HttpOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            stream_budget: 10 << 20,
            interval: Duration::from_secs(60),
            seconds: Mode::default().seconds(),
            timeout: Duration::from_secs(10),
            limit: 256 << 20,
            method: Method::GET,
            body: Bytes::new(),
            http: HttpOptions::default(),
        }
    }
}

/// Why a capture failed or ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScrapeError {
    /// Nobody listens there.
    #[error("the connection was refused")]
    Refused,
    /// The host can't be reached or is not known.
    #[error("cannot connect: {0}")]
    Unreachable(String),
    /// What is to be said to be let in can't be had.
    #[error("no credentials: {0}")]
    Credentials(String),
    /// The two do not trust each other, or do not speak TLS.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// It took too long.
    #[error("no complete answer within {0:?}")]
    Timeout(Duration),
    /// Nothing came for so long, though the program should be tracing.
    #[error("nothing came for {0:?}")]
    Stalled(Duration),
    /// The program's HTTP server would cut the answer off.
    #[error(
        "the program's http.Server has a WriteTimeout shorter than the trace; capture fewer seconds"
    )]
    WriteTimeout,
    /// A Go program makes one trace at a time.
    #[error("the program is already being traced by somebody else")]
    AlreadyTracing,
    /// Another answer than a trace.
    #[error("the answer was {status}{}", .said.as_deref().map(|s| format!(": {s}")).unwrap_or_default())]
    Status {
        /// The status.
        status: hyper::StatusCode,
        /// The start of the answer's text.
        said: Option<String>,
    },
    /// There is a connection, but no answer.
    #[error("{0}")]
    NoAnswer(String),
    /// The connection ended within the answer.
    #[error("the answer broke off: {0}")]
    BrokeOff(String),
    /// More bytes than allowed.
    #[error("the trace is larger than {0} bytes; only its beginning was read")]
    TooLarge(u64),
}

impl ScrapeError {
    /// What to do about it, most often in the Go program.
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
                401 | 403 => "say who you are with --header or --http.config.file",
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
                400 => "the handler wants something else; give the whole URL with its parameters",
                500.. => "the log of the program may say why",
                _ => return None,
            },
            _ => return None,
        })
    }

    /// Why there was no answer within `allowed`.
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
