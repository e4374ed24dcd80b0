//! Sends all metrics by OTLP at an interval.

use std::sync::Arc;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::analyst::Analyst;

/// Sends until told to stop.
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

/// Sends once.
pub async fn send(analyst: &Arc<Analyst>) {
    let analyst = Arc::clone(analyst);
    let sent = tokio::task::spawn_blocking(move || analyst.send_metrics());
    if let Err(error) = sent.await {
        tracing::error!(%error, "metrics could not be collected for OTLP");
    }
}
