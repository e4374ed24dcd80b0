//! Groups of targets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Targets with labels in common, as in `static_configs`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Hosts with ports.
    pub(super) targets: Vec<String>,
    /// Labels of all of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) labels: BTreeMap<String, String>,
}

impl Group {
    /// Adds a label to all targets.
    pub(super) fn label(&mut self, name: &str, value: &str) {
        self.labels.insert(name.into(), value.into());
    }
}
