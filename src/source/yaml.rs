//! Values as people write them in YAML.

use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

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
