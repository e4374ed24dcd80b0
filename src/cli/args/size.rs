//! Parser of sizes in bytes.

use gotracer::rules::{SettingError, Unit};

/// Parses a size such as `10MiB`.
pub(crate) fn size(text: &str) -> Result<u64, SettingError> {
    Unit::Bytes.parse(text)
}
