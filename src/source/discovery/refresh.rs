//! Targets that stand elsewhere: `file_sd_configs` and `http_sd_configs`.
//!
//! What can't be read does not change what was known: a file that is being
//! replaced or a server that restarts must not make targets vanish.

use std::collections::BTreeMap;
use std::time::Duration;

use super::files::FileSd;
use super::job::Group;
use super::server::HttpSd;

/// Where targets stand.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Discovery {
    /// In files.
    Files(FileSd),
    /// On a server.
    Http(Box<HttpSd>),
}

/// Why a list could not be had. What was known stays.
#[derive(Debug, thiserror::Error)]
#[error("{from}: {why}")]
pub struct DiscoveryError {
    pub(super) from: String,
    pub(super) why: String,
}

/// The groups by the file or the URL they come from.
pub type Groups = BTreeMap<String, Vec<Group>>;

impl Discovery {
    /// Its name in metrics.
    pub fn mechanism(&self) -> &'static str {
        match self {
            Self::Files(_) => "file",
            Self::Http(_) => "http",
        }
    }

    /// How often to look at least.
    pub fn interval(&self) -> Duration {
        match self {
            Self::Files(sd) => sd.interval(),
            Self::Http(sd) => sd.interval(),
        }
    }

    /// Brings what is known up to date, and tells what could not be.
    pub async fn refresh(&self, known: &mut Groups) -> Vec<DiscoveryError> {
        let error = |from: &str, why: String| DiscoveryError {
            from: from.into(),
            why,
        };
        match self {
            Self::Files(sd) => {
                let sd = sd.clone();
                let read = tokio::task::spawn_blocking(move || sd.read()).await;
                let read = read.unwrap_or_default();
                // Who deletes a file wants its targets gone.
                known.retain(|from, _| read.iter().any(|(path, _)| path == from));
                let mut errors = Vec::new();
                for (path, groups) in read {
                    match groups {
                        Ok(groups) => drop(known.insert(path, groups)),
                        Err(why) => errors.push(error(&path, why)),
                    }
                }
                errors
            }
            Self::Http(sd) => match sd.ask().await {
                Ok(groups) => {
                    known.insert(sd.url().into(), groups);
                    Vec::new()
                }
                Err(why) => vec![error(sd.url(), why)],
            },
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
