//! Open tasks.

use std::ops::Add;

use super::Over;
use super::chains::Chains;
use super::ids::Ids;
use super::scope::{Scope, Spent};
use crate::timeline::{StackKey, StateVector, Timeline};
use crate::trace::{GoId, TaskId, Time};
use crate::units::elapsed;

/// Maximum number of other goroutines of one task.
const OTHERS: usize = 64;

/// Open task.
#[derive(Clone, Debug)]
pub(super) struct OpenTask {
    pub group: usize,
    pub parent: Option<TaskId>,
    /// The outermost task above this one.
    pub root: TaskId,
    pub start: Time,
    /// Whether the task began before the trace.
    cut: bool,
    pub begun: Begun,
    pub others: Vec<Other>,
    pub ids: Ids,
    /// Stack at the begin.
    pub stack: StackKey,
}

/// The goroutine that began a task.
#[derive(Clone, Debug)]
pub(super) enum Begun {
    /// Unknown: the task began before the trace, or outside of any goroutine.
    Unknown,
    /// The goroutine exists.
    Alive { g: GoId, scope: Scope },
    /// The goroutine ended within the task; its time in the task.
    Ended { g: GoId, spent: Spent },
}

impl Begun {
    /// Records the goroutine's end.
    pub(super) fn end(&mut self, chains: &Chains, t: &Timeline) {
        if let Self::Alive { g, scope } = self {
            let (g, spent) = (*g, scope.spent(*g, Some(chains), t));
            *self = Self::Ended { g, spent };
        }
    }

    fn is(&self, other: GoId) -> bool {
        match self {
            Self::Unknown => false,
            Self::Alive { g, .. } | Self::Ended { g, .. } => *g == other,
        }
    }
}

/// Another goroutine of a task.
#[derive(Clone, Copy, Debug)]
pub(super) struct Other {
    g: GoId,
    first: StateVector,
    last: StateVector,
}

impl OpenTask {
    /// Returns a task that began at `start`, below the outermost task `root`.
    pub(super) fn new(group: usize, parent: Option<TaskId>, root: TaskId, start: Time) -> Self {
        Self {
            group,
            parent: parent.filter(|parent| parent.0 > TaskId::BACKGROUND.0),
            root,
            start,
            cut: false,
            begun: Begun::Unknown,
            others: Vec::new(),
            ids: Ids::default(),
            stack: StackKey::NONE,
        }
    }

    /// Whether the task began before the trace.
    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Marks the task as begun before the trace.
    pub(super) fn cut(self) -> Self {
        Self { cut: true, ..self }
    }

    /// Whether a goroutine began the task, which has no parent: its activity needs no count.
    #[inline]
    pub(super) fn is_only_of(&self, g: GoId) -> bool {
        self.parent.is_none() && self.begun.is(g)
    }

    /// Counts a goroutine as active in the task. Returns whether it was added, which
    /// needs `room`.
    pub(super) fn touch(&mut self, g: GoId, t: &Timeline, room: bool) -> bool {
        if self.begun.is(g) {
            return false;
        }
        let Some(vector) = t.snapshot(g) else {
            return false;
        };
        if let Some(other) = self.others.iter_mut().find(|other| other.g == g) {
            other.last = vector;
            return false;
        }
        let fits = room && self.others.len() < OTHERS;
        if fits {
            self.others.push(Other {
                g,
                first: vector,
                last: vector,
            });
        }
        fits
    }

    /// Returns the task up to now; `by` is the goroutine that ends it. `open` marks a task
    /// that the trace's end cuts off.
    pub(super) fn end(
        &self,
        by: GoId,
        id: TaskId,
        chains: Option<&Chains>,
        t: &Timeline,
        open: bool,
    ) -> Over {
        let (goroutine, spent) = match &self.begun {
            // Most tasks end in the goroutine that began them.
            Begun::Unknown => (by, Scope::WHOLE.spent(by, chains, t)),
            Begun::Alive { g, scope } => (*g, scope.spent(*g, chains, t)),
            Begun::Ended { g, spent } => (*g, spent.clone()),
        };
        let others = self.others.iter().filter(|other| other.g != goroutine);
        let others = others.map(|other| other.last - other.first);
        Over {
            task: id,
            goroutine,
            start: t.since_stretch(self.start),
            duration: elapsed(self.start, t.now()),
            lower_bound: self.cut || open,
            ids: self.ids,
            spent,
            others: others.reduce(Add::add).map(Box::new),
            stack: self.stack,
            open,
            queued: None,
        }
    }
}
