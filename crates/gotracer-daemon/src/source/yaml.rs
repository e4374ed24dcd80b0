//! Durations and sizes in YAML.

use std::time::Duration;

use serde::de::Deserializer;
use serde::{Deserialize, Serializer};

use crate::rules::{SettingError, Unit};

/// Reads a duration such as `30s` or `1.5s`, or one of Prometheus, such as
/// `1h30m` or `7d`.
///
/// # Errors
/// If it is neither.
pub fn parse_duration(text: &str) -> Result<Duration, SettingError> {
    match Unit::Nanoseconds.parse(text) {
        Ok(ns) => Ok(Duration::from_nanos(ns)),
        Err(error) => of_prometheus(text).ok_or(error),
    }
}

/// Parses numbers with units: the largest unit first, each at most once.
fn of_prometheus(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 7] = [
        ("y", 365 * 86_400_000),
        ("w", 7 * 86_400_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ];
    let (mut rest, mut left) = (text.trim(), &UNITS[..]);
    let mut sum: u64 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(end);
        let end = after.find(|c: char| c.is_ascii_digit());
        let (unit, after) = after.split_at(end.unwrap_or(after.len()));
        let index = left.iter().position(|(name, _)| *name == unit)?;
        let ms = number.parse::<u64>().ok()?.checked_mul(left[index].1)?;
        sum = sum.checked_add(ms)?;
        (rest, left) = (after, &left[index + 1..]);
    }
    // The sum must fit into 64 bits as nanoseconds.
    let fits = sum <= u64::MAX / 1_000_000;
    (fits && !text.trim().is_empty()).then(|| Duration::from_millis(sum))
}

/// A duration that a section may have, for `#[serde(with = "duration")]`.
pub(crate) mod duration {
    use super::{Deserialize as _, Deserializer, Duration, Serializer, Unit, parse_duration};
    use serde::de::Error as _;

    /// Reads what [`parse_duration`] reads.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<Duration>, D::Error> {
        let text = String::deserialize(d)?;
        parse_duration(&text).map(Some).map_err(D::Error::custom)
    }

    /// Writes what [`deserialize`] reads.
    pub(crate) fn serialize<S: Serializer>(
        value: &Option<Duration>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        let ns = value.unwrap_or_default().as_nanos();
        let ns = u64::try_from(ns).unwrap_or(u64::MAX);
        s.serialize_str(&Unit::Nanoseconds.exactly(ns))
    }
}

/// A size such as `256MiB` that a section may have, for `#[serde(with = "size")]`.
pub(crate) mod size {
    use super::{Deserialize as _, Deserializer, Serializer, Unit};
    use serde::de::Error as _;

    /// Reads a size in bytes.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
        let text = String::deserialize(d)?;
        let bytes = Unit::Bytes.parse(&text).map_err(D::Error::custom)?;
        Ok(Some(bytes))
    }

    /// Writes what [`deserialize`] reads.
    pub(crate) fn serialize<S: Serializer>(value: &Option<u64>, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&Unit::Bytes.exactly(value.unwrap_or_default()))
    }
}

/// As [`duration`], where there is always one.
pub(crate) mod given_duration {
    use super::{Deserializer, Duration, Serializer, duration};

    /// As [`duration::deserialize`].
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        duration::deserialize(d).map(Option::unwrap_or_default)
    }

    /// As [`duration::serialize`].
    pub(crate) fn serialize<S: Serializer>(value: &Duration, s: S) -> Result<S::Ok, S::Error> {
        duration::serialize(&Some(*value), s)
    }
}

/// As [`size`], where there is always one.
pub(crate) mod given_size {
    use super::{Deserializer, Serializer, size};

    /// As [`size::deserialize`].
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<u64, D::Error> {
        size::deserialize(d).map(Option::unwrap_or_default)
    }

    /// As [`size::serialize`].
    pub(crate) fn serialize<S: Serializer>(value: &u64, s: S) -> Result<S::Ok, S::Error> {
        size::serialize(&Some(*value), s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_prometheus_are_read() {
        let seconds = |text| parse_duration(text).map(|d| d.as_secs_f64()).ok();
        for (text, read) in [
            ("30s", 30.0),
            ("1.5s", 1.5),
            ("1h", 3600.0),
            ("1h30m", 5400.0),
            ("7d", 604_800.0),
            ("1d2h3m4s5ms", 93_784.005),
            ("1y", 31_536_000.0),
        ] {
            assert_eq!(seconds(text), Some(read), "{text}");
        }
        for bad in [
            "",
            "1",
            "h",
            "30m1h",
            "1h1h",
            "1.5h",
            "-1h",
            "1000y",
            "9999999999999999999y",
        ] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
