//! Distributions as histograms on a log axis, with thresholds.
//!
//! Heights are logarithmic too: a single slow value among a million must be visible, since people look for it.

use std::fmt::{self, Write};
use std::iter;

use super::{At, Text};
use crate::report::{Distribution, human};
use crate::rules::{SCALE, Unit};

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 132.0;
/// Left, right, top and bottom of the bars.
const PLOT: [f64; 4] = [4.0, 476.0, 28.0, 110.0];
/// Maximum number of bars of a series.
const BARS: i32 = 60;
const TICKS: usize = 6;
/// With fewer labels on the axis than this, values between powers are labeled too.
const FEW: usize = 3;

/// One distribution of a picture.
pub struct Series<'a> {
    /// Its name for people.
    pub name: &'a str,
    /// Its class in the page's style.
    pub class: &'a str,
    /// The distribution.
    pub seen: &'a Distribution,
}

/// A threshold, drawn as a line.
pub struct Limit<'a> {
    /// Its name for people.
    pub name: &'a str,
    /// Its class in the page's style.
    pub class: &'a str,
    /// The value, in the picture's unit.
    pub value: u64,
}

/// Horizontal axis: values to coordinates.
struct Axis {
    /// First bucket.
    first: i32,
    buckets: i32,
    /// Buckets per bar.
    per_bar: i32,
    /// Whether there is a bar for zeros at the left.
    zeros: bool,
}

