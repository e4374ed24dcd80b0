//! Requests to reload the configuration.

use tokio::sync::mpsc::Sender;
use tokio::sync::oneshot;

use super::supervisor::Request;

/// Requests a reload and waits for its result.
///
/// # Errors
/// If the new configuration cannot be applied; the previous one stays in force.
pub(super) async fn reload(requests: &Sender<Request>) -> Result<(), String> {
    let ending = || "gotracer is ending".to_string();
    let (request, answer) = oneshot::channel();
    requests.send(request).await.map_err(|_| ending())?;
    answer.await.map_err(|_| ending())?
}

/// Requests a reload at each SIGHUP.
pub(super) fn on_hangup(requests: Sender<Request>) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::hangup()) {
            Ok(mut hangup) => {
                tokio::spawn(async move {
                    while hangup.recv().await.is_some() {
                        // The supervisor logs the result.
                        let _ = reload(&requests).await;
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot handle SIGHUP; it does not reload the configuration");
            }
        }
    }
    #[cfg(not(unix))]
    drop(requests);
}
