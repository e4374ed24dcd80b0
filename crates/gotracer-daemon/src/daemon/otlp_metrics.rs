//! Exports all metrics by OTLP at an interval.

use std::sync::Arc;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::pipeline::Pipeline;

/// Exports until `stop`.
pub(super) async fn follow(pipeline: Arc<Pipeline>, stop: CancellationToken) {
    let Some(every) = pipeline.export_interval() else {
        return;
    };
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        send(&pipeline).await;
    }
}

/// Exports once.
pub(super) async fn send(pipeline: &Arc<Pipeline>) {
    let pipeline = Arc::clone(pipeline);
    let sent = tokio::task::spawn_blocking(move || pipeline.export_metrics());
    if let Err(error) = sent.await {
        tracing::error!(%error, "cannot collect metrics for OTLP");
    }
}
