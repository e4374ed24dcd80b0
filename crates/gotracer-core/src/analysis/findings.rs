//! From what a rule found to what the report says.

use jiff::{SignedDuration, Timestamp};

use crate::report::{self, Cause, Finding, Frame};
use crate::rules::{Found, Rule, Unit};
use crate::timeline::{FrameText, StackKey, Stacks, Timeline};
use crate::trace::Time;

/// What stands for a place that the trace does not tell.
const UNKNOWN: Frame = Frame {
    function: String::new(),
    file: String::new(),
    line: 0,
};

/// Resolves a finding's times, frames and stacks.
pub fn finding(
    rule: &'static Rule,
    found: Found,
    t: &Timeline,
    start_time: Option<Timestamp>,
) -> Finding {
    let group = found.group;
    let stacks = t.stacks();
    let place = frame(stacks.get(group.place));
    let first_ns = t.since_stretch(group.first);
    let (worst_start, worst_end) = group.worst_span;
    let wall_clock = |time: Time| {
        // What was told late began before.
        let since = SignedDuration::from_nanos(time.checked_sub(t.stretch())?);
        start_time?.checked_add(since).ok()
    };
    Finding {
        id: id(rule, &place, &found.variant),
        rule,
        severity: found.severity,
        count: group.count,
        open: group.open,
        worst: group.worst,
        worst_at_ns: t.since_stretch(worst_start),
        worst_for_ns: match rule.unit {
            Unit::Nanoseconds => worst_end.saturating_sub(worst_start).max(0) as u64,
            Unit::Bytes | Unit::Goroutines => 0,
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
        stack: stack(stacks, group.victim.stack),
        cause: found.cause.map(|c| Cause {
            kind: c.kind.into(),
            text: c.text,
            goroutine: c.actor.g.is_some().then_some(c.actor.g.0),
            place: c
                .actor
                .stack
                .is_some()
                .then(|| frame(stacks.get(stacks.traits(c.actor.stack).place))),
            stack: stack(stacks, c.actor.stack),
        }),
        place,
    }
}

/// Sorts by what hurts most: severity, then total, rule by rule within.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let key = |f: &Finding| (f.severity, std::cmp::Reverse(f.rule.index()), f.total);
        key(b).cmp(&key(a)).then_with(|| a.id.cmp(&b.id))
    });
}

/// A frame with its names; [`UNKNOWN`] if it has none.
pub fn frame(text: FrameText<'_>) -> Frame {
    if text.function.is_empty() && text.file.is_empty() {
        return UNKNOWN;
    }
    Frame {
        function: text.function.into(),
        file: text.file.into(),
        line: text.line,
    }
}

fn stack(stacks: &Stacks, key: StackKey) -> Vec<Frame> {
    stacks.frames(key).map(frame).collect()
}

/// The same for the same rule and place in every trace.
fn id(rule: &Rule, place: &Frame, variant: &str) -> String {
    let line = place.line.to_string();
    let parts = [rule.name, &place.function, &place.file, &line, variant];
    report::hash(&parts)
}
