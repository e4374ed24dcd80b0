//! Compares and stores releases every second.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::pipeline::Pipeline;
use crate::releases::News;

/// Interval of comparisons. A daemon that is killed loses at most this much.
const PERIOD: Duration = Duration::from_secs(1);

/// Compares and stores releases until `stop`.
pub(super) async fn follow(pipeline: Arc<Pipeline>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        stop.run_until_cancelled(tokio::time::sleep(PERIOD)).await;
        settle(&pipeline).await;
    }
}

/// Compares and stores the captures that were added since the last call, and logs regressions.
pub(super) async fn settle(pipeline: &Arc<Pipeline>) {
    let pipeline = Arc::clone(pipeline);
    let settled = tokio::task::spawn_blocking(move || pipeline.settle_releases());
    match settled.await {
        Ok(news) => news.iter().for_each(tell),
        Err(error) => tracing::error!(%error, "cannot compare releases"),
    }
}

fn tell(news: &News) {
    let News {
        service,
        version,
        previous,
        rules,
        place,
    } = news;
    let rules = rules.join(", ");
    tracing::warn!(
        %service,
        version,
        previous,
        rules,
        goroutines_from = place,
        "this release is worse than the one before"
    );
}
