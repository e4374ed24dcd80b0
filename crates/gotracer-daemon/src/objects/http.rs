//! HTTP client of the store, with the HTTP and TLS libraries of the rest of the daemon.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{HeaderValue, USER_AGENT};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector as StoreConnector, HttpError, HttpErrorKind, HttpRequest,
    HttpRequestBody, HttpResponse, HttpResponseBody, HttpService,
};
use rustls::ClientConfig;
use tokio::time::{Sleep, sleep, timeout};

use crate::tls::{self, Pem, TlsError};

/// Timeout of connecting.
const CONNECTING: Duration = Duration::from_secs(5);
/// Timeout of a silent store.
const SILENCE: Duration = Duration::from_secs(30);
/// Idle timeout of connections; S3 closes connections that are idle for longer.
const IDLE: Duration = Duration::from_secs(15);

/// Factory of clients.
#[derive(Debug)]
pub(super) struct Connector {
    tls: ClientConfig,
}

/// HTTP client.
#[derive(Debug)]
struct Client {
    http: HyperClient<HttpsConnector<HttpConnector>, HttpRequestBody>,
}

/// The store was silent for longer than the timeout.
#[derive(Debug)]
struct Silent;

impl fmt::Display for Silent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer within {}s", SILENCE.as_secs())
    }
}

impl Error for Silent {}

impl Connector {
    /// Creates a factory that trusts these authorities, or the system's.
    pub(super) fn new(authorities: Option<&Path>) -> Result<Self, TlsError> {
        let trusted = match authorities {
            Some(path) => Pem::read(path)?.authorities()?,
            None => tls::system_authorities(),
        };
        let versions = tls::versions(None, None)?;
        let builder = ClientConfig::builder_with_provider(Arc::new(tls::provider()))
            .with_protocol_versions(&versions)
            .map_err(|e| TlsError(e.to_string()))?;
        let tls = trusted.trusted_by(builder)?.with_no_client_auth();
        Ok(Self { tls })
    }
}

impl StoreConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let plain = options.get_config_value(&object_store::ClientConfigKey::AllowHttp);
        let plain = plain.as_deref() == Some("true");
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(CONNECTING));
        tcp.set_nodelay(true);
        let builder = HttpsConnectorBuilder::new().with_tls_config(self.tls.clone());
        let builder = match plain {
            true => builder.https_or_http(),
            false => builder.https_only(),
        };
        let connector = builder.enable_http1().wrap_connector(tcp);
        let http = HyperClient::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(HttpClient::new(Client { http }))
    }
}

#[async_trait]
impl HttpService for Client {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let agent = concat!("gotracer/", env!("CARGO_PKG_VERSION"));
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        let answer = timeout(SILENCE, self.http.request(request)).await;
        let answer = answer.map_err(|_| HttpError::new(HttpErrorKind::Timeout, Silent))?;
        let answer = answer.map_err(|e| HttpError::new(kind(&e), e))?;
        Ok(answer.map(|body| HttpResponseBody::new(Patient::new(body))))
    }
}

/// Classifies an error for the retry policy.
fn kind(error: &(dyn Error + 'static)) -> HttpErrorKind {
    let connecting = error.downcast_ref::<hyper_util::client::legacy::Error>();
    if connecting.is_some_and(hyper_util::client::legacy::Error::is_connect) {
        return HttpErrorKind::Connect;
    }
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper::Error>()
            && (error.is_closed() || error.is_incomplete_message() || error.is_canceled())
        {
            return HttpErrorKind::Request;
        }
        match error.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::TimedOut) => return HttpErrorKind::Timeout,
            Some(_) => return HttpErrorKind::Interrupted,
            None => cause = error.source(),
        }
    }
    HttpErrorKind::Unknown
}

/// Response body with a timeout for a silent store. The timeout runs only while the reader waits,
/// so a slow reader does not cause it.
struct Patient {
    body: Incoming,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    fn new(body: Incoming) -> Self {
        Self {
            body,
            waiting: None,
        }
    }
}

impl Body for Patient {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.waiting = None;
            let broken = |e: hyper::Error| HttpError::new(kind(&e), e);
            return Poll::Ready(frame.map(|f| f.map_err(broken)));
        }
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(SILENCE)));
        match waiting.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                self.waiting = None;
                Poll::Ready(Some(Err(HttpError::new(HttpErrorKind::Timeout, Silent))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
