//! Conversion of the rules' groups into a report's findings.

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};

use crate::report::{self, Cause, Finding, Frame, PlaceCount};
use crate::rules::{Found, Rule, Unit};
use crate::timeline::{FrameText, StackKey, Stacks, Timeline};
use crate::trace::{GoId, Time};
use crate::units::elapsed;

/// Maximum size of the names in the findings of one report, bytes. Real reports have one or two MiB; a crafted trace
/// could need gigabytes for a few names.
const NAMES: usize = 16 << 20;
/// Maximum length of a name beyond that, characters.
const SHORT: usize = 64;

/// Goroutine that runs `main.main` in every program.
const MAIN: GoId = GoId(1);

/// Converts the groups of the rules into findings, the worst first. If all stacks and names would need more than
/// [`NAMES`], only the first findings have them in full.
pub(super) fn findings(
    mut found: Vec<(&'static Rule, Found)>,
    t: &Timeline,
    start_time: Option<Timestamp>,
) -> Vec<Finding> {
    found.sort_by_key(|(rule, f)| Reverse((f.severity, Reverse(rule.index()), f.group.total)));
    let mut names = Names { left: NAMES };
    let mut findings: Vec<_> = found
        .into_iter()
        .map(|(rule, found)| finding(rule, found, t, start_time, &mut names))
        .collect();
    sort(&mut findings);
    findings
}

/// Budget for the names in a report.
struct Names {
    left: usize,
}

impl Names {
    fn name(&mut self, text: &str) -> String {
        match self.left.checked_sub(text.len()) {
            Some(left) => {
                self.left = left;
                text.into()
            }
            None => text.chars().take(SHORT).collect(),
        }
    }

    fn frame(&mut self, text: FrameText<'_>) -> Frame {
        Frame {
            function: self.name(text.function),
            file: self.name(text.file),
            line: line(text),
        }
    }

    /// Returns the whole stack, or no frames if the budget does not suffice.
    fn stack(&mut self, stacks: &Stacks, key: StackKey) -> Vec<Frame> {
        let bytes = |f: FrameText<'_>| report::size::frame(f.function, f.file);
        let needed = stacks.frames(key).map(bytes).sum();
        let Some(left) = self.left.checked_sub(needed) else {
            return Vec::new();
        };
        self.left = left;
        stacks.frames(key).map(frame).collect()
    }
}

/// Resolves a finding's times, frames and stacks.
fn finding(
    rule: &'static Rule,
    found: Found,
    t: &Timeline,
    start_time: Option<Timestamp>,
    names: &mut Names,
) -> Finding {
    let group = found.group;
    let stacks = t.stacks();
    let mut place = names.frame(stacks.get(group.place));
    // The main goroutine may have no stack.
    if place.function.is_empty() && group.victim.g == MAIN {
        place.function = "main.main".into();
    }
    let first_ns = t.since_stretch(group.first);
    let (worst_start, worst_end) = group.worst_span;
    let wall_clock = |time: Time| {
        // An interval may start before the reported part of a live trace.
        let since = SignedDuration::from_nanos(time.checked_sub(t.stretch())?);
        start_time?.checked_add(since).ok()
    };
    let phase = (!group.places.is_empty()).then_some(found.variant.as_str());
    Finding {
        id: match phase {
            Some(phase) => report::hash(&[rule.name, phase]),
            None => id(rule, &place, &found.variant),
        },
        rule,
        severity: found.severity,
        count: group.count,
        open: group.open,
        worst: group.worst,
        worst_at_ns: t.since_stretch(worst_start),
        worst_for_ns: match rule.unit {
            Unit::Nanoseconds => elapsed(worst_start, worst_end),
            Unit::Bytes | Unit::Goroutines | Unit::Share | Unit::Rate => 0,
        },
        total: group.total,
        threshold: found.threshold,
        first_ns,
        last_ns: t.since_stretch(group.last),
        first_time: wall_clock(group.first),
        worst_time: wall_clock(worst_start),
        message: found.message,
        suggestion: found.advice.unwrap_or(rule.advice).into(),
        goroutines: group.examples.iter().map(|(_, g)| g.0).collect(),
        stack: names.stack(stacks, group.victim.stack),
        cause: found.cause.map(|c| Cause {
            kind: c.kind.name().into(),
            text: c.text,
            goroutine: c.actor.g.is_some().then_some(c.actor.g.0),
            place: c
                .actor
                .stack
                .is_some()
                .then(|| names.frame(stacks.get(stacks.traits(c.actor.stack).place))),
            stack: names.stack(stacks, c.actor.stack),
        }),
        phase: phase.map(Into::into),
        places: group
            .places
            .iter()
            .map(|at| PlaceCount {
                place: names.frame(stacks.get(at.place)),
                count: at.count,
                worst: at.worst,
            })
            .collect(),
        more_places: group.more_places,
        time_in_the_end: group.in_the_end,
        place,
    }
}

/// Sorts by severity, then total, within each rule.
fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let key = |f: &Finding| (f.severity, Reverse(f.rule.index()), f.total);
        key(b).cmp(&key(a)).then_with(|| a.id.cmp(&b.id))
    });
}

/// Converts a frame.
pub(super) fn frame(text: FrameText<'_>) -> Frame {
    Frame {
        function: text.function.into(),
        file: text.file.into(),
        line: line(text),
    }
}

/// Returns the line of a frame with names; 0 is unknown.
fn line(text: FrameText<'_>) -> u64 {
    let known = !(text.function.is_empty() && text.file.is_empty());
    if known { text.line } else { 0 }
}

/// Returns an id that is the same for the same rule and place in every trace.
fn id(rule: &Rule, place: &Frame, variant: &str) -> String {
    let line = place.line.to_string();
    let parts = [rule.name, &place.function, &place.file, &line, variant];
    report::hash(&parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_copied_until_there_is_no_room() {
        let mut names = Names { left: 250 };
        let long = "é".repeat(100);
        assert_eq!(names.name(&long), long);
        assert_eq!(names.name(&long), "é".repeat(SHORT));
        assert_eq!(names.name("short"), "short");
        assert_eq!(names.left, 45);
    }
}
