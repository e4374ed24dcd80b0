//! The HTTP server.

mod api;
mod landing;
mod probe;
mod reply;
mod routes;
mod targets;

use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::analyst::Analyst;
use super::supervisor::Request;

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
                let connection = connection(stream, Arc::clone(&state));
                let connection = graceful.watch(connection);
                tokio::spawn(async move {
                    let _permit = permit;
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, "connection failed");
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

fn connection(
    stream: TcpStream,
    state: Arc<State>,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> {
    let answer = service_fn(move |request| routes::answer(request, Arc::clone(&state)));
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), answer)
}
