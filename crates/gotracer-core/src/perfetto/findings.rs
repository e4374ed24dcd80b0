//! Findings as top-level tracks, each from the start of its first occurrence to the end of its last.
//!
//! Perfetto opens with groups collapsed. Tracks outside of groups are visible at once.

use std::io::Write;

use super::annotations::{Annotations, Key};
use super::writer::{Arrows, Span, Writer};
use crate::report::{Escaped, Finding, Frame, human};
use crate::trace::Time;

impl<W: Write> Writer<W> {
    /// Draws the findings of a trace that starts at `start`.
    pub fn findings(&mut self, findings: &[Finding], start: Time) {
        let time = |since: u64| start.saturating_add(Time::try_from(since).unwrap_or(Time::MAX));
        for finding in findings {
            let span = Span {
                start: time(finding.first_ns),
                // A finding at the very end of the trace still needs a width.
                end: time(finding.last_ns.max(finding.first_ns.saturating_add(1))),
                cut: finding.open > 0,
            };
            if span.start >= self.to || span.end <= self.from {
                continue;
            }
            // Findings of a rule may overlap. Perfetto merges tracks of the same name into one.
            let name = format!("Findings: {}", finding.rule.name);
            let track = self.tracks.top(&mut self.packets, &name);
            let name = self.packets.name(&Escaped(&finding.message).to_string());
            let notes = notes(finding);
            self.slice(track, name, span, notes, Arrows::default());
        }
    }
}

fn notes(finding: &Finding) -> Annotations {
    let value = |value| human::value(finding.unit(), value);
    let frame = |frame: &Frame| Escaped(&human::place(frame)).to_string();
    let stack: Vec<_> = finding.stack.iter().map(frame).collect();
    let notes = Annotations::default()
        .own_text(Key::Severity, finding.severity.name().into())
        .size(Key::Count, finding.count)
        .own_text(Key::Worst, value(finding.worst))
        .size(Key::WorstAt, finding.worst_at_ns)
        .size(Key::WorstFor, finding.worst_for_ns)
        .own_text(Key::Total, value(finding.total))
        .own_text(Key::Place, frame(&finding.place))
        .own_text(Key::Stack, stack.join("\n"));
    let notes = match &finding.cause {
        Some(cause) => notes.own_text(Key::Cause, Escaped(&cause.text).to_string()),
        None => notes,
    };
    notes.own_text(Key::Suggestion, finding.suggestion.clone())
}
