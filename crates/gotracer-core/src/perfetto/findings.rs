//! Findings: one track per rule, from the first occurrence to the last, in a top-level group.
//!
//! Perfetto opens with groups folded. The group's own row then shows the worst occurrences.

use std::io::Write;

use super::annotations::{Annotations, Key};
use super::tracks::Fixed;
use super::writer::{Arrows, Span, Writer};
use crate::report::{Escaped, Finding, Frame, human};
use crate::trace::Time;

/// Maximum number of worst occurrences in the group's row.
const WORST: usize = 64;

impl<W: Write> Writer<W> {
    /// Draws the findings of a trace that starts at `start`.
    pub(super) fn findings(&mut self, findings: &[Finding], start: Time) {
        let time = |since: u64| start.saturating_add(Time::try_from(since).unwrap_or(Time::MAX));
        let mut shown: Vec<Span> = Vec::new();
        for finding in findings {
            let span = Span {
                start: time(finding.first_ns),
                // A finding at the very end of the trace still needs a width.
                end: time(finding.last_ns.max(finding.first_ns.saturating_add(1))),
                cut: finding.open > 0,
            };
            let worst = Span {
                start: time(finding.worst_at_ns),
                end: time(
                    finding
                        .worst_at_ns
                        .saturating_add(finding.worst_for_ns.max(1)),
                ),
                cut: false,
            };
            if span.start >= self.to || span.end <= self.from {
                continue;
            }
            let group = self.tracks.fixed(&mut self.packets, Fixed::Findings);
            // Findings of a rule may overlap. Perfetto merges siblings of the same name into one track.
            let track = self
                .tracks
                .below(&mut self.packets, group, finding.rule.name);
            let message = Escaped(&finding.message).to_string();
            let name = self.packets.name(&message);
            let notes = notes(finding);
            self.slice(track, name, span, notes.clone(), Arrows::default());
            // Slices of one track must not overlap.
            let free = |s: &Span| worst.end <= s.start || worst.start >= s.end;
            if shown.len() < WORST && shown.iter().all(free) {
                shown.push(worst);
                let name = format!("{}: {message}", finding.rule.name);
                let name = self.packets.name(&name);
                self.slice(group, name, worst, notes, Arrows::default());
            }
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
