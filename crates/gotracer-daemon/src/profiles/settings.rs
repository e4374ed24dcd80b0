//! Settings: whether profiles are gathered, and how much memory they take.

use serde::{Deserialize, Serialize};

use crate::source::yaml::given_size;

/// Smallest memory limit, bytes: enough for the profiles of one busy program.
const LEAST: u64 = 1 << 20;

/// The key `profiles` of the configuration.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether profiles are gathered.
    pub enabled: bool,
    /// Limit of the records per target. A record is a stack with its labels, per type.
    pub max_records: usize,
    /// Limit of the memory of all profiles, bytes.
    #[serde(with = "given_size")]
    pub max_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: false,
            max_records: 20_000,
            max_bytes: 64 << 20,
        }
    }
}

/// Error of invalid settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The memory limit is too small.
    #[error("max_bytes: {0} bytes hold no profile; the least is 1MiB")]
    MaxBytes(u64),
    /// No record is allowed.
    #[error("max_records: 0 leaves no stack; `enabled: false` switches profiles off")]
    MaxRecords,
}

impl Settings {
    /// Checks the values.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn check(&self) -> Result<(), SettingsError> {
        match self {
            _ if self.max_bytes < LEAST => Err(SettingsError::MaxBytes(self.max_bytes)),
            _ if self.max_records == 0 => Err(SettingsError::MaxRecords),
            _ => Ok(()),
        }
    }
}
