//! Units of rules' values, and values as text.

use super::SettingError;

/// Unit of a rule's values.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, schemars::JsonSchema)]
pub enum Unit {
    /// Time.
    #[serde(rename = "ns")]
    Nanoseconds,
    /// Memory.
    #[serde(rename = "bytes")]
    Bytes,
    /// Number of goroutines.
    #[serde(rename = "goroutines")]
    Goroutines,
    /// Share of the observed time, in millionths. Only custom rules use it.
    #[serde(rename = "ppm")]
    Share,
    /// Occurrences per second, in thousandths. Only custom rules use it.
    #[serde(rename = "mHz")]
    Rate,
}

impl Unit {
    /// Returns whether values are rates over the whole trace, which have no sum.
    pub fn is_rate(self) -> bool {
        matches!(self, Self::Share | Self::Rate)
    }

    /// Name in outputs for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::Bytes => "bytes",
            Self::Goroutines => "goroutines",
            Self::Share => "ppm",
            Self::Rate => "mHz",
        }
    }
}

impl Unit {
    /// Parses a value such as `2ms`, `64MiB` or `100`.
    ///
    /// # Errors
    /// If it is not a number with one of the unit's suffixes.
    pub fn parse(self, text: &str) -> Result<u64, SettingError> {
        let bad = || SettingError::BadValue {
            value: text.into(),
            expected: match self {
                Unit::Nanoseconds => "a duration, such as 500us, 2ms or 1.5s",
                Unit::Bytes => "a size, such as 512KiB, 64MiB or 1GiB",
                Unit::Goroutines => "a whole number, such as 100",
                Unit::Share => "a percentage, such as 25%",
                Unit::Rate => "a number per second, such as 5 or 0.1/s",
            },
        };
        let text = text.trim();
        let end = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let scale = self.scale(suffix.trim()).ok_or_else(bad)?;
        let value = number.parse::<f64>().map_err(|_| bad())? * scale;
        let whole = self != Unit::Goroutines || value.fract() == 0.0;
        if value < u64::MAX as f64 && whole {
            Ok(value.round() as u64)
        } else {
            Err(bad())
        }
    }

    /// Formats a value for [`parse`](Self::parse), in the largest unit that gives a whole number.
    pub fn exactly(self, value: u64) -> String {
        const NS: [(u64, &str); 5] = [
            (60_000_000_000, "m"),
            (1_000_000_000, "s"),
            (1_000_000, "ms"),
            (1_000, "us"),
            (1, "ns"),
        ];
        const BYTES: [(u64, &str); 4] = [
            (1 << 30, "GiB"),
            (1 << 20, "MiB"),
            (1 << 10, "KiB"),
            (1, "B"),
        ];
        let units: &[(u64, &str)] = match self {
            Self::Nanoseconds if value == 0 => return "0s".into(),
            Self::Nanoseconds => &NS,
            Self::Bytes if value == 0 => return "0B".into(),
            Self::Bytes => &BYTES,
            Self::Goroutines => &[(1, "")],
            Self::Share => return format!("{}%", value as f64 / 1e4),
            Self::Rate => return format!("{}", value as f64 / 1e3),
        };
        let whole = units.iter().find(|(unit, _)| value.is_multiple_of(*unit));
        whole.map_or_else(String::new, |(unit, name)| {
            format!("{}{name}", value / unit)
        })
    }

    fn scale(self, suffix: &str) -> Option<f64> {
        const KIB: f64 = 1024.0;
        Some(match (self, suffix) {
            (Unit::Nanoseconds, "ns") => 1.0,
            (Unit::Nanoseconds, "us" | "µs" | "μs") => 1e3,
            (Unit::Nanoseconds, "ms") => 1e6,
            (Unit::Nanoseconds, "s") => 1e9,
            (Unit::Nanoseconds, "m") => 60e9,
            (Unit::Bytes, "B" | "") => 1.0,
            (Unit::Bytes, "kB") => 1e3,
            (Unit::Bytes, "MB") => 1e6,
            (Unit::Bytes, "GB") => 1e9,
            (Unit::Bytes, "KiB") => KIB,
            (Unit::Bytes, "MiB") => KIB * KIB,
            (Unit::Bytes, "GiB") => KIB * KIB * KIB,
            (Unit::Goroutines, "") => 1.0,
            (Unit::Share, "%") => 1e4,
            (Unit::Rate, "" | "/s") => 1e3,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_people_write_them() {
        assert_eq!(Unit::Nanoseconds.parse("2ms"), Ok(2_000_000));
        assert_eq!(Unit::Nanoseconds.parse("1.5 s"), Ok(1_500_000_000));
        assert_eq!(Unit::Bytes.parse("64MiB"), Ok(64 << 20));
        assert_eq!(Unit::Goroutines.parse("100"), Ok(100));
        assert_eq!(Unit::Share.parse("12.5%"), Ok(125_000));
        assert_eq!(Unit::Rate.parse("0.1/s"), Ok(100));
        for (unit, bad) in [
            (Unit::Nanoseconds, "2"),
            (Unit::Nanoseconds, "fast"),
            (Unit::Bytes, "2ms"),
            (Unit::Bytes, "-1B"),
            (Unit::Goroutines, "1.5"),
            (Unit::Share, "12"),
            (Unit::Rate, "5%"),
            (Unit::Goroutines, "99999999999999999999999"),
        ] {
            assert!(unit.parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn values_are_written_as_they_are_read() {
        for (unit, text) in [
            (Unit::Nanoseconds, "90s"),
            (Unit::Nanoseconds, "5m"),
            (Unit::Nanoseconds, "1500us"),
            (Unit::Nanoseconds, "0s"),
            (Unit::Bytes, "256MiB"),
            (Unit::Bytes, "1000B"),
            (Unit::Goroutines, "100"),
            (Unit::Share, "12.5%"),
            (Unit::Rate, "0.25"),
        ] {
            assert_eq!(unit.exactly(unit.parse(text).unwrap()), text);
        }
    }
}
