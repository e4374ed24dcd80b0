//! Causes of waits for a P: what ran instead, or what kept the process from running.

use std::cmp::Reverse;

use crate::rules::cause::{Cause, CauseKind, Culprit};
use crate::rules::detector::Group;
use crate::rules::function;
use crate::timeline::{Actor, Interval, Timeline};
use crate::trace::GoId;
use crate::units;

/// Returns the cause of the wait, with its length.
pub(super) fn instead(i: &Interval, t: &Timeline) -> Culprit {
    // During a stop the goroutine that stopped the world seems to run.
    if i.stopped > i.duration() / 3 {
        return Culprit::Stopped(i.stopped);
    }
    let stalled = t.silent(i.start, i.end);
    let (actor, ran) = t.ran_longest(i.start, i.end).unwrap_or((Actor::NONE, 0));
    Culprit::Ran {
        actor,
        ran,
        stalled,
    }
}

/// Returns the goroutine that ran during the wait.
pub(super) fn ran(by: Culprit) -> GoId {
    match by {
        Culprit::Ran { actor, .. } => actor.g,
        _ => GoId::NONE,
    }
}

/// Describes what the worst wait of a group was for.
pub(super) fn cause(group: &Group, t: &Timeline) -> Option<Cause> {
    // Less than a tenth of the wait does not explain it.
    let explains = |ns: u64| ns > 0 && ns >= group.worst / 10;
    match group.by {
        Culprit::Stopped(ns) if explains(ns) => Some(Cause {
            kind: CauseKind::StopTheWorld,
            text: format!("the world was stopped for {} of it", units::duration(ns)),
            actor: Actor::NONE,
        }),
        Culprit::Ran {
            actor,
            ran,
            stalled,
        } if explains(ran.max(stalled)) => {
            let actor = computing(actor, t);
            let by = explains(ran).then(|| {
                let (g, amount) = (actor.g, units::duration(ran));
                let place = function(t, actor.stack);
                (
                    ran,
                    format!("goroutine {g} ran for {amount} of it, in {place}"),
                )
            });
            let stall = explains(stalled).then(|| {
                let amount = units::duration(stalled);
                (
                    stalled,
                    format!("the process did not run for {amount} of it"),
                )
            });
            let mut parts: Vec<_> = by.into_iter().chain(stall).collect();
            parts.sort_by_key(|(ns, _)| Reverse(*ns));
            let texts: Vec<_> = parts.into_iter().map(|(_, text)| text).collect();
            Some(Cause {
                kind: match stalled > ran {
                    true => CauseKind::ProcessStalled,
                    false => CauseKind::RanInstead,
                },
                text: texts.join("; "),
                actor: match explains(ran) {
                    true => actor,
                    false => Actor::NONE,
                },
            })
        }
        _ => None,
    }
}

/// Returns a goroutine that ran, with the stack that shows its computation best: not that of its final block, but
/// the one of an earlier preemption.
fn computing(mut actor: Actor, t: &Timeline) -> Actor {
    if let Some(g) = t.find(actor.g) {
        if t.stacks().traits(actor.stack).blocks && g.busy.is_some() {
            actor.stack = g.busy;
        } else if !actor.stack.is_some() {
            actor.stack = g.best_stack();
        }
    }
    actor
}
