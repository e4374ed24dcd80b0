//! The HTTP server.

mod alerts;
mod api;
mod evidence;
mod page;
mod probe;
mod releases;
mod reply;
mod routes;
mod targets;

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Sender;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

pub use self::alerts::Alerted;
use super::analyst::Analyst;
use super::shown::Shown;
use super::supervisor::Request;
use super::web::Guard;

/// Connections at a time; more wait to be accepted.
const CONNECTIONS: usize = 256;
/// Who connects and does not say what he wants within this is cut off.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// What the answers are made of.
pub struct State {
    /// Knows everything that was analysed.
    pub analyst: Arc<Analyst>,
    /// How many more traces that are sent here may be analysed now.
    pub uploads: Arc<Semaphore>,
    /// Reads the configuration again, if HTTP may ask for that.
    pub reload: Option<Sender<Request>>,
    /// When alerts had which targets captured.
    pub alerted: alerts::Alerted,
    /// Who may ask, if not everybody.
    pub guard: Option<Arc<Guard>>,
    /// The configuration in force.
    pub shown: Arc<Shown>,
}

/// Answers until told to stop, and finishes the answers begun.
pub async fn serve(listener: TcpListener, state: Arc<State>, stop: CancellationToken) {
    let graceful = GracefulShutdown::new();
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accept = async {
            let permit = Arc::clone(&permits).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = accept => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = connection(stream, Arc::clone(&state), graceful.watcher());
                tokio::spawn(async move {
                    let _permit = permit;
                    if let Err(error) = connection.await {
                        tracing::debug!(error, "connection failed");
                    }
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely: some will be free soon.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    graceful.shutdown().await;
}

async fn connection(
    stream: TcpStream,
    state: Arc<State>,
    watcher: Watcher,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let tls = match &state.guard {
        Some(guard) => guard.now().await.tls.clone(),
        None => None,
    };
    let answer = service_fn(move |request| routes::guarded(request, Arc::clone(&state)));
    let Some(tls) = tls else {
        let connection = http1().serve_connection(TokioIo::new(stream), answer);
        return Ok(watcher.watch(connection).await?);
    };
    let handshake = TlsAcceptor::from(tls).accept(stream);
    let stream = tokio::time::timeout(HEADER_TIMEOUT, handshake).await??;
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(HEADER_TIMEOUT)
            .serve_connection(TokioIo::new(stream), answer);
        Ok(watcher.watch(connection).await?)
    } else {
        let connection = http1().serve_connection(TokioIo::new(stream), answer);
        Ok(watcher.watch(connection).await?)
    }
}

fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT);
    builder
}
