//! Deletes old traces and old evidence.

use std::sync::Arc;
use std::time::Duration;

use crate::evidence::LiveEvidence;
use crate::source::directory::Directory;

/// Interval of the checks.
const PERIOD: Duration = Duration::from_secs(10);

/// Applies a directory's retention to its analyzed files. Never returns.
pub(super) async fn follow(directory: Directory) {
    let retention = directory.retention;
    while retention.is_bounded() {
        let root = Arc::clone(&directory.root);
        let swept = tokio::task::spawn_blocking(move || retention.sweep(&root)).await;
        let directory = directory.root.written();
        match swept {
            Ok(Ok(0)) => {}
            Ok(Ok(files)) => tracing::info!(?directory, files, "old traces deleted"),
            Ok(Err(error)) => tracing::warn!(?directory, %error, "cannot delete old traces"),
            Err(error) => tracing::error!(?directory, %error, "cannot delete old traces"),
        }
        tokio::time::sleep(PERIOD).await;
    }
    std::future::pending::<()>().await;
}

/// Deletes evidence past its retention. Never returns.
pub(super) async fn sweep_evidence(evidence: Arc<LiveEvidence>) {
    loop {
        tokio::time::sleep(PERIOD).await;
        let evidence = Arc::clone(&evidence);
        let swept = tokio::task::spawn_blocking(move || evidence.sweep());
        if let Err(error) = swept.await {
            tracing::error!(%error, "cannot delete old evidence");
        }
    }
}
