//! Refreshes of discovered targets.
//!
//! After an error the last known targets remain: replacing a file or restarting
//! a server must not remove targets.

use super::group::Group;

/// Result of a refresh.
#[derive(Debug)]
pub struct Update {
    /// All groups; `None` if they have not changed.
    pub groups: Option<Vec<Group>>,
    /// Errors of the refresh.
    pub errors: Vec<DiscoveryError>,
}

/// Error of a refresh. The groups of the last one remain.
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

/// Parses a list of groups in YAML or JSON.
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
