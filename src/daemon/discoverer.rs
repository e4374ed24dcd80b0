//! Looks for targets now and then, and when files change, for as long as
//! somebody wants them.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::mpsc::Sender;

use crate::export::prometheus::Exporter;
use crate::source::discovery::{Discovery, Group, Groups, Watch};

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
pub async fn follow(source: Source, found: Sender<Found>, exporter: Arc<Exporter>) {
    let (job, discovery) = &source;
    let mut known = Groups::new();
    let mut failing = false;
    let mut watch = match discovery {
        Discovery::Files(sd) => Watch::new(sd)
            .inspect_err(
                |error| tracing::warn!(job, %error, "files are only looked at now and then"),
            )
            .ok(),
        Discovery::Http(_) => None,
    };
    loop {
        if let Some(watch) = &mut watch {
            watch.renew();
        }
        let before = known.clone();
        let errors = discovery.refresh(&mut known).await;
        let refreshed = errors.is_empty().then(SystemTime::now);
        exporter.refreshed(discovery.mechanism(), job, refreshed);
        if !failing {
            for error in &errors {
                tracing::error!(job, %error, "cannot refresh targets; the old ones stay");
            }
        } else if errors.is_empty() {
            tracing::info!(job, "targets can be refreshed again");
        }
        failing = !errors.is_empty();
        if known != before {
            let list = Found {
                source: source.clone(),
                groups: known.values().flatten().cloned().collect(),
            };
            if found.send(list).await.is_err() {
                return;
            }
        }
        let changed = async {
            match &watch {
                Some(watch) => watch.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = changed => {}
            () = tokio::time::sleep(discovery.interval()) => {}
        }
    }
}
