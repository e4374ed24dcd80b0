//! Stop-the-worlds by reason, and the goroutines and threads that delayed each one.

use super::cause::{Cause, CauseKind, Culprit};
use super::detector::{Description, Found, Groups, Occurrence};
use super::{Distribution, Severity, Thresholds, function};
use crate::timeline::{Actor, FrameKey, Interval, StopReason, Timeline};
use crate::units;

/// Returns whether the tracer itself causes stops with this reason.
pub(super) fn is_tracers(reason: &str) -> bool {
    matches!(reason, "start trace" | "stop trace")
}

/// The stop-the-worlds of a trace.
#[derive(Clone, Default)]
pub(super) struct Stops {
    /// Name and measurement of each reason, indexed by its number.
    by_reason: Vec<(String, Distribution)>,
    /// Groups tagged with the reason's number.
    groups: Groups,
}

impl Stops {
    /// Measures a stop.
    pub(super) fn measure(&mut self, i: &Interval, reason: StopReason, t: &Timeline) {
        // Reasons are numbered in the order of their first stop.
        let number = reason.index();
        while self.by_reason.len() <= number {
            self.by_reason.push(Default::default());
        }
        let (known, seen) = &mut self.by_reason[number];
        if known.is_empty() {
            t.stop_reason(reason).clone_into(known);
        }
        if !i.under_way {
            seen.record(i.duration());
        }
    }

    /// Groups a stop that crosses a threshold: at the goroutine that it waited for if that is known, otherwise at `asked`,
    /// the place that requested it. `silent` is the longest time without an event during the stop, ns; 0 if silence is
    /// normal for its reason.
    pub(super) fn judge(
        &mut self,
        i: &Interval,
        reason: StopReason,
        asked: FrameKey,
        silent: u64,
        t: &Timeline,
    ) {
        let held_up = t.stacks().traits(i.by.stack).place;
        let place = match held_up.is_some() {
            true => held_up,
            false => asked,
        };
        let tag = reason.index() as u8;
        self.groups.add(place, tag, &Occurrence::of(i), || {
            let by = i.by.g.is_some().then_some(i.by);
            Culprit::LateToStop { by, silent }
        });
    }

    /// Measurements by reason.
    pub(super) fn by_reason(&self) -> impl Iterator<Item = &(String, Distribution)> {
        self.by_reason.iter().filter(|(_, seen)| seen.count() > 0)
    }

    /// Returns one finding for each reason, because the places of goroutines at a stop are incidental.
    pub(super) fn found(&self, thresholds: &Thresholds, t: &Timeline) -> Vec<Found> {
        self.groups.merged(Some).found(thresholds, |tag, group| {
            let (reason, _) = &self.by_reason[usize::from(tag)];
            let worst = units::duration(group.worst);
            Description {
                variant: reason,
                message: format!("the world was stopped for {worst} ({reason})"),
                cause: cause(group.by, t),
                at_most: Severity::Error,
                advice: None,
            }
        })
    }

    /// Resets measurements and groups.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Bytes of memory of the stops and of the findings built from them.
    pub(super) fn held(&self) -> u64 {
        self.groups.held()
    }
}

fn cause(by: Culprit, t: &Timeline) -> Option<Cause> {
    let Culprit::LateToStop { by, silent } = by else {
        return None;
    };
    let quiet = format!(
        "no thread wrote an event for {} of it: the process did not run, or an operation could not be interrupted",
        units::duration(silent)
    );
    match by {
        Some(actor) => {
            let place = function(t, actor.stack);
            let mut text = format!("goroutine {} was the last to stop, in {place}", actor.g);
            if silent > 0 {
                text = format!("{text}; {quiet}");
            }
            Some(Cause {
                kind: CauseKind::LateToStop,
                text,
                actor,
            })
        }
        None if silent > 0 => Some(Cause {
            kind: CauseKind::ProcessStalled,
            text: quiet,
            actor: Actor::NONE,
        }),
        None => None,
    }
}
