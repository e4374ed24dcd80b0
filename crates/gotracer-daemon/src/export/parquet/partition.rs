//! Partition directory of a row: `service=…/version=…/day=…`.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::labels::Labels;

/// Hive's name of the partition of null values.
const NONE: &str = "__HIVE_DEFAULT_PARTITION__";

/// The directory of a program's traces of one day, in UTC.
pub(super) fn directory(labels: &Labels, day: Option<Timestamp>) -> String {
    let day = day.map(|time| time.to_zoned_datetime(TimeZone::UTC).date().to_string());
    format!(
        "service={}/version={}/day={}",
        value(labels.get("service")),
        value(labels.get("version")),
        day.as_deref().unwrap_or(NONE)
    )
}

/// A value as readers of Hive's directories decode it.
fn value(text: &str) -> String {
    if text.is_empty() {
        return NONE.into();
    }
    let mut value = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                value.push(byte.into());
            }
            _ => {
                let _ = write!(value, "%{byte:02X}");
            }
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_those_of_hive() {
        let time = "2026-11-24T23:59:59.9Z".parse().ok();
        let labels = Labels::new()
            .with("service", "shop/api")
            .with("version", "1.2 β");
        assert_eq!(
            directory(&labels, time),
            "service=shop%2Fapi/version=1.2%20%CE%B2/day=2026-11-24"
        );
        assert_eq!(
            directory(&Labels::new(), None),
            format!("service={NONE}/version={NONE}/day={NONE}")
        );
        // None of them leads out of the directory.
        let sly = Labels::new().with("service", "..").with("version", "=");
        assert!(directory(&sly, time).starts_with("service=../version=%3D/"));
    }
}