/// Draws distributions over each other: one by its counts, several by their shares. Draws nothing if there are no
/// values.
///
/// # Errors
/// If writing fails.
pub fn histogram(
    out: &mut impl Write,
    unit: Unit,
    series: &[Series<'_>],
    marks: &[Limit<'_>],
) -> fmt::Result {
    if series.iter().all(|s| s.seen.count() == 0) {
        return Ok(());
    }
    let axis = Axis::of(series, marks);
    write!(
        out,
        "<svg class=\"histogram\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\""
    )?;
    describe(out, unit, series, marks)?;
    out.write_str("\">")?;
    let bars: Vec<_> = series.iter().map(|s| axis.bars(s.seen)).collect();
    let share = |s: &Series<'_>, n: u64| match series.len() {
        1 => n as f64,
        _ => n as f64 * 1_000.0 / s.seen.count().max(1) as f64,
    };
    let all = series.iter().zip(&bars);
    let heights = all.flat_map(|(s, bars)| bars.iter().map(move |&(_, n)| share(s, n)));
    let highest = heights.fold(0.0, f64::max);
    for (s, bars) in series.iter().zip(&bars) {
        write!(out, "<g class=\"{}\">", s.class)?;
        for &(bar, n) in bars {
            let height = (1.0 + share(s, n)).ln() / (1.0 + highest).ln();
            axis.bar(out, unit, bar, n, height)?;
        }
        out.write_str("</g>")?;
    }
    axis.ticks(out, unit)?;
    for (i, mark) in marks.iter().enumerate() {
        let at = axis.at(mark.value);
        let (y, end) = (10 + 12 * (i % 2), at > WIDTH * 0.75);
        let (x, anchor) = if end {
            (at - 3.0, "end")
        } else {
            (at + 3.0, "start")
        };
        write!(
            out,
            "<g class=\"mark {}\"><path d=\"M{} 2V{}\"/><text x=\"{}\" y=\"{y}\" \
             text-anchor=\"{anchor}\">{} {}</text></g>",
            mark.class,
            At(at),
            At(PLOT[3]),
            At(x),
            mark.name,
            human::value(unit, mark.value)
        )?;
    }
    out.write_str("</svg>")
}

/// Describes the picture in words.
fn describe(
    out: &mut impl Write,
    unit: Unit,
    series: &[Series<'_>],
    marks: &[Limit<'_>],
) -> fmt::Result {
    for s in series {
        let value = |q| human::value(unit, s.seen.quantile(q));
        write!(
            out,
            "{}: {} values, half of them up to {}, 99 % up to {}, the greatest {}. ",
            Text(s.name),
            human::count(s.seen.count()),
            value(0.5),
            value(0.99),
            human::value(unit, s.seen.max())
        )?;
    }
    for mark in marks {
        write!(
            out,
            "{} from {} on. ",
            mark.name,
            human::value(unit, mark.value)
        )?;
    }
    Ok(())
}

impl Axis {
    fn of(series: &[Series<'_>], marks: &[Limit<'_>]) -> Self {
        let seen = series.iter().flat_map(|s| s.seen.buckets());
        let marks = marks.iter().map(|m| (bucket(m.value).ceil() as i32) + 1);
        let mut all: Vec<i32> = seen.map(|(i, _)| i).chain(marks).collect();
        all.sort_unstable();
        let ends = all.first().zip(all.last());
        let (first, last) = ends.map_or((0, 0), |(&first, &last)| (first - 2, last + 2));
        let buckets = last + 1 - first;
        let mut per_bar = 1;
        while buckets / per_bar > BARS {
            per_bar *= 2;
        }
        Self {
            first,
            buckets,
            per_bar,
            zeros: series.iter().any(|s| s.seen.zeros() > 0),
        }
    }

    /// Returns the bars with their counts; bar -1 is that of the zeros.
    fn bars(&self, seen: &Distribution) -> Vec<(i32, u64)> {
        let mut bars: Vec<(i32, u64)> = Vec::new();
        if seen.zeros() > 0 {
            bars.push((-1, seen.zeros()));
        }
        for (i, n) in seen.buckets() {
            let bar = (i - self.first) / self.per_bar;
            match bars.last_mut() {
                Some((last, sum)) if *last == bar => *sum += n,
                _ => bars.push((bar, n)),
            }
        }
        bars
    }

    fn bar(&self, out: &mut impl Write, unit: Unit, bar: i32, n: u64, height: f64) -> fmt::Result {
        let [left, _, top, bottom] = PLOT;
        let bound = |bar: i32| self.first - 1 + bar * self.per_bar;
        let (from, to) = match bar {
            -1 => (left, left + 10.0),
            bar => (self.place(bound(bar)), self.place(bound(bar + 1))),
        };
        let height = (height * (bottom - top)).max(1.5);
        write!(
            out,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>{} ",
            At(from),
            At(bottom - height),
            At((to - from - 0.5).max(0.5)),
            At(height),
            human::count(n)
        )?;
        match bar {
            -1 => out.write_str("× 0")?,
            bar => {
                let value = |i: i32| human::value(unit, bucket_bound(i));
                write!(out, "× {} to {}", value(bound(bar)), value(bound(bar + 1)))?;
            }
        }
        out.write_str("</title></rect>")
    }

    /// Draws lines and labels at round values.
    fn ticks(&self, out: &mut impl Write, unit: Unit) -> fmt::Result {
        let [left, right, _, bottom] = PLOT;
        write!(
            out,
            "<g class=\"axis\"><path d=\"M{} {}H{}\"/>",
            At(left),
            At(bottom),
            At(right)
        )?;
        let mut round = self.round(unit, 1);
        if round.len() < FEW {
            round = self.round(unit, 3);
        }
        let step = round.len().div_ceil(TICKS).max(1);
        for &value in round.iter().step_by(step) {
            let x = self.at(value);
            if !(left + 14.0..=right - 14.0).contains(&x) {
                continue;
            }
            write!(
                out,
                "<path d=\"M{} {}v4\"/><text x=\"{0}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                At(x),
                At(bottom),
                At(HEIGHT - 6.0),
                human::value(unit, value)
            )?;
        }
        if self.zeros {
            write!(
                out,
                "<text x=\"{}\" y=\"{}\">0</text>",
                At(left),
                At(HEIGHT - 6.0)
            )?;
        }
        out.write_str("</g>")
    }

    /// Returns round values, at most `each` per power.
    fn round(&self, unit: Unit, each: usize) -> Vec<u64> {
        let last = bucket_bound(self.first + self.buckets);
        let range = bucket_bound(self.first)..=last;
        let (base, parts): (u64, &[u64]) = match unit {
            Unit::Bytes => (4, &[1, 2]),
            Unit::Nanoseconds | Unit::Goroutines | Unit::Share | Unit::Rate => (10, &[1, 2, 5]),
        };
        let powers = iter::successors(Some(1_u64), |power| power.checked_mul(base));
        let parts = &parts[..parts.len().min(each)];
        let all = powers
            .take_while(|power| *power <= last)
            .flat_map(|power| parts.iter().map(move |part| power.saturating_mul(*part)));
        all.filter(|value| range.contains(value)).collect()
    }

    /// Returns the coordinate of a value.
    fn at(&self, value: u64) -> f64 {
        self.scaled(bucket(value))
    }

    /// Returns the coordinate of a bucket's upper bound.
    fn place(&self, bucket: i32) -> f64 {
        self.scaled(f64::from(bucket))
    }

    fn scaled(&self, bucket: f64) -> f64 {
        let [mut left, right, ..] = PLOT;
        if self.zeros {
            left += 14.0;
        }
        let share = (bucket - f64::from(self.first - 1)) / f64::from(self.buckets);
        left + share.clamp(0.0, 1.0) * (right - left)
    }
}

/// Converts a value to a bucket.
fn bucket(value: u64) -> f64 {
    (value.max(1) as f64).log2() * f64::from(1 << SCALE)
}

/// Converts a bucket to its upper bound.
fn bucket_bound(bucket: i32) -> u64 {
    (f64::from(bucket) / f64::from(1 << SCALE)).exp2() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(values: &[u64], marks: &[u64]) -> String {
        let mut seen = Distribution::default();
        values.iter().for_each(|&v| seen.record(v));
        let series = [Series {
            name: "waits",
            class: "seen",
            seen: &seen,
        }];
        let mark = |&value| Limit {
            name: "warn",
            class: "warn",
            value,
        };
        let marks: Vec<_> = marks.iter().map(mark).collect();
        let mut out = String::new();
        histogram(&mut out, Unit::Nanoseconds, &series, &marks).unwrap();
        out
    }

    #[test]
    fn golden() {
        let values = [0, 1_500, 1_600, 1_700, 20_000, 21_000, 52_000_000];
        insta::assert_snapshot!(draw(&values, &[10_000_000, 50_000_000]).replace("><", ">\n<"));
    }

    #[test]
    fn nothing_seen_is_no_picture() {
        assert_eq!(draw(&[], &[1]), "");
    }

    /// Every coordinate lies within the picture, and the picture is small.
    #[test]
    fn extremes_fit() {
        let many: Vec<u64> = (0..64).map(|i| u64::MAX >> i).collect();
        for (values, marks) in [
            (&[1][..], &[u64::MAX][..]),
            (&[u64::MAX], &[0, 1]),
            (&[0], &[]),
            (&many, &[1_000, 1_000_000]),
        ] {
            let svg = draw(values, marks);
            assert!(svg.len() < 16_000, "{}", svg.len());
            for x in svg.split(" x=\"").skip(1) {
                let x: f64 = x.split('"').next().unwrap().parse().unwrap();
                assert!((0.0..=WIDTH).contains(&x), "{svg}");
            }
            let bars = svg.matches("<rect").count();
            assert!((1..=BARS as usize + 2).contains(&bars), "{bars}");
        }
    }
}
