//! The program over time: findings, stops, heap, and goroutines on one axis.

use std::fmt::{self, Write};

use super::{At, Text};
use crate::report::{Column, Course, Severity, human};
use crate::units::{bytes, duration};

const WIDTH: f64 = 1000.0;
/// Left and right end of the time axis; names are at the left of it.
const LEFT: f64 = 150.0;
const RIGHT: f64 = 992.0;
const ROW: f64 = 18.0;
const CHART: f64 = 90.0;
const GAP: f64 = 14.0;
/// Minimum width of a mark that can be seen and clicked.
const NARROWEST: f64 = 3.0;

/// Findings of one rule.
pub struct Lane<'a> {
    /// The rule's name.
    pub name: &'a str,
    /// The findings.
    pub marks: Vec<Mark>,
}

/// One finding: a thin line from its first occurrence to its last, and a bar at the worst.
pub struct Mark {
    /// Start of the first occurrence, ns.
    pub from: u64,
    /// End of the last occurrence, ns.
    pub to: u64,
    /// Start and end of the worst occurrence, ns.
    pub worst: (u64, u64),
    /// Its severity.
    pub severity: Severity,
    /// Rule and message.
    pub text: String,
    /// Anchor of the finding.
    pub link: String,
}

/// Horizontal axis: times to coordinates.
struct Axis {
    duration: f64,
}

