//! One attempt to send: a POST whose body is the message, or the message in a gRPC frame. A unary
//! gRPC call is a POST too, so both protocols share one client, its TLS and its timeouts.

use std::io::Write;
use std::time::{Duration, SystemTime};

use gotracer_core::causes::{chain, with_causes};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::ClientConfig;
use tokio::sync::Mutex;

use super::answer::{self, Accepted};
use super::config::{Endpoint, Protocol};
use super::retry;
use crate::export::catalog::delivery::Signal;
use crate::tls::TlsError;
use crate::tls::trouble::{self, Options};

/// Most bytes that are read of an answer.
const ANSWER: usize = 64 << 10;

/// `User-Agent` in the specification's form, with the product first.
const AGENT: &str = concat!(
    "gotracer/",
    env!("CARGO_PKG_VERSION"),
    " OTel-OTLP-Exporter-Rust/",
    env!("CARGO_PKG_VERSION")
);

/// Names of the options of TLS in error messages.
const OPTIONS: Options = Options {
    authorities: "OTEL_EXPORTER_OTLP_CERTIFICATE",
    server_name: None,
    client: "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY",
};

/// Why an attempt failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The receiver refused the message.
    Refused(String),
    /// The message may be sent again.
    Later {
        /// Reason.
        error: String,
        /// Wait before the next attempt, if the receiver asked for one.
        wait: Option<Duration>,
    },
}

/// Sends one signal's messages.
pub(super) struct Client {
    http: Mutex<Option<Connected>>,
    endpoint: Endpoint,
    signal: Signal,
}

type Http = HyperClient<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client with the certificates that were there when it was made.
struct Connected {
    stamps: [Option<SystemTime>; 3],
    http: Http,
}

impl Client {
    /// Client of an endpoint.
    pub(super) fn new(endpoint: Endpoint, signal: Signal) -> Self {
        Self {
            http: Mutex::default(),
            endpoint,
            signal,
        }
    }

    /// Returns a client with the certificates that the files hold now. As long as the files do not
    /// change, that is the last one with its connections.
    async fn http(&self) -> Result<Http, Failure> {
        let mut last = self.http.lock().await;
        let files = self.endpoint.tls.clone();
        let before = last.as_ref().map(|last| last.stamps);
        let loaded = tokio::task::spawn_blocking(move || {
            let stamps = files.stamps();
            match before == Some(stamps) {
                true => Ok(None),
                false => files.load().map(|tls| Some((stamps, tls))),
            }
        });
        let loaded = loaded.await.map_err(|e| later(e.to_string()))?;
        let loaded = loaded.map_err(|TlsError(error)| later(format!("TLS: {error}")))?;
        if let Some((stamps, tls)) = loaded {
            let http = self.connector(tls);
            *last = Some(Connected { stamps, http });
        }
        let last = last.as_ref().map(|last| last.http.clone());
        last.ok_or_else(|| later("there is no client".into()))
    }

    fn connector(&self, tls: ClientConfig) -> Http {
        let grpc = self.endpoint.protocol == Protocol::Grpc;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let tls = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http();
        let connector = match grpc {
            true => tls.enable_http2().wrap_connector(tcp),
            false => tls.enable_http1().wrap_connector(tcp),
        };
        HyperClient::builder(TokioExecutor::new())
            .http2_only(grpc)
            .build(connector)
    }

    /// Sends a message and returns the receiver's answer.
    pub(super) async fn send(&self, message: Bytes) -> Result<Accepted, Failure> {
        let timeout = self.endpoint.timeout;
        let attempt = async {
            let request = self.request(message)?;
            let answer = self.http().await?.request(request).await;
            let answer = answer.map_err(|e| later(self.unanswered(&e)))?;
            self.judge(answer).await
        };
        let ended = tokio::time::timeout(timeout, attempt).await;
        ended.unwrap_or_else(|_| Err(later(format!("no answer within {timeout:?}"))))
    }

    /// Reason for which there is no answer.
    fn unanswered(&self, error: &hyper_util::client::legacy::Error) -> String {
        if let Some(why) = trouble::of(error, &OPTIONS) {
            return why;
        }
        let https = self.endpoint.url.scheme_str() == Some("https");
        let plain = with_causes(chain(error));
        match (error.is_connect(), https) {
            (true, _) => plain,
            (false, true) => trouble::silence(error, https),
            (false, false) if self.endpoint.protocol == Protocol::Grpc => {
                format!("{plain}; if it speaks TLS, use https://, and if HTTP/1.1, http/protobuf")
            }
            (false, false) => format!("{}, and if gRPC, grpc", trouble::silence(error, https)),
        }
    }

