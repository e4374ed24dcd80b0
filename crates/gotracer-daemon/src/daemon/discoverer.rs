//! Takes what a list of targets becomes to the one who wants it, and counts.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::export::Metrics;
use crate::source::discovery::{Discovery, Group, Update};

/// Where a list of targets belongs: the job's name, and where it stands.
pub type Source = (String, Discovery);

/// A list that is new.
pub struct Found {
    /// Whose.
    pub source: Source,
    /// All of it.
    pub groups: Vec<Group>,
}

/// Sends the list whenever it changed, until nobody receives it.
pub async fn follow(source: Source, found: Sender<Found>, metrics: Arc<Metrics>) {
    let (tell, updates) = channel(1);
    tokio::select! {
        () = source.1.follow(tell) => {}
        () = take(&source, updates, &found, &metrics) => {}
    }
}

async fn take(
    source: &Source,
    mut updates: Receiver<Update>,
    found: &Sender<Found>,
    metrics: &Metrics,
) {
    let (job, discovery) = source;
    let mut known = Vec::new();
    let mut failing = false;
    while let Some(Update { groups, errors }) = updates.recv().await {
        let refreshed = errors.is_empty().then(SystemTime::now);
        metrics.refreshed(discovery.mechanism(), job, refreshed);
        if !failing {
            for error in &errors {
                tracing::error!(job, %error, "cannot refresh targets; the old ones stay");
            }
        } else if errors.is_empty() {
            tracing::info!(job, "targets can be refreshed again");
        }
        failing = !errors.is_empty();
        let Some(groups) = groups.filter(|groups| *groups != known) else {
            continue;
        };
        known.clone_from(&groups);
        let list = Found {
            source: source.clone(),
            groups,
        };
        if found.send(list).await.is_err() {
            return;
        }
    }
}
