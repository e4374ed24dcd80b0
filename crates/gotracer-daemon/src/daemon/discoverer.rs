//! Forwards discovery updates to the supervisor and counts them.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::export::Metrics;
use crate::source::discovery::{Discovery, Group, Update};

/// Job name and discovery of a target list.
pub(super) type Source = (String, Discovery);

/// Update of a target list.
pub(super) struct Found {
    /// Source of the list.
    pub source: Source,
    /// All target groups of the list.
    pub groups: Vec<Group>,
}

/// Sends each update of the list until the receiver is dropped.
pub(super) async fn follow(source: Source, found: Sender<Found>, metrics: Arc<Metrics>) {
    let (tell, updates) = channel(1);
    tokio::select! {
        () = source.1.section().follow(tell) => {}
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
                tracing::error!(job, %error, "target refresh failed; the previous targets stay");
            }
        } else if errors.is_empty() {
            tracing::info!(job, "target refresh recovered");
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
