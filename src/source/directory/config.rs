//! A watched directory in the configuration file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::{After, Directory, Pattern, Retention};
use crate::labels::Labels;
use crate::source::yaml::{duration, size};

/// One entry of `watch_configs`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchConfig {
    directory: PathBuf,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    patterns: Vec<Pattern>,
    #[serde(default, deserialize_with = "duration")]
    settle: Option<Duration>,
    #[serde(default, deserialize_with = "duration")]
    poll: Option<Duration>,
    #[serde(default)]
    after: After,
    #[serde(default, deserialize_with = "duration")]
    retention_time: Option<Duration>,
    #[serde(default, deserialize_with = "size")]
    retention_size: Option<u64>,
}

impl WatchConfig {
    /// What it says to watch, and how.
    pub fn directory(&self) -> Directory {
        let labels: Labels = self.labels.iter().collect();
        let usual = Directory::new(&self.directory, labels);
        Directory {
            patterns: self.patterns.clone(),
            settle: self.settle.unwrap_or(usual.settle),
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
