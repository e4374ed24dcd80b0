//! Traces that are complete, analysed a few at a time.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::analyst::Analyst;
use super::memory::expected_of_file;
use crate::source::directory::FileTrace;

/// Analyses what comes out of `traces`, at most `jobs` at a time and as many as
/// there is memory for, on threads that may block, until told to stop; what was begun is finished.
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
        let room = tokio::select! {
            () = stop.cancelled() => break,
            room = analyst.memory.reserve_for(expected_of_file(&trace.path)) => room,
        };
        analyst.exporter.set_queue_length(traces.len());
        let analyst = Arc::clone(&analyst);
        running.spawn_blocking(move || {
            let _held = (permit, room);
            analyst.file(&trace);
        });
        while running.try_join_next().is_some() {}
    }
    while running.join_next().await.is_some() {}
}
