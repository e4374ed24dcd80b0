//! HTTP client for one request. Credentials and certificates are read each time,
//! because their rotation causes no event.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    AUTHORIZATION, HeaderMap, HeaderValue, LOCATION, PROXY_AUTHORIZATION, USER_AGENT,
};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::Connect;
use hyper_util::client::legacy::{Client as HyperClient, Error as HyperError};
use hyper_util::rt::TokioExecutor;
use tokio::sync::OnceCell;

use super::dial::Dial;
use super::{HttpOptions, Redirects, TlsConfig};
use crate::cause::deepest;
use crate::tls::trouble::{self, TLS_CONFIG};

/// Maximum number of redirects, as in Go's client.
const REDIRECTS: usize = 10;

/// Largest size of a connection's read buffer, bytes. It has to hold the head of a response.
const PIECE: usize = 16 << 10;

/// HTTP client.
pub struct Client {
    dial: Dial,
    plain: HyperClient<Dial, Full<Bytes>>,
    tls: TlsConfig,
    /// Client with TLS. It is made when TLS is needed, because the authorities of the system take
    /// memory.
    secure: OnceCell<HyperClient<HttpsConnector<Dial>, Full<Bytes>>>,
    /// Headers with secrets. They are not sent to other hosts after a redirect.
    private: HeaderMap,
    redirects: Redirects,
}

/// Error of a request.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Credentials, certificates or keys can't be read.
    #[error("{0}")]
    Credentials(String),
    /// The URL is invalid.
    #[error("{0}")]
    Url(String),
    /// Too many redirects.
    #[error("more than {REDIRECTS} redirects")]
    Redirects,
    /// TLS failed.
    #[error("{0}")]
    Tls(String),
    /// The connection was refused.
    #[error("the connection was refused")]
    Refused,
    /// Connecting took too long.
    #[error("connecting took too long")]
    ConnectTimeout,
    /// Connecting failed for another reason.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The connection ended without a response.
    #[error("{0}")]
    NoAnswer(String),
}

impl HttpOptions {
    /// Creates a client with the current content of the credential files. All requests go to
    /// `socket` if it is set.
    ///
    /// # Errors
    /// If credentials can't be read.
    pub async fn client(
        &self,
        connect: Duration,
        socket: Option<Arc<Path>>,
    ) -> Result<Client, ClientError> {
        let options = self.clone();
        let made = blocking(move || options.client_now(connect, socket));
        made.await
    }

    fn client_now(&self, connect: Duration, socket: Option<Arc<Path>>) -> Result<Client, String> {
        let mut private = self.headers.read()?;
        if let Some(access) = &self.access {
            private.insert(AUTHORIZATION, access.header()?);
        }
        let dial = Dial::new(connect, socket, self.proxy.clone());
        Ok(Client {
            plain: client(dial.clone()),
            dial,
            tls: self.tls.clone(),
            secure: OnceCell::new(),
            private,
            redirects: self.redirects,
        })
    }
}

/// Creates a client with a connector.
fn client<C: Connect + Clone>(connector: C) -> HyperClient<C, Full<Bytes>> {
    HyperClient::builder(TokioExecutor::new())
        // Hundreds of responses are received at a time, and of each several chunks are queued.
        .http1_max_buf_size(PIECE)
        // Captures are a minute apart, and a Go server that shuts down
        // waits for idle connections.
        .pool_max_idle_per_host(0)
        .build(connector)
}

/// Reads files on a thread that may block.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, ClientError> {
    let made = tokio::task::spawn_blocking(read).await;
    let made = made.unwrap_or_else(|e| Err(e.to_string()));
    made.map_err(ClientError::Credentials)
}

/// Adds TLS to connections. Blocks.
fn secured(tls: &TlsConfig, dial: Dial) -> Result<HttpsConnector<Dial>, String> {
    let config = tls.load().map_err(|e| e.to_string())?;
    let dial = dial.with_tls(config.clone());
    let builder = HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http();
    let builder = match tls.server_name().map_err(|e| e.to_string())? {
        Some(name) => builder.with_server_name_resolver(FixedServerNameResolver::new(name)),
        None => builder,
    };
    Ok(builder.enable_http1().wrap_connector(dial))
}

