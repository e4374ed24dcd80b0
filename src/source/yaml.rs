//! Values as people write them in YAML.

use std::time::Duration;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serializer};

use crate::rules::Unit;

/// A duration such as `30s`.
pub fn duration<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(d)?;
    let ns = Unit::Nanoseconds.parse(&text).map_err(D::Error::custom)?;
    Ok(Some(Duration::from_nanos(ns)))
}

/// A size such as `256MiB`.
pub fn size<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
    let text = String::deserialize(d)?;
    let bytes = Unit::Bytes.parse(&text).map_err(D::Error::custom)?;
    Ok(Some(bytes))
}

/// Writes what [`duration`] reads.
pub fn write_duration<S: Serializer>(value: &Option<Duration>, s: S) -> Result<S::Ok, S::Error> {
    let ns = value.unwrap_or_default().as_nanos();
    let ns = u64::try_from(ns).unwrap_or(u64::MAX);
    s.serialize_str(&Unit::Nanoseconds.exactly(ns))
}

/// Writes what [`size`] reads.
pub fn write_size<S: Serializer>(value: &Option<u64>, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&Unit::Bytes.exactly(value.unwrap_or_default()))
}
