//! Queue of complete traces.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::files::Files;
use super::memory::Memory;
use super::reads::Reads;
use crate::export::Metrics;
use crate::source::directory::FileTrace;

/// Analyzes the traces of a queue until `stop`, at most `jobs` at a time and as
/// many as there is memory for. Traces that are being analyzed at `stop` are
/// finished, unless their reads hang.
pub(crate) async fn work(
    mut traces: UnboundedReceiver<FileTrace>,
    jobs: usize,
    (files, memory): (Arc<Files>, Memory),
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) {
    let reads = Arc::new(Reads::new(Arc::clone(&metrics)));
    let analysis = Analysis {
        files,
        memory,
        metrics,
        permits: Arc::new(Semaphore::new(jobs.max(1))),
        reads: Arc::clone(&reads),
    };
    tokio::select! {
        () = analysis.dispatch(&mut traces, &stop) => {}
        () = reads.watch() => {}
    }
    reads.end().await;
}

/// Parts that the analysis of a file needs.
struct Analysis {
    files: Arc<Files>,
    memory: Memory,
    metrics: Arc<Metrics>,
    permits: Arc<Semaphore>,
    reads: Arc<Reads>,
}

impl Analysis {
    async fn dispatch(&self, traces: &mut UnboundedReceiver<FileTrace>, stop: &CancellationToken) {
        loop {
            let next = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                next = traces.recv() => next,
            };
            let Some(trace) = next else { return };
            self.metrics.set_queue_length(traces.len() + 1);
            let permit = tokio::select! {
                () = stop.cancelled() => return,
                permit = Arc::clone(&self.permits).acquire_owned() => permit,
            };
            // The semaphore is never closed.
            let Ok(permit) = permit else { return };
            self.metrics.set_queue_length(traces.len());
            let read = self.reads.begin(trace.source(), permit);
            let (files, memory) = (Arc::clone(&self.files), self.memory.clone());
            let (stop, runtime) = (stop.clone(), Handle::current());
            tokio::task::spawn_blocking(move || {
                let room = |expected| {
                    let room = memory.reserve(expected);
                    runtime.block_on(stop.run_until_cancelled(room))
                };
                files.analyze(&trace, &read.activity, room);
            });
        }
    }
}