impl Client {
    /// Sends a request and follows redirects as configured.
    ///
    /// # Errors
    /// If there is no response.
    pub async fn send(
        &self,
        method: &Method,
        url: Uri,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Response<Incoming>, ClientError> {
        let (mut method, mut body, mut at) = (method.clone(), body.clone(), url.clone());
        for _ in 0..=REDIRECTS {
            let mut request = Request::new(Full::new(body.clone()));
            *request.method_mut() = method.clone();
            *request.uri_mut() = at.clone();
            let all = request.headers_mut();
            let agent = concat!("gotracer/", env!("CARGO_PKG_VERSION"));
            all.insert(USER_AGENT, HeaderValue::from_static(agent));
            all.extend(headers.clone());
            if trusted(&url, &at) {
                all.extend(self.private.clone());
            }
            let answer = self.request(request).await?;
            let Some(next) = self.redirect(&answer, &at)? else {
                return Ok(answer);
            };
            let kept = [
                StatusCode::TEMPORARY_REDIRECT,
                StatusCode::PERMANENT_REDIRECT,
            ];
            if !kept.contains(&answer.status()) && method != Method::HEAD {
                (method, body) = (Method::GET, Bytes::new());
            }
            at = next;
        }
        Err(ClientError::Redirects)
    }

    /// Sends one request, to the proxy if there is one for its host.
    async fn request(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, ClientError> {
        let https = request.uri().scheme_str() == Some("https");
        let hop = self.dial.hop(request.uri()).map_err(ClientError::Connect)?;
        let to_proxy = hop
            .as_ref()
            .map(|hop| hop.url.scheme_str() == Some("https"));
        if let Some(hop) = hop.filter(|_| !https)
            && let Some(access) = hop.access
        {
            request.headers_mut().insert(PROXY_AUTHORIZATION, access);
        }
        let failed = |e: HyperError| judge(&e, https);
        if !https && to_proxy != Some(true) {
            return self.plain.request(request).await.map_err(failed);
        }
        let secure = self.secure.get_or_try_init(|| {
            let (tls, dial) = (self.tls.clone(), self.dial.clone());
            blocking(move || secured(&tls, dial).map(client))
        });
        secure.await?.request(request).await.map_err(failed)
    }

    fn redirect(
        &self,
        answer: &Response<Incoming>,
        from: &Uri,
    ) -> Result<Option<Uri>, ClientError> {
        let redirects = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
        let location = answer.headers().get(LOCATION);
        let follow = redirects && self.redirects != Redirects::Never;
        let Some(location) = location.filter(|_| follow) else {
            return Ok(None);
        };
        let to = location.to_str().ok().and_then(|to| resolve(from, to));
        let bad = || ClientError::Url(format!("redirected to {location:?}, which is no URL"));
        let to = to.ok_or_else(bad)?;
        let stays = self.redirects == Redirects::Always || to.host() == from.host();
        Ok(stays.then_some(to))
    }
}

/// Whether headers with secrets for the first URL may be sent to the second.
fn trusted(first: &Uri, second: &Uri) -> bool {
    let downgraded = first.scheme_str() == Some("https") && second.scheme_str() != Some("https");
    first.host() == second.host() && !downgraded
}

/// Resolves a redirect's location.
fn resolve(from: &Uri, to: &str) -> Option<Uri> {
    let to = to.split('#').next()?;
    let (scheme, authority) = (from.scheme_str()?, from.authority()?);
    let text = if to.starts_with("//") {
        format!("{scheme}:{to}")
    } else if to.starts_with('/') {
        format!("{scheme}://{authority}{to}")
    } else if to.starts_with('?') {
        format!("{scheme}://{authority}{}{to}", from.path())
    } else if to.contains("://") {
        to.into()
    } else {
        let (folder, _) = from.path().rsplit_once('/')?;
        format!("{scheme}://{authority}{folder}/{to}")
    };
    let uri: Uri = text.parse().ok()?;
    matches!(uri.scheme_str(), Some("http" | "https")).then_some(uri)
}

/// Classifies an error of the HTTP library.
fn judge(error: &hyper_util::client::legacy::Error, https: bool) -> ClientError {
    if let Some(why) = trouble::of(error, &TLS_CONFIG) {
        return ClientError::Tls(why);
    }
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(e) = source {
        let io = e.downcast_ref::<io::Error>();
        match io.map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => return ClientError::Refused,
            Some(io::ErrorKind::TimedOut) => return ClientError::ConnectTimeout,
            _ => {}
        }
        // `source` of an I/O error skips the wrapped error itself.
        source = match io.and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => e.source(),
        };
    }
    match (error.is_connect(), https) {
        // TCP connected; the library counts the handshake as connecting.
        (true, true) if trouble::is_cut(error) => ClientError::Tls(trouble::hung_up()),
        (true, _) => ClientError::Connect(deepest(error)),
        (false, _) => ClientError::NoAnswer(trouble::silence(error, https)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn links_lead_where_a_browser_would_go() {
        let from = uri("https://a:1/x/y?q=1");
        for (to, there) in [
            ("/z", "https://a:1/z"),
            ("z?k", "https://a:1/x/z?k"),
            ("?k", "https://a:1/x/y?k"),
            ("//b/z", "https://b/z"),
            ("http://b/z#there", "http://b/z"),
        ] {
            assert_eq!(resolve(&from, to), Some(uri(there)), "{to}");
        }
        assert_eq!(resolve(&from, "ftp://b/z"), None);
    }

    #[test]
    fn secrets_stay_with_the_host_they_are_for() {
        let trusted = |first, second| trusted(&uri(first), &uri(second));
        assert!(trusted("http://a/", "https://a/x"));
        assert!(!trusted("https://a/", "http://a/x"));
        assert!(!trusted("http://a/", "http://b/"));
    }
}
