//! Connections to hosts: by TCP, through a proxy, or to a Unix socket.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::{Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use rustls::ClientConfig;
use tokio::time::timeout;
use tower_service::Service;

use super::proxy::{Hop, Proxy};
use crate::cause::deepest;
use crate::tls::trouble::{self, TLS_CONFIG};

/// Service that connects to the host of a URL.
#[derive(Clone)]
pub(super) struct Dial {
    tcp: HttpConnector,
    /// Time to connect, including the answer of a proxy.
    allowed: Duration,
    /// Connection of all requests.
    socket: Option<Arc<Path>>,
    proxy: Arc<Proxy>,
    /// TLS to proxies.
    tls: Option<ClientConfig>,
}

/// Connection.
pub(super) struct Link {
    io: Box<dyn Io>,
    /// Whether a proxy forwards each request.
    forwarded: bool,
}

trait Io: Read + Write + Unpin + Send {}

impl<T: Read + Write + Unpin + Send> Io for T {}

impl Dial {
    /// Connects within `allowed`, to the socket if there is one, else through the proxies.
    pub(super) fn new(allowed: Duration, socket: Option<Arc<Path>>, proxy: Proxy) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(allowed));
        tcp.set_nodelay(true);
        Self {
            tcp,
            allowed,
            socket,
            proxy: Arc::new(proxy),
            tls: None,
        }
    }

    /// Returns the proxy of a request.
    pub(super) fn hop(&self, target: &Uri) -> Result<Option<Hop>, String> {
        match self.socket {
            Some(_) => Ok(None),
            None => self.proxy.of(target),
        }
    }

    /// Returns the service with TLS to proxies.
    pub(super) fn with_tls(mut self, tls: ClientConfig) -> Self {
        self.tls = Some(tls);
        self
    }

    async fn connect(mut self, target: Uri) -> io::Result<Link> {
        if let Some(path) = &self.socket {
            return Ok(Link::new(unix(path).await?));
        }
        let Some(hop) = self.proxy.of(&target).map_err(io::Error::other)? else {
            let io = self.tcp.call(target).await.map_err(io::Error::other)?;
            return Ok(Link::new(io));
        };
        let through = async {
            let link = self.to_proxy(&hop).await?;
            match target.scheme_str() {
                Some("https") => tunnel(link, &hop, &target).await,
                _ => Ok(Link {
                    forwarded: true,
                    ..link
                }),
            }
        };
        through
            .await
            .map_err(|why| io::Error::other(format!("proxy {}: {why}", hop.url)))
    }

    async fn to_proxy(&self, hop: &Hop) -> Result<Link, String> {
        let explain = |e: &(dyn std::error::Error + 'static)| {
            trouble::of(e, &TLS_CONFIG).unwrap_or_else(|| deepest(e))
        };
        if hop.url.scheme_str() != Some("https") {
            let io = self.tcp.clone().call(hop.url.clone()).await;
            return io.map(Link::new).map_err(|e| explain(&e));
        }
        let tls = self.tls.clone().ok_or("TLS is not configured")?;
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls);
        let builder = builder.https_only().enable_http1();
        let mut secure: HttpsConnector<_> = builder.wrap_connector(self.tcp.clone());
        let io = secure.call(hop.url.clone()).await;
        io.map(Link::new).map_err(|e| explain(e.as_ref()))
    }
}

/// Requests a tunnel through a proxy.
async fn tunnel(link: Link, hop: &Hop, target: &Uri) -> Result<Link, String> {
    let host = target.host().unwrap_or_default();
    let to = format!("{host}:{}", target.port_u16().unwrap_or(443));
    let failed = |e: hyper::Error| format!("no answer to CONNECT: {}", deepest(&e));
    let (mut sender, connection) = http1::handshake(link).await.map_err(failed)?;
    // It ends with the tunnel, which takes the connection along.
    tokio::spawn(connection.with_upgrades());
    let request = Request::connect(&to).header(HOST, &to);
    let mut request = request
        .body(Empty::<Bytes>::new())
        .map_err(|e| e.to_string())?;
    request.headers_mut().extend(hop.connect_headers());
    let answer = sender.send_request(request).await.map_err(failed)?;
    if !answer.status().is_success() {
        return Err(format!("the answer to CONNECT was {}", answer.status()));
    }
    let io = hyper::upgrade::on(answer).await.map_err(failed)?;
    Ok(Link::new(io))
}

#[cfg(unix)]
async fn unix(path: &Path) -> io::Result<impl Read + Write + Unpin + Send + use<>> {
    let stream = tokio::net::UnixStream::connect(path).await?;
    Ok(hyper_util::rt::TokioIo::new(stream))
}

#[cfg(not(unix))]
async fn unix(_: &Path) -> io::Result<hyper::upgrade::Upgraded> {
    let why = "this system has no Unix sockets";
    Err(io::Error::new(io::ErrorKind::Unsupported, why))
}

impl Service<Uri> for Dial {
    type Response = Link;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Link>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let (dial, allowed) = (self.clone(), self.allowed);
        Box::pin(async move {
            let connected = timeout(allowed, dial.connect(target)).await;
            connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        })
    }
}

impl Link {
    fn new(io: impl Read + Write + Unpin + Send + 'static) -> Self {
        Self {
            io: Box::new(io),
            forwarded: false,
        }
    }
}

impl Connection for Link {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.forwarded)
    }
}

impl Read for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io).poll_read(context, buffer)
    }
}

impl Write for Link {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.io).poll_write_vectored(context, slices)
    }
}
