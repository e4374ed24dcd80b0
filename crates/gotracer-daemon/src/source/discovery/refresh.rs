//! Targets that stand elsewhere: `file_sd_configs`, `http_sd_configs` and
//! `kubernetes_sd_configs`.
//!
//! What can't be read does not change what was known: a file that is being
//! replaced or a server that restarts must not make targets vanish.

use tokio::sync::mpsc::Sender;

use super::files::FileSd;
use super::job::Group;
use super::kubernetes::KubernetesSd;
use super::server::HttpSd;

/// Where targets stand.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Discovery {
    /// In files.
    Files(FileSd),
    /// On a server.
    Http(Box<HttpSd>),
    /// With an API server of Kubernetes.
    Kubernetes(Box<KubernetesSd>),
}

/// What became of looking.
#[derive(Debug)]
pub struct Update {
    /// All that is known now; `None` if that is what was known before.
    pub groups: Option<Vec<Group>>,
    /// What could not be had.
    pub errors: Vec<DiscoveryError>,
}

/// Why a list could not be had. What was known stays.
#[derive(Debug, thiserror::Error)]
#[error("{from}: {why}")]
pub struct DiscoveryError {
    from: String,
    why: String,
}

impl DiscoveryError {
    pub(super) fn new(from: impl Into<String>, why: impl Into<String>) -> Self {
        let (from, why) = (from.into(), why.into());
        Self { from, why }
    }
}

impl Update {
    pub(super) fn found(groups: Vec<Group>) -> Self {
        Self {
            groups: Some(groups),
            errors: Vec::new(),
        }
    }

    pub(super) fn failed(error: DiscoveryError) -> Self {
        Self {
            groups: None,
            errors: vec![error],
        }
    }
}

impl Discovery {
    /// Its name in metrics.
    pub fn mechanism(&self) -> &'static str {
        match self {
            Self::Files(_) => "file",
            Self::Http(_) => "http",
            Self::Kubernetes(_) => "kubernetes",
        }
    }

    /// Tells what became of looking each time, until nobody listens.
    pub async fn follow(&self, updates: Sender<Update>) {
        match self {
            Self::Files(sd) => sd.follow(updates).await,
            Self::Http(sd) => sd.follow(updates).await,
            Self::Kubernetes(sd) => sd.follow(updates).await,
        }
    }
}

/// A list of groups, in YAML or JSON, which is YAML.
pub(super) fn parse(text: &str, meta: &str, from: &str) -> Result<Vec<Group>, String> {
    let groups: Option<Vec<Group>> = serde_saphyr::from_str(text).map_err(|e| {
        let error = e.without_snippet().to_string();
        error.lines().next().unwrap_or_default().to_string()
    })?;
    let mut groups = groups.unwrap_or_default();
    for group in &mut groups {
        group.label(meta, from);
    }
    Ok(groups)
}
