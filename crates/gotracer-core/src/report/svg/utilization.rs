//! Minimum mutator utilization over windows of different lengths, on a log axis.

use std::fmt::{self, Write};

use super::{At, Text};
use crate::report::MinimumUtilization;
use crate::units::duration;

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 150.0;
const LEFT: f64 = 40.0;
const RIGHT: f64 = 466.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 124.0;

/// Draws the curve. Draws nothing for fewer than two windows.
///
/// # Errors
/// If writing fails.
pub fn utilization(out: &mut impl Write, windows: &[MinimumUtilization]) -> fmt::Result {
    let ([first, .., last], true) = (windows, windows.is_sorted_by_key(|w| w.window_ns)) else {
        return Ok(());
    };
    let log = |ns: u64| (ns.max(1) as f64).ln();
    let span = (log(last.window_ns) - log(first.window_ns)).max(f64::MIN_POSITIVE);
    let x = |w: &MinimumUtilization| {
        let share = (log(w.window_ns) - log(first.window_ns)) / span;
        LEFT + share.clamp(0.0, 1.0) * (RIGHT - LEFT)
    };
    let y = |ratio: f64| BOTTOM - ratio.clamp(0.0, 1.0) * (BOTTOM - TOP);
    write!(
        out,
        "<svg class=\"utilization\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\"><g class=\"axis\">",
        Text(describe(windows))
    )?;
    for percent in [0, 50, 100] {
        let y = y(f64::from(percent) / 100.0);
        write!(
            out,
            "<path d=\"M{LEFT} {}H{RIGHT}\"/><text x=\"{}\" y=\"{}\" text-anchor=\"end\">{percent}%</text>",
            At(y),
            At(LEFT - 5.0),
            At(y + 4.0)
        )?;
    }
    let mut free = f64::MIN;
    for window in windows {
        // Labels that would overlap the one before are left out.
        if x(window) < free {
            continue;
        }
        free = x(window) + 44.0;
        write!(
            out,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            At(x(window)),
            At(BOTTOM + 17.0),
            duration(window.window_ns)
        )?;
    }
    out.write_str("</g><path class=\"running\" d=\"")?;
    for (i, window) in windows.iter().enumerate() {
        let step = if i == 0 { 'M' } else { 'L' };
        write!(out, "{step}{} {}", At(x(window)), At(y(window.ratio)))?;
    }
    out.write_str("\"/>")?;
    for window in windows {
        write!(
            out,
            "<circle cx=\"{}\" cy=\"{}\" r=\"3\"><title>{} in the worst {}</title></circle>",
            At(x(window)),
            At(y(window.ratio)),
            percent(window),
            duration(window.window_ns)
        )?;
    }
    out.write_str("</svg>")
}

/// Describes the curve in words.
fn describe(windows: &[MinimumUtilization]) -> String {
    let all = windows
        .iter()
        .map(|w| format!("{} in the worst {}", percent(w), duration(w.window_ns)));
    let all: Vec<_> = all.collect();
    format!("CPU time left to the program: {}", all.join(", "))
}

fn percent(window: &MinimumUtilization) -> String {
    format!("{:.0}%", window.ratio * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(window_ns: u64, ratio: f64) -> MinimumUtilization {
        MinimumUtilization { window_ns, ratio }
    }

    fn drawn(windows: &[MinimumUtilization]) -> String {
        let mut out = String::new();
        utilization(&mut out, windows).unwrap();
        out
    }

    #[test]
    fn golden() {
        let windows = [
            window(1_000_000, 0.0),
            window(10_000_000, 0.41),
            window(1_000_000_000, 0.93),
        ];
        insta::assert_snapshot!(drawn(&windows).replace("><", ">\n<"));
    }

    #[test]
    fn one_point_is_no_curve() {
        assert_eq!(drawn(&[]), "");
        assert_eq!(drawn(&[window(1_000_000, 0.5)]), "");
    }

    #[test]
    fn the_same_length_twice_has_a_place() {
        let same = [window(1_000_000, 0.5), window(1_000_000, 0.5)];
        assert!(!drawn(&same).contains("NaN"));
    }
}