/// Draws the findings, and the program over time if it is known.
///
/// # Errors
/// If writing fails.
pub fn timeline(
    out: &mut impl Write,
    duration_ns: u64,
    lanes: &[Lane<'_>],
    course: Option<&Course>,
) -> fmt::Result {
    let axis = Axis {
        duration: duration_ns.max(1) as f64,
    };
    let course = course.filter(|c| !c.columns.is_empty());
    let charts = if course.is_some() {
        ROW + 2.0 * (CHART + GAP)
    } else {
        0.0
    };
    let bottom = 4.0 + ROW * lanes.len() as f64 + charts;
    let height = bottom + 22.0;
    // The picture has no role "img": its marks are links.
    write!(
        out,
        "<svg class=\"timeline\" viewBox=\"0 0 {WIDTH} {}\" role=\"group\" aria-label=\"\
         Timeline of {}\">",
        At(height),
        duration(duration_ns)
    )?;
    axis.ticks(out, duration_ns, bottom)?;
    let mut top = 4.0;
    for lane in lanes {
        name(out, lane.name, top + 13.0)?;
        out.write_str("<g class=\"lane\">")?;
        for mark in &lane.marks {
            let (x, width) = axis.bar(mark.from, mark.to);
            let (worst, long) = axis.bar(mark.worst.0, mark.worst.1);
            write!(
                out,
                "<a href=\"#{}\" aria-label=\"{}\"><title>{1}</title><rect class=\"span {}\" x=\"{}\" y=\"{}\" \
                 width=\"{}\" height=\"3\"/><rect class=\"{2}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/></a>",
                mark.link,
                Text(&mark.text),
                mark.severity.name(),
                At(x),
                At(top + ROW / 2.0 - 1.5),
                At(width),
                At(worst),
                At(top + 2.0),
                At(long),
                At(ROW - 4.0)
            )?;
        }
        out.write_str("</g>")?;
        top += ROW;
    }
    if let Some(course) = course {
        charts_of(out, &axis, course, top)?;
    }
    out.write_str("</svg>")
}

fn name(out: &mut impl Write, name: &str, y: f64) -> fmt::Result {
    let (x, y, name) = (At(LEFT - 8.0), At(y), Text(name));
    write!(
        out,
        "<text x=\"{x}\" y=\"{y}\" text-anchor=\"end\">{name}</text>"
    )
}

fn charts_of(out: &mut impl Write, axis: &Axis, course: &Course, mut top: f64) -> fmt::Result {
    let (columns, first) = (&course.columns, top);
    let edge = |i: usize| axis.at(course.width.saturating_mul(i as u64));
    name(out, "stop-the-world", top + 13.0)?;
    out.write_str("<path class=\"stopped\" d=\"")?;
    for (i, column) in columns.iter().enumerate().filter(|(_, c)| c.stopped > 0) {
        // Height is the share of the time, with a minimum that is visible.
        let share = column.stopped as f64 / column.covered.max(1) as f64;
        let height = (ROW - 4.0) * (0.4 + 0.6 * share);
        let width = (edge(i + 1) - edge(i)).max(1.5);
        let (x, y, width) = (At(edge(i)), At(top + ROW - 2.0), At(width));
        write!(out, "M{x} {y}v-{0}h{width}v{0}z", At(height))?;
    }
    out.write_str("\"/>")?;
    top += ROW + GAP;

    let heap = |c: &Column| c.heap_max.max(c.heap_live).max(c.heap_goal);
    let most = columns.iter().map(heap).max().unwrap_or(0);
    let chart = Chart {
        top,
        most: most as f64,
    };
    chart.frame(out, "heap", &bytes(most))?;
    chart.area(out, "heap-max", columns, edge, |c| c.heap_max as f64)?;
    let known = |bytes: u64| (bytes > 0).then_some(bytes as f64);
    chart.line(out, "heap-live", columns, edge, |c| known(c.heap_live))?;
    chart.line(out, "heap-goal", columns, edge, |c| known(c.heap_goal))?;
    top += CHART + GAP;

    let over_time = |sum: u64, c: &Column| sum as f64 / c.covered.max(1) as f64;
    let running = |c: &Column| over_time(c.running_sum, c);
    let runnable = |c: &Column| c.runnable_max as f64;
    let most = columns.iter().map(|c| running(c).max(runnable(c)));
    let most = most.fold(1.0, f64::max).ceil();
    let chart = Chart { top, most };
    chart.frame(out, "goroutines", &human::count(most as u64))?;
    chart.area(out, "runnable", columns, edge, runnable)?;
    chart.line(out, "running", columns, edge, |c| Some(running(c)))?;
    tips(out, course, edge, (first, top + CHART))
}

/// Draws the tooltips, each for several columns if there are many.
fn tips(
    out: &mut impl Write,
    course: &Course,
    edge: impl Fn(usize) -> f64,
    (top, bottom): (f64, f64),
) -> fmt::Result {
    out.write_str("<g class=\"tips\">")?;
    let together = course.columns.len().div_ceil(128).max(1);
    for (i, columns) in course.columns.chunks(together).enumerate() {
        let (from, to) = (i * together, i * together + columns.len());
        let all = columns.iter().fold(Column::default(), Column::then);
        let share = |sum: u64| sum as f64 / all.covered.max(1) as f64;
        let start = course.width.saturating_mul(from as u64);
        write!(
            out,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>at {}: {:.1} running, \
             {:.1} runnable (at most {})",
            At(edge(from)),
            At(top),
            At(edge(to) - edge(from)),
            At(bottom - top),
            duration(start),
            share(all.running_sum),
            share(all.runnable_sum),
            human::count(all.runnable_max)
        )?;
        for (what, value) in [("live", all.heap_live), ("goal", all.heap_goal)] {
            if value > 0 {
                write!(out, ", heap {what} {}", bytes(value))?;
            }
        }
        if all.stopped > 0 {
            write!(out, ", world stopped for {}", duration(all.stopped))?;
        }
        out.write_str("</title></rect>")?;
    }
    out.write_str("</g>")
}

impl Axis {
    fn at(&self, ns: u64) -> f64 {
        LEFT + (ns as f64 / self.duration).min(1.0) * (RIGHT - LEFT)
    }

    /// Returns left edge and width of a bar that can be seen and clicked.
    fn bar(&self, from: u64, to: u64) -> (f64, f64) {
        let x = self.at(from);
        let width = (self.at(to) - x).max(NARROWEST);
        (x.min(RIGHT - width), width)
    }

    /// Draws lines at round times.
    fn ticks(&self, out: &mut impl Write, duration_ns: u64, bottom: f64) -> fmt::Result {
        let step = super::step(duration_ns, 8);
        out.write_str("<g class=\"axis\">")?;
        for i in 0..=duration_ns / step {
            let ns = i * step;
            let x = self.at(ns);
            let anchor = if x > RIGHT - 20.0 { "end" } else { "middle" };
            write!(
                out,
                "<path d=\"M{} 0V{}\"/><text x=\"{0}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
                At(x),
                At(bottom + 4.0),
                At(bottom + 18.0),
                duration(ns)
            )?;
        }
        out.write_str("</g>")
    }
}

/// A chart of values over time.
struct Chart {
    top: f64,
    most: f64,
}

impl Chart {
    fn frame(&self, out: &mut impl Write, what: &str, most: &str) -> fmt::Result {
        name(out, what, self.top + CHART / 2.0 + 5.0)?;
        name(out, most, self.top + 10.0)?;
        name(out, "0", self.top + CHART)?;
        let (x, y, right) = (At(LEFT), At(self.top + CHART), At(RIGHT));
        write!(out, "<path class=\"base\" d=\"M{x} {y}H{right}\"/>")
    }

    fn y(&self, value: f64) -> At {
        At(self.top + CHART * (1.0 - (value / self.most.max(1.0)).clamp(0.0, 1.0)))
    }

    /// Draws steps, with gaps where the value is unknown.
    fn line(
        &self,
        out: &mut impl Write,
        class: &str,
        columns: &[Column],
        edge: impl Fn(usize) -> f64,
        value: impl Fn(&Column) -> Option<f64>,
    ) -> fmt::Result {
        write!(out, "<path class=\"{class}\" d=\"")?;
        let mut before = None;
        for (i, column) in columns.iter().enumerate() {
            let now = value(column);
            match (before, now) {
                // A constant value is drawn when it changes.
                (Some(before), Some(now)) if before == now => {}
                (Some(_), Some(now)) => write!(out, "H{}V{}", At(edge(i)), self.y(now))?,
                (None, Some(now)) => write!(out, "M{} {}", At(edge(i)), self.y(now))?,
                (Some(_), None) => write!(out, "H{}", At(edge(i)))?,
                (None, None) => {}
            }
            before = now;
        }
        if before.is_some() {
            write!(out, "H{}", At(edge(columns.len())))?;
        }
        out.write_str("\"/>")
    }

    fn area(
        &self,
        out: &mut impl Write,
        class: &str,
        columns: &[Column],
        edge: impl Fn(usize) -> f64,
        value: impl Fn(&Column) -> f64,
    ) -> fmt::Result {
        write!(
            out,
            "<path class=\"{class}\" d=\"M{} {}",
            At(LEFT),
            self.y(0.0)
        )?;
        let mut last = 0.0;
        for (i, column) in columns.iter().enumerate() {
            let now = value(column);
            if now != last {
                write!(out, "H{}V{}", At(edge(i)), self.y(now))?;
                last = now;
            }
        }
        write!(out, "H{}V{}z\"/>", At(edge(columns.len())), self.y(0.0))
    }
}
