//! The four profiles that `go tool trace -pprof=` makes, with its habits.
//!
//! A goroutine's time in a state counts from the event that brings the state to the one that ends it, at the stack of the
//! first: for `sched` that is the stack of whoever woke it. What is still open at the trace's end does not count, nor what
//! lies before the goroutine's first run or after a wait for ever.

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
    /// Time from being ready to run to running.
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

/// What is known of a goroutine.
#[derive(Default)]
struct Life {
    since: Option<(Time, StackKey)>,
    /// It has run.
    started: bool,
    /// Nothing more counts: it waits for ever.
    over: bool,
    /// What counts if it never runs.
    before: Vec<(StackKey, u64)>,
}

/// A profile in the making.
pub struct Collector {
    kind: Reference,
    lives: HashMap<GoId, Life, foldhash::fast::RandomState>,
    /// Stacks of the records.
    pub stacks: Stacks,
    records: Records,
}

impl Collector {
    /// An empty profile.
    pub fn new(kind: Reference) -> Self {
        Self {
            kind,
            lives: HashMap::default(),
            stacks: Stacks::default(),
            records: Records::default(),
        }
    }

    /// Adds an event. `tables` are those of its generation.
    pub fn event(&mut self, event: &Event, tables: &Tables) {
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

    /// A goroutine is over: what lay before its first run counts if it never ran.
    fn end(&mut self, id: GoId) {
        if let Some(life) = self.lives.remove(&id) {
            for (stack, ns) in life.before {
                self.records.add(stack, Labels::default(), 1, ns);
            }
        }
    }

    /// The whole profile.
    pub fn finish(mut self) -> (Records, Stacks) {
        let ids: Vec<_> = self.lives.keys().copied().collect();
        ids.into_iter().for_each(|id| self.end(id));
        (self.records, self.stacks)
    }
}
