//! A moment: one row per P and per goroutine, with stops and wake-ups.
//!
//! Labels are above the rows, so the picture is readable at the width of a phone.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::{At, Text};
use crate::report::{Moment, Row, Span, SpanState};
use crate::units::duration;

const WIDTH: f64 = 480.0;
const LEFT: f64 = 4.0;
const RIGHT: f64 = 476.0;
/// Height of the line above the rows, which holds the names of the stops.
const TOP: f64 = 14.0;
const ROW: f64 = 28.0;
/// Distance from a row's top to its bar.
const LABEL: f64 = 13.0;
const BAR: f64 = 10.0;
/// Width of an arrow's tip.
const TIP: f64 = 6.0;
/// Width below which spans have no tooltip.
const NARROW: f64 = 1.5;
/// Maximum characters of a label.
const NAME: usize = 70;

/// Draws a moment.
///
/// # Errors
/// If writing fails.
pub fn moment(out: &mut impl Write, moment: &Moment) -> fmt::Result {
    let bottom = TOP + ROW * moment.rows.len() as f64;
    write!(
        out,
        "<svg class=\"moment\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\">",
        At(bottom + 18.0),
        Text(describe(moment))
    )?;
    let axis = Axis(moment.length.max(1) as f64);
    axis.ticks(out, moment.length, bottom)?;
    for stop in &moment.stops {
        let (x, width) = axis.place(stop);
        write!(
            out,
            "<rect class=\"stop\" x=\"{}\" y=\"0\" width=\"{}\" height=\"{}\"><title>world stopped for {} ({})</title></rect>",
            At(x),
            At(width.max(1.0)),
            At(bottom),
            duration(stop.to - stop.from),
            Text(&stop.text)
        )?;
        if width > 70.0 {
            write!(
                out,
                "<text class=\"stop\" x=\"{}\" y=\"10\">world stopped</text>",
                At(x + 2.0)
            )?;
        }
    }
    for (i, row) in moment.rows.iter().enumerate() {
        axis.row(out, row, TOP + ROW * i as f64)?;
    }
    // Arrows between the same rows that would touch are drawn once.
    let mut tips = String::new();
    let mut drawn: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    for wake in &moment.wakes {
        let x = axis.at(wake.at);
        let rows = (wake.from, wake.to);
        if drawn
            .get(&rows)
            .is_some_and(|before| (x - before).abs() < TIP)
        {
            continue;
        }
        drawn.insert(rows, x);
        let y = |row: usize| TOP + ROW * row as f64 + LABEL;
        let (x, from, to) = (At(x), At(y(wake.from) + BAR), At(y(wake.to)));
        write!(out, "<path class=\"wake\" d=\"M{x} {from}V{to}\"/>")?;
        write!(tips, "<path class=\"tip\" d=\"M{x} {to}l-3 -5h6z\"/>")?;
    }
    // Labels are above the arrows that cross them, and below the tips.
    for (i, row) in moment.rows.iter().enumerate() {
        let name: String = row.name.chars().take(NAME).collect();
        let (x, y) = (At(LEFT), At(TOP + ROW * i as f64 + LABEL - 3.0));
        write!(
            out,
            "<text class=\"name\" x=\"{x}\" y=\"{y}\">{}</text>",
            Text(&name)
        )?;
    }
    out.write_str(&tips)?;
    out.write_str("</svg>")
}

/// Returns the states of a moment, for its legend.
pub fn states(moment: &Moment) -> Vec<SpanState> {
    let spans = moment.rows.iter().flat_map(|row| &row.spans);
    let mut states: Vec<_> = spans.chain(&moment.stops).map(|span| span.state).collect();
    states.sort_unstable();
    states.dedup();
    states
}

/// Describes the picture in words.
fn describe(moment: &Moment) -> String {
    let mut text = format!(
        "{} to {} of the trace, {} rows",
        duration(moment.from),
        duration(moment.from.saturating_add(moment.length)),
        moment.rows.len()
    );
    if let Some(stop) = moment.stops.iter().max_by_key(|stop| stop.to - stop.from) {
        text += &format!(", world stopped for {}", duration(stop.to - stop.from));
    }
    text
}

/// Horizontal axis: times to coordinates.
struct Axis(f64);

impl Axis {
    fn at(&self, ns: u64) -> f64 {
        LEFT + (ns as f64 / self.0).min(1.0) * (RIGHT - LEFT)
    }

    fn place(&self, span: &Span) -> (f64, f64) {
        let x = self.at(span.from);
        (x, self.at(span.to) - x)
    }

    fn row(&self, out: &mut impl Write, row: &Row, top: f64) -> fmt::Result {
        let (x, y, right) = (At(LEFT), At(top + LABEL + BAR), At(RIGHT));
        write!(out, "<path class=\"base\" d=\"M{x} {y}H{right}\"/>")?;
        let y = top + LABEL;
        // Short spans are drawn as one path per state, with at most one line per tenth of a unit.
        let mut short: BTreeMap<SpanState, Vec<i64>> = BTreeMap::new();
        for span in &row.spans {
            let (x, width) = self.place(span);
            if width < NARROW {
                short.entry(span.state).or_default().push((x * 2.0) as i64);
                continue;
            }
            write!(
                out,
                "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{BAR}\"><title>{}, {}</title></rect>",
                span.state.class(),
                At(x),
                At(y),
                At(width),
                Text(&span.text),
                duration(span.to - span.from)
            )?;
        }
        for (state, mut places) in short {
            places.dedup();
            write!(out, "<path class=\"{}\" d=\"", state.class())?;
            for x in places {
                write!(out, "M{} {}h1v{BAR}h-1z", At(x as f64 / 2.0), At(y))?;
            }
            out.write_str("\"/>")?;
        }
        Ok(())
    }

    /// Draws lines at round times from the start of the moment.
    fn ticks(&self, out: &mut impl Write, length: u64, bottom: f64) -> fmt::Result {
        out.write_str("<g class=\"axis\">")?;
        let step = super::step(length, 5);
        for i in 0..=length / step {
            let x = self.at(i * step);
            let anchor = match x {
                x if x > RIGHT - 20.0 => "end",
                x if x < LEFT + 10.0 => "start",
                _ => "middle",
            };
            write!(
                out,
                "<path d=\"M{} {TOP}V{}\"/><text x=\"{0}\" y=\"{}\" text-anchor=\"{anchor}\">+{}</text>",
                At(x),
                At(bottom),
                At(bottom + 13.0),
                duration(i * step)
            )?;
        }
        out.write_str("</g>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Wake, sample};

    fn draw(m: &Moment) -> String {
        let mut out = String::new();
        moment(&mut out, m).unwrap();
        out
    }

    #[test]
    fn a_pause_and_a_wake_up_are_drawn() {
        insta::assert_snapshot!(draw(&sample::moment("5f1d0c9a")).replace("><", ">\n<"));
    }

    #[test]
    fn many_turns_make_a_small_picture() {
        let mut m = sample::moment("a");
        m.rows[0].spans = (0..20_000)
            .map(|i| Span {
                from: i * 1_000,
                to: i * 1_000 + 500,
                state: SpanState::Run,
                text: "<".repeat(100),
            })
            .collect();
        let wake = |at| Wake { at, from: 0, to: 1 };
        m.wakes = (0..1_000).map(wake).chain([wake(u64::MAX)]).collect();
        let svg = draw(&m);
        assert_eq!(svg.matches("class=\"wake\"").count(), 2);
        assert!(svg.len() < 40_000, "{}", svg.len());
        assert!(!svg.contains("<<"));
    }
}
