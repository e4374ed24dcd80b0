//! Queue of complete traces.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::analyst::Analyst;
use super::reads::Reads;
use crate::source::directory::FileTrace;

/// Analyzes the traces of a queue until `stop`, at most `jobs` at a time and as
/// many as there is memory for. Traces that are being analyzed at `stop` are
/// finished, unless their reads hang.
pub async fn work(
    mut traces: UnboundedReceiver<FileTrace>,
    jobs: usize,
    analyst: Arc<Analyst>,
    stop: CancellationToken,
) {
    let reads = Arc::new(Reads::new(Arc::clone(&analyst.metrics)));
    tokio::select! {
        () = dispatch(&mut traces, jobs, &analyst, &reads, &stop) => {}
        () = reads.watch() => {}
    }
    reads.end().await;
}

async fn dispatch(
    traces: &mut UnboundedReceiver<FileTrace>,
    jobs: usize,
    analyst: &Arc<Analyst>,
    reads: &Arc<Reads>,
    stop: &CancellationToken,
) {
    let permits = Arc::new(Semaphore::new(jobs.max(1)));
    loop {
        let next = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            next = traces.recv() => next,
        };
        let Some(trace) = next else { return };
        analyst.metrics.set_queue_length(traces.len() + 1);
        let permit = tokio::select! {
            () = stop.cancelled() => return,
            permit = Arc::clone(&permits).acquire_owned() => permit,
        };
        // The semaphore is never closed.
        let Ok(permit) = permit else { return };
        analyst.metrics.set_queue_length(traces.len());
        let read = reads.begin(trace.source(), permit);
        let (analyst, stop, runtime) = (Arc::clone(analyst), stop.clone(), Handle::current());
        tokio::task::spawn_blocking(move || {
            let room = |expected| {
                let room = analyst.memory.reserve(expected);
                runtime.block_on(stop.run_until_cancelled(room))
            };
            analyst.file(&trace, &read.activity, room);
        });
    }
}
