//! Open tasks.

use super::Over;
use super::chains::Chains;
use super::ids::Ids;
use super::leaves::Leaves;
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
#[derive(Clone, Copy, Debug)]
pub(super) enum Begun {
    /// Unknown: the task began before the trace, or outside of any goroutine.
    Unknown,
    /// The goroutine exists; its state vector at the task's begin.
    Alive {
        g: GoId,
        before: StateVector,
        leaves: Leaves,
    },
    /// The goroutine ended within the task; its time in the task.
    Ended {
        g: GoId,
        time: StateVector,
        leaves: Leaves,
    },
}

impl Begun {
    /// Begins a task in a goroutine.
    pub(super) fn now(g: GoId, chains: &Chains, t: &Timeline) -> Self {
        match t.snapshot(g) {
            Some(before) => Self::Alive {
                g,
                before,
                leaves: chains.snapshot(g, t),
            },
            None => Self::Unknown,
        }
    }

    /// Records the goroutine's end.
    pub(super) fn end(&mut self, vector: StateVector, now: Leaves) {
        if let Self::Alive { g, before, leaves } = *self {
            *self = Self::Ended {
                g,
                time: vector - before,
                leaves: now - leaves,
            };
        }
    }

    fn is(&self, other: GoId) -> bool {
        match *self {
            Self::Unknown => false,
            Self::Alive { g, .. } | Self::Ended { g, .. } => g == other,
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
    pub(super) fn new(
        group: usize,
        parent: Option<TaskId>,
        root: TaskId,
        begun: Begun,
        start: Time,
    ) -> Self {
        Self {
            group,
            parent: parent.filter(|parent| *parent != TaskId::BACKGROUND),
            root,
            start,
            cut: false,
            begun,
            others: Vec::new(),
            ids: Ids::default(),
            stack: StackKey::NONE,
        }
    }

    /// Marks the task as begun before the trace.
    pub(super) fn cut(self) -> Self {
        Self { cut: true, ..self }
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
        let now = |g| chains.map_or_else(Leaves::default, |chains| chains.snapshot(g, t));
        let (goroutine, time, leaves) = match self.begun {
            // Most tasks end in the goroutine that began them.
            Begun::Unknown => (by, t.snapshot(by).unwrap_or_default(), now(by)),
            Begun::Alive { g, before, leaves } => {
                let time = t.snapshot(g).unwrap_or(before) - before;
                (g, time, now(g) - leaves)
            }
            Begun::Ended { g, time, leaves } => (g, time, leaves),
        };
        let others = self.others.iter().filter(|other| other.g != goroutine);
        Over {
            task: id,
            goroutine,
            start: t.since_stretch(self.start),
            duration: elapsed(self.start, t.now()),
            lower_bound: self.cut || open,
            ids: self.ids,
            time,
            others: others.map(|other| other.last - other.first).sum(),
            leaves: leaves.or_own(&time),
            stack: self.stack,
            open,
            queued: None,
        }
    }
}
