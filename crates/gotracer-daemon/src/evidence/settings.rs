//! Settings: which traces are kept, and for how long.

use std::path::PathBuf;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::objects::Location;
use crate::report::Severity;
use crate::source::yaml::{given_duration, given_size, put_duration, put_size};

/// The key `evidence` of the configuration.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where to keep it; with a bucket, what waits for that. Nothing is kept
    /// without either.
    #[serde(deserialize_with = "directory")]
    pub directory: Option<PathBuf>,
    /// Bucket to keep traces in instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Location>,
    /// The most bytes that wait for the bucket; the oldest are given up first.
    #[serde(deserialize_with = "given_size", serialize_with = "put_size")]
    pub max_waiting_bytes: u64,
    /// From which severity on a finding is worth it.
    pub severity: Severity,
    /// How long after it was last kept for a rule of a target it is kept again;
    /// sooner only if it is worse.
    #[serde(deserialize_with = "given_duration", serialize_with = "put_duration")]
    pub interval: Duration,
    /// The most bytes of all traces and their documents together; the oldest go first.
    #[serde(deserialize_with = "given_size", serialize_with = "put_size")]
    pub max_bytes: u64,
    /// The most bytes of one target.
    #[serde(deserialize_with = "given_size", serialize_with = "put_size")]
    pub max_target_bytes: u64,
    /// Age after which a trace is deleted.
    #[serde(deserialize_with = "given_duration", serialize_with = "put_duration")]
    pub max_age: Duration,
    /// Generations of a stream to keep before that of the finding.
    pub before: usize,
    /// Generations of a stream to keep after it.
    pub after: usize,
    /// The most bytes that a stream's last generations may take in memory.
    #[serde(deserialize_with = "given_size", serialize_with = "put_size")]
    pub buffer: u64,
    /// Whether to keep copies without the program's names, and nothing of which
    /// there can't be one.
    pub anonymize: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            directory: None,
            bucket: None,
            max_waiting_bytes: 256 << 20,
            severity: Severity::Error,
            interval: Duration::from_secs(300),
            max_bytes: 1 << 30,
            max_target_bytes: 256 << 20,
            max_age: Duration::from_secs(7 * 86_400),
            before: 2,
            after: 1,
            buffer: 16 << 20,
            anonymize: false,
        }
    }
}

impl Settings {
    /// The most bytes that one trace and its document may have.
    pub fn most(&self) -> u64 {
        self.max_bytes.min(self.max_target_bytes)
    }
}

/// A directory, which is no URL.
fn directory<'de, D: Deserializer<'de>>(d: D) -> Result<Option<PathBuf>, D::Error> {
    let path = Option::<String>::deserialize(d)?;
    if let Some(path) = path.as_deref().filter(|path| path.contains("://")) {
        let why = format_args!("directory: {path} is a URL; `bucket` is for that");
        return Err(D::Error::custom(why));
    }
    Ok(path.map(Into::into))
}
