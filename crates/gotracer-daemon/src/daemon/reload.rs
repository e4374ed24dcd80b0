//! Who may ask for the configuration to be read again.

use tokio::sync::mpsc::Sender;
use tokio::sync::oneshot;

use super::supervisor::Request;

/// Asks, and waits for what comes of it.
///
/// # Errors
/// Says why what was before is still in force.
pub async fn reload(requests: &Sender<Request>) -> Result<(), String> {
    let ending = || "gotracer is ending".to_string();
    let (request, answer) = oneshot::channel();
    requests.send(request).await.map_err(|_| ending())?;
    answer.await.map_err(|_| ending())?
}

/// Asks at each SIGHUP.
pub fn on_hangup(requests: Sender<Request>) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::hangup()) {
            Ok(mut hangup) => {
                tokio::spawn(async move {
                    while hangup.recv().await.is_some() {
                        // What came of it was logged.
                        let _ = reload(&requests).await;
                    }
                });
            }
            Err(error) => tracing::warn!(%error, "SIGHUP will not reload"),
        }
    }
    #[cfg(not(unix))]
    drop(requests);
}
