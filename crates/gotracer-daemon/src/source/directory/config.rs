//! A watched directory in the configuration file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{After, Directory, Pattern, Retention};
use crate::labels::Labels;
use crate::source::yaml::{duration, size};

/// One entry of `watch_configs`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WatchConfig {
    directory: PathBuf,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    patterns: Vec<Pattern>,
    #[serde(default, with = "duration")]
    settle: Option<Duration>,
    #[serde(default, with = "duration")]
    incomplete_after: Option<Duration>,
    #[serde(default, with = "duration", skip_serializing_if = "Option::is_none")]
    poll: Option<Duration>,
    #[serde(default)]
    after: After,
    #[serde(default, with = "duration", skip_serializing_if = "Option::is_none")]
    retention_time: Option<Duration>,
    #[serde(default, with = "size", skip_serializing_if = "Option::is_none")]
    retention_size: Option<u64>,
}

impl WatchConfig {
    /// Returns the entry that describes a directory's settings.
    pub fn of(directory: &Directory) -> Self {
        let labels = directory.labels.iter();
        Self {
            directory: directory.root.written().into(),
            labels: labels.map(|(n, v)| (n.into(), v.into())).collect(),
            patterns: directory.patterns.clone(),
            settle: Some(directory.settle),
            incomplete_after: Some(directory.incomplete_after),
            poll: directory.poll,
            after: directory.after,
            retention_time: directory.retention.age,
            retention_size: directory.retention.bytes,
        }
    }

    /// Returns the settings of the directory that the entry describes.
    pub fn directory(&self) -> Directory {
        let labels: Labels = self.labels.iter().collect();
        let usual = Directory::new(&self.directory, labels);
        Directory {
            patterns: self.patterns.clone(),
            settle: self.settle.unwrap_or(usual.settle),
            incomplete_after: self.incomplete_after.unwrap_or(usual.incomplete_after),
            poll: self.poll,
            after: self.after,
            retention: Retention {
                age: self.retention_time,
                bytes: self.retention_size,
            },
            ..usual
        }
    }
}
