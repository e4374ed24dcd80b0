//! HTTP server.

mod access;
mod alerts;
mod api;
mod body;
mod call;
mod connections;
mod evidence;
mod guard;
mod kept;
mod limits;
mod metrics;
mod moments;
mod operations;
mod pace;
mod page;
mod perfetto;
mod probe;
mod profiles;
mod push;
mod releases;
mod reply;
mod routes;
mod socket;
mod targets;
mod upload;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::Sender;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(super) use self::alerts::Alerted;
pub(super) use self::connections::Connections;
use self::connections::{Connection, IDLE};
use self::guard::Caller;
pub(super) use self::limits::Limits;
pub(super) use self::moments::Drawn;
use self::socket::Socket;
use super::effective_config::EffectiveConfig;
use super::exposure::Exposure;
use super::pipeline::{Memory, Pipeline};
use super::processed::ProcessedSet;
use super::recent_reports::RecentReports;
use super::supervisor::Request;
use super::target_table::TargetTable;
use super::web_config::Guard;
use crate::evidence::LiveEvidence;
use crate::export::Metrics;
use crate::profiles::ProfileStore;
use crate::releases::Releases;
use crate::source::directory::Watches;
use crate::source::push::{Rates, Spool};

/// Interval at which deadlines of connections are checked.
const LOOK: Duration = Duration::from_secs(1);
/// Read and write buffer of a connection, bytes.
const BUFFER: usize = 64 << 10;
/// Flow-control window of HTTP/2, bytes.
const WINDOW: u32 = 256 << 10;
/// Maximum number of concurrent HTTP/2 streams per connection. Prometheus uses one.
const STREAMS: u32 = 8;

/// State that the handlers share.
pub(super) struct State {
    /// Pipeline of the daemon.
    pub pipeline: Arc<Pipeline>,
    /// Metrics of targets and of the daemon.
    pub metrics: Arc<Metrics>,
    /// Memory budget of traces being read.
    pub memory: Memory,
    /// Table of the targets.
    pub table: Arc<TargetTable>,
    /// Health of the watched directories.
    pub watches: Arc<Watches>,
    /// Latest reports and failures.
    pub recent: Arc<RecentReports>,
    /// Store of kept traces.
    pub evidence: Arc<LiveEvidence>,
    /// Versions of each service.
    pub releases: Arc<Releases>,
    /// Profiles of each target.
    pub profiles: Arc<ProfileStore>,
    /// Traces of files that were analyzed.
    pub processed: Arc<ProcessedSet>,
    /// Open connections.
    pub connections: Arc<Connections>,
    /// Limits by kind of request.
    pub limits: Limits,
    /// Paths that answer all clients.
    pub exposure: Exposure,
    /// Channel for reload requests, if `POST /-/reload` is enabled.
    pub reload: Option<Sender<Request>>,
    /// Captures that alerts caused.
    pub alerted: alerts::Alerted,
    /// Pushed traces that wait to be analyzed.
    pub spool: Arc<Spool>,
    /// Number of pushed traces by client address.
    pub pushes: Rates,
    /// Web configuration, if there is one.
    pub guard: Option<Arc<Guard>>,
    /// Effective configuration.
    pub effective: Arc<EffectiveConfig>,
    /// Moments of the reports that were requested last.
    pub drawn: moments::Drawn,
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Serves connections until `stop`, and finishes the answers that have begun.
pub(super) async fn serve(listener: TcpListener, state: Arc<State>, stop: CancellationToken) {
    let tasks = TaskTracker::new();
    let mut look = tokio::time::interval(LOOK);
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            _ = look.tick() => {
                state.connections.reap();
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                tasks.spawn(connection(
                    stream,
                    address,
                    Arc::clone(&state),
                    stop.clone(),
                ));
            }
            Err(error) => {
                // Usually, the process is out of file descriptors.
                tracing::warn!(%error, "cannot accept a connection");
                state.connections.make_room();
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    tasks.close();
    loop {
        tokio::select! {
            () = tasks.wait() => return,
            _ = look.tick() => state.connections.reap(),
        }
    }
}

/// Serves one connection until it ends or is aborted.
async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    state: Arc<State>,
    stop: CancellationToken,
) {
    let entry = state.connections.add(address.ip(), &stop);
    let connection = Arc::clone(&entry.connection);
    let abort = connection.abort.clone();
    tokio::select! {
        biased;
        () = abort.cancelled() => tracing::debug!(%address, "connection ended: the client was too slow"),
        served = speak(stream, connection, state) => if let Err(error) = served {
            tracing::debug!(%address, error, "connection failed");
        }
    }
}

/// Accepts TLS, if the web configuration enables it, and serves HTTP.
async fn speak(
    stream: TcpStream,
    connection: Arc<Connection>,
    state: Arc<State>,
) -> Result<(), Error> {
    let web = match &state.guard {
        Some(guard) => Some(guard.now().await),
        None => None,
    };
    let socket = Socket::new(stream, Arc::clone(&connection));
    let finish = connection.finish.clone();
    let mut caller = Caller {
        connection,
        certified: false,
    };
    let answers = |caller: Caller| {
        let caller = Arc::new(caller);
        service_fn(move |request| guard::guarded(request, Arc::clone(&caller), Arc::clone(&state)))
    };
    let Some((tls, web)) = web.and_then(|web| Some((web.tls.clone()?, web))) else {
        let http = http1().serve_connection(TokioIo::new(socket), answers(caller));
        return drive(http, &finish).await;
    };
    let stream = TlsAcceptor::from(tls).accept(socket).await?;
    let session = stream.get_ref().1;
    caller.certified = web.verifies_clients && session.peer_certificates().is_some();
    if session.alpn_protocol() == Some(b"h2") {
        let http = http2().serve_connection(TokioIo::new(stream), answers(caller));
        drive(http, &finish).await
    } else {
        let http = http1().serve_connection(TokioIo::new(stream), answers(caller));
        drive(http, &finish).await
    }
}

/// Serves requests until the client closes the connection or `finish` is canceled.
async fn drive<C>(connection: C, finish: &CancellationToken) -> Result<(), Error>
where
    C: GracefulConnection<Error = hyper::Error>,
{
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        served = &mut connection => return Ok(served?),
        () = finish.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    Ok(connection.await?)
}

fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .max_buf_size(BUFFER)
        .header_read_timeout(IDLE);
    builder
}

fn http2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(IDLE)
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_send_buf_size(BUFFER);
    builder
}
