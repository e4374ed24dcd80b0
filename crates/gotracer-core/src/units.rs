//! Durations and sizes as people write them, and times.

use std::time::SystemTime;

use jiff::Timestamp;

use crate::trace::Time;

/// A duration in ns, with three significant digits: `1.23ms`, `456µs`, `12s`.
pub fn duration(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns}ns"),
        1_000..1_000_000 => digits(ns as f64 / 1e3, "µs"),
        1_000_000..1_000_000_000 => digits(ns as f64 / 1e6, "ms"),
        _ => digits(ns as f64 / 1e9, "s"),
    }
}

/// Time between two moments, ns; 0 in the wrong order.
#[inline]
pub fn elapsed(from: Time, to: Time) -> u64 {
    to.saturating_sub(from).max(0) as u64
}

/// Sum of times in ns. A damaged trace can have times near the end of the range: a sum beyond it is the largest one.
pub fn total(times: impl IntoIterator<Item = u64>) -> u64 {
    times.into_iter().fold(0, u64::saturating_add)
}

/// A size in bytes, with three significant digits: `512B`, `1.5KiB`, `64MiB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if n < 1024 {
        return format!("{n}B");
    }
    let mut value = n as f64 / 1024.0;
    let mut unit = 0;
    // 1023.95 would be printed as 1024.
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    digits(value, UNITS[unit])
}

/// A time as the standard library has it; the epoch where the system can't
/// express it.
pub fn system_time(time: Timestamp) -> SystemTime {
    SystemTime::try_from(time).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// A value to six significant digits, for estimates that are no surer.
pub fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

fn digits(value: f64, unit: &str) -> String {
    let decimals = match value {
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_short_and_stay_as_they_are() {
        let values = [0.0, 1.0 / 3.0, 62_914_560.000_000_36, -1e-9, f64::INFINITY];
        let short = values.map(rounded);
        assert_eq!(short, [0.0, 0.333_333, 62_914_600.0, -1e-9, f64::INFINITY]);
        assert_eq!(short.map(rounded), short);
    }

    #[test]
    fn three_digits_are_enough() {
        let d = [
            0,
            999,
            1_000,
            1_234,
            45_678_901,
            1_000_000_000,
            3_500_000_000,
            90_000_000_000,
        ];
        let d: Vec<_> = d.into_iter().map(duration).collect();
        assert_eq!(
            d,
            [
                "0ns", "999ns", "1µs", "1.23µs", "45.7ms", "1s", "3.5s", "90s"
            ]
        );
        let b = [0, 1023, 1024, 1536, 64 << 20, (1 << 30) - 1, u64::MAX];
        let b: Vec<_> = b.into_iter().map(bytes).collect();
        assert_eq!(
            b,
            ["0B", "1023B", "1KiB", "1.5KiB", "64MiB", "1GiB", "16EiB"]
        );
    }
}
