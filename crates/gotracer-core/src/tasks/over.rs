//! Tasks, regions and requests that have ended.

use super::ids::Ids;
use super::scope::Spent;
use crate::rules::custom::{Activity, Subject};
use crate::timeline::{Actor, StackKey, State, StateVector, Timeline};
use crate::trace::{GoId, TaskId, Time};

/// Task or region that has ended, or that the trace's end cuts off.
#[derive(Clone, Debug)]
pub(crate) struct Over {
    pub(super) task: TaskId,
    pub(super) goroutine: GoId,
    pub(super) start: u64,
    pub(super) duration: u64,
    pub(super) lower_bound: bool,
    pub(super) ids: Ids,
    pub(super) spent: Spent,
    /// Time of other goroutines, if there were any.
    pub(super) others: Option<Box<StateVector>>,
    /// Stack at the begin, or a stack of the handler; only kept for custom rules.
    pub(super) stack: StackKey,
    /// Whether it had not ended at the trace's end.
    pub(super) open: bool,
    /// Time between a request's arrival and its first run.
    pub(super) queued: Option<u64>,
}

impl Over {
    /// Returns the view of custom rules, at the time of the end.
    pub(super) fn activity<'n>(
        &self,
        subject: Subject,
        name: &'n str,
        t: &Timeline,
    ) -> Activity<'n> {
        let duration = Time::try_from(self.duration).unwrap_or(Time::MAX);
        let others = self.others.as_ref();
        let others = others.map_or(0, |others| others.of(State::Running));
        Activity {
            subject,
            name,
            actor: Actor {
                g: self.goroutine,
                stack: self.stack,
            },
            start: t.now().saturating_sub(duration),
            end: t.now(),
            cpu: self.spent.running().saturating_add(others),
            cut: self.lower_bound,
            open: self.open,
        }
    }

    /// Sets the ids of the task.
    #[inline]
    pub(super) fn set_ids(&mut self, ids: Option<Ids>) {
        self.ids = ids.unwrap_or_default();
    }
}
