//! Exports all metrics by OTLP at an interval.

use std::sync::Arc;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::analyst::Analyst;

/// Exports until `stop`.
pub async fn follow(analyst: Arc<Analyst>, stop: CancellationToken) {
    let Some(every) = analyst.interval() else {
        return;
    };
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        send(&analyst).await;
    }
}

/// Exports once.
pub async fn send(analyst: &Arc<Analyst>) {
    let analyst = Arc::clone(analyst);
    let sent = tokio::task::spawn_blocking(move || analyst.send_metrics());
    if let Err(error) = sent.await {
        tracing::error!(%error, "cannot collect metrics for OTLP");
    }
}