    fn request(&self, message: Bytes) -> Result<Request<Full<Bytes>>, Failure> {
        let Endpoint {
            url,
            protocol,
            headers,
            gzip,
            ..
        } = &self.endpoint;
        let refused = |e: &dyn std::fmt::Display| Failure::Refused(e.to_string());
        let body = match gzip {
            true => compress(&message).map_err(|e| refused(&e))?.into(),
            false => message,
        };
        let request = Request::post(url).header("user-agent", AGENT);
        let (mut request, body) = match protocol {
            Protocol::Http => {
                let request = request.header("content-type", "application/x-protobuf");
                match gzip {
                    true => (request.header("content-encoding", "gzip"), body),
                    false => (request, body),
                }
            }
            Protocol::Grpc => {
                let request = request
                    .header("content-type", "application/grpc")
                    .header("te", "trailers");
                match gzip {
                    true => (request.header("grpc-encoding", "gzip"), frame(&body, true)),
                    false => (request, frame(&body, false)),
                }
            }
        };
        if let Some(all) = request.headers_mut() {
            for (name, value) in headers {
                all.insert(name, value.clone());
            }
        }
        request.body(Full::new(body)).map_err(|e| refused(&e))
    }

    async fn judge(&self, answer: Response<Incoming>) -> Result<Accepted, Failure> {
        let (head, body) = answer.into_parts();
        let status = head.status.as_u16();
        if status != 200 || self.endpoint.protocol == Protocol::Http {
            let text = start(body).await;
            let error = || {
                let words = answer::words(&head.headers, &text);
                let words = words.map_or(String::new(), |words| format!(": {words}"));
                format!("the answer was {}{words}", head.status)
            };
            return match status {
                200..=299 => Ok(Accepted::read(self.signal, &text)),
                429 | 502 | 503 | 504 => Err(Failure::Later {
                    error: error(),
                    wait: retry::after(&head.headers),
                }),
                _ => Err(Failure::Refused(error())),
            };
        }
        let body = Limited::new(body, ANSWER).collect().await;
        let body = body.map_err(|e| later(e.to_string()))?;
        // A call that failed at once has its status in the head.
        let trailers = body.trailers().cloned().unwrap_or_default();
        let text = |name: &str| {
            let value = trailers.get(name).or_else(|| head.headers.get(name))?;
            value.to_str().ok()
        };
        let Some(code) = text("grpc-status").and_then(|s| s.parse::<u32>().ok()) else {
            return Err(later("the answer has no grpc-status".into()));
        };
        let error = || {
            let words = text("grpc-message").and_then(answer::grpc_words);
            let words = words.map_or(String::new(), |words| format!(": {words}"));
            format!("the answer was gRPC status {code}{words}")
        };
        let wait = text("grpc-status-details-bin").and_then(retry::info);
        let later = || Failure::Later {
            error: error(),
            wait,
        };
        match code {
            0 => {
                let message = body.to_bytes();
                let message = message.get(5..).unwrap_or_default();
                Ok(Accepted::read(self.signal, message))
            }
            // The specification allows a retry of these codes if the answer has a retry delay.
            1 | 4 | 10 | 11 | 14 | 15 => Err(later()),
            8 if wait.is_some() => Err(later()),
            _ => Err(Failure::Refused(error())),
        }
    }
}

/// Returns the start of a body as far as it arrives: a server that refuses a request may reset the
/// connection after its answer.
async fn start(mut body: Incoming) -> Vec<u8> {
    let mut start = Vec::new();
    while start.len() < ANSWER {
        match body.frame().await {
            Some(Ok(frame)) => start.extend(frame.into_data().unwrap_or_default()),
            _ => break,
        }
    }
    start
}

fn later(error: String) -> Failure {
    Failure::Later { error, wait: None }
}

fn compress(message: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(message)?;
    encoder.finish()
}

/// A gRPC message: whether it is compressed, its length, itself.
fn frame(message: &[u8], compressed: bool) -> Bytes {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let mut frame = Vec::with_capacity(message.len() + 5);
    frame.push(compressed.into());
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(message);
    frame.into()
}
