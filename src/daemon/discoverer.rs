//! Looks for targets now and then, for as long as somebody wants them.

use tokio::sync::mpsc::Sender;

use crate::source::discovery::{Discovery, Group, Groups};

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
pub async fn follow(source: Source, found: Sender<Found>) {
    let (job, discovery) = &source;
    let mut known = Groups::new();
    let mut failing = false;
    loop {
        let before = known.clone();
        let errors = discovery.refresh(&mut known).await;
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
        tokio::time::sleep(discovery.interval()).await;
    }
}
