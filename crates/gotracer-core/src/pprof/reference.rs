//! The four profiles of `go tool trace -pprof=`, computed as that tool does.
//!
//! Time in a state counts from the event that begins the state to the event that ends it, at the stack of the first
//! event: `sched` has the stacks of the wakers. States that are open at the end of the trace do not count. Neither
//! does time before the goroutine's first run, or after it begins to wait forever.

use std::collections::HashMap;

use super::profile::{Labels, Records};
use crate::timeline::{StackKey, Stacks};
use crate::trace::{Event, EventKind, GoId, GoState, StateTransition, Tables, Time};

/// Profile of `go tool trace`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reference {
    /// Waits for the network.
    Net,
    /// Waits for a reason that names a channel, "sync" or "select".
    Sync,
    /// System calls.
    Syscall,
    /// Time from runnable to running.
    Sched,
}

impl Reference {
    fn begins(self, to: GoState, reason: &[u8]) -> bool {
        let holds = |text: &[u8]| reason.windows(text.len()).any(|part| part == text);
        match self {
            Self::Net => to == GoState::Waiting && reason == b"network",
            Self::Sync => {
                to == GoState::Waiting && (holds(b"chan") || holds(b"sync") || holds(b"select"))
            }
            Self::Syscall => to == GoState::Syscall,
            Self::Sched => to == GoState::Runnable,
        }
    }

    fn state(self) -> GoState {
        match self {
            Self::Net | Self::Sync => GoState::Waiting,
            Self::Syscall => GoState::Syscall,
            Self::Sched => GoState::Runnable,
        }
    }
}

/// State of a goroutine.
#[derive(Default)]
struct Life {
    since: Option<(Time, StackKey)>,
    /// Whether it has run.
    started: bool,
    /// Whether it waits forever, so that nothing counts any more.
    over: bool,
    /// Records that count only if the goroutine never runs.
    before: Vec<(StackKey, u64)>,
}

/// Collector of a profile's records.
pub(super) struct Collector {
    kind: Reference,
    lives: HashMap<GoId, Life, foldhash::fast::RandomState>,
    /// Stacks of the records.
    pub stacks: Stacks,
    records: Records,
}

impl Collector {
    /// Creates an empty profile.
    pub(super) fn new(kind: Reference) -> Self {
        Self {
            kind,
            lives: HashMap::default(),
            stacks: Stacks::default(),
            records: Records::default(),
        }
    }

    /// Processes an event. `tables` are those of its generation.
    pub(super) fn event(&mut self, event: &Event, tables: &Tables) {
        if let EventKind::Sync { .. } = event.kind {
            self.stacks.start_generation(tables);
        }
        let EventKind::StateTransition(StateTransition::Goroutine {
            id,
            from,
            to,
            reason,
            stack,
            ..
        }) = event.kind
        else {
            return;
        };
        if from == GoState::NotExist {
            self.end(id);
        }
        let life = self.lives.entry(id).or_default();
        match life.since {
            Some((since, at)) if to != self.kind.state() => {
                life.since = None;
                let ns = event.time.saturating_sub(since).max(0) as u64;
                if ns > 0 && life.started {
                    self.records.add(at, Labels::default(), 1, ns);
                } else if ns > 0 && !life.over {
                    life.before.push((at, ns));
                }
            }
            None if !life.over && self.kind.begins(to, tables.string(reason)) => {
                life.since = Some((event.time, self.stacks.key(stack, tables)));
            }
            _ => {}
        }
        if to == GoState::Running {
            life.started = true;
            life.before.clear();
        }
        if to == GoState::Waiting && from != to && tables.string(reason) == b"forever" {
            (life.over, life.since) = (true, None);
        }
        if to == GoState::NotExist {
            self.end(id);
        }
    }

    /// Ends a goroutine. If it never ran, its pending records count.
    fn end(&mut self, id: GoId) {
        if let Some(life) = self.lives.remove(&id) {
            for (stack, ns) in life.before {
                self.records.add(stack, Labels::default(), 1, ns);
            }
        }
    }

    /// Returns the complete profile and its stacks.
    pub(super) fn finish(mut self) -> (Records, Stacks) {
        let ids: Vec<_> = self.lives.keys().copied().collect();
        ids.into_iter().for_each(|id| self.end(id));
        (self.records, self.stacks)
    }
}
