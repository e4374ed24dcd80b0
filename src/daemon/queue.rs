//! Traces that are complete, analysed a few at a time.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::analyst::Analyst;
use crate::source::directory::FileTrace;

/// Analyses what comes out of `traces`, `jobs` at a time, on threads that may
/// block, until told to stop; what was begun is finished.
pub async fn work(
    mut traces: UnboundedReceiver<FileTrace>,
    jobs: usize,
    analyst: Arc<Analyst>,
    stop: CancellationToken,
) {
    let permits = Arc::new(Semaphore::new(jobs.max(1)));
    let mut running = JoinSet::new();
    loop {
        let next = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            next = traces.recv() => next,
        };
        let Some(trace) = next else { break };
        analyst.exporter.set_queue_length(traces.len() + 1);
        let permit = tokio::select! {
            () = stop.cancelled() => break,
            permit = Arc::clone(&permits).acquire_owned() => permit,
        };
        analyst.exporter.set_queue_length(traces.len());
        let analyst = Arc::clone(&analyst);
        running.spawn_blocking(move || {
            let _permit = permit;
            analyst.file(&trace);
        });
        while running.try_join_next().is_some() {}
    }
    while running.join_next().await.is_some() {}
}
