//! Settings: which traces are kept, and for how long.

use std::path::PathBuf;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::objects::Location;
use crate::report::Severity;
use crate::source::yaml::{given_duration, given_size};

/// The key `evidence` of the configuration.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Directory of the evidence or, with a bucket, of waiting traces. Without a directory and a
    /// bucket nothing is kept.
    #[serde(deserialize_with = "directory")]
    pub directory: Option<PathBuf>,
    /// Bucket of the evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Location>,
    /// Limit of the bytes that wait for the bucket; the oldest traces are dropped first.
    #[serde(with = "given_size")]
    pub max_waiting_bytes: u64,
    /// Lowest severity of a finding for which a trace is kept.
    pub severity: Severity,
    /// Time between two kept traces of a rule and target. A worse finding is kept sooner.
    #[serde(with = "given_duration")]
    pub interval: Duration,
    /// Limit of the bytes of all traces and documents; the oldest traces are deleted first.
    #[serde(with = "given_size")]
    pub max_bytes: u64,
    /// Limit of the bytes per target.
    #[serde(with = "given_size")]
    pub max_target_bytes: u64,
    /// Age after which a trace is deleted.
    #[serde(with = "given_duration")]
    pub max_age: Duration,
    /// Generations of a stream to keep before the finding's generation.
    pub before: usize,
    /// Generations of a stream to keep after the finding's generation.
    pub after: usize,
    /// Memory limit of a stream's ring buffer of generations, in bytes.
    #[serde(with = "given_size")]
    pub buffer: u64,
    /// Whether to keep copies without the program's names. A trace that cannot be anonymized is not
    /// kept.
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
    /// Returns the size limit of one trace with its document.
    pub fn most(&self) -> u64 {
        self.max_bytes.min(self.max_target_bytes)
    }
}

/// Parses a directory and rejects a URL.
fn directory<'de, D: Deserializer<'de>>(d: D) -> Result<Option<PathBuf>, D::Error> {
    let path = Option::<String>::deserialize(d)?;
    if let Some(path) = path.as_deref().filter(|path| path.contains("://")) {
        let why = format_args!("directory: {path} is a URL; `bucket` is for that");
        return Err(D::Error::custom(why));
    }
    Ok(path.map(Into::into))
}
