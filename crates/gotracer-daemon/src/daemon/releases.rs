//! Compares and stores releases every second.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::analyst::Analyst;
use crate::releases::News;

/// Interval of comparisons. A daemon that is killed loses at most this much.
const PERIOD: Duration = Duration::from_secs(1);

/// Compares and stores releases until `stop`.
pub async fn follow(analyst: Arc<Analyst>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        stop.run_until_cancelled(tokio::time::sleep(PERIOD)).await;
        settle(&analyst).await;
    }
}

/// Compares and stores the captures that were added since the last call, and logs regressions.
pub async fn settle(analyst: &Arc<Analyst>) {
    let analyst = Arc::clone(analyst);
    let settled = tokio::task::spawn_blocking(move || {
        let thresholds = analyst.thresholds();
        let of = |service: &str| thresholds.of_service(service).clone();
        analyst.releases.settle(of)
    });
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
