//! The four profiles of `go tool trace -pprof=`, computed as that tool does.
//!
//! Time in a state counts from the event that begins the state to the event that ends it, at the stack of the first
//! event: `sched` has the stacks of the wakers. States that are open at the end of the trace do not count. Neither
//! does time before the goroutine's first run, or after it begins to wait forever.
//!
//! Goroutines of callbacks from C have the ID of an earlier one. The tool only counts the last one with an ID.

use std::collections::HashMap;

use super::kind::Part;
use super::values::Values;
use crate::timeline::StackKey;
use crate::trace::internal::of_map;
use crate::trace::{GoId, GoState, Time};

/// Profiles of `go tool trace`.
const ALL: [Reference; 4] = [
    Reference::Net,
    Reference::Sync,
    Reference::Syscall,
    Reference::Sched,
];

/// Maximum number of pending records of a goroutine.
const PENDING: usize = 64;

/// Profile of `go tool trace`.
#[derive(Clone, Copy)]
enum Reference {
    Net,
    Sync,
    Syscall,
    Sched,
}

impl Reference {
    fn part(self) -> Part {
        match self {
            Self::Net => Part::Net,
            Self::Sync => Part::Sync,
            Self::Syscall => Part::Syscall,
            Self::Sched => Part::Sched,
        }
    }

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

/// Transition of a goroutine, as far as the profiles need it.
#[derive(Clone, Copy)]
pub(super) struct Step<'t> {
    pub id: GoId,
    pub time: Time,
    pub from: GoState,
    pub to: GoState,
    pub reason: &'t [u8],
    pub stack: StackKey,
}

/// State of a goroutine.
#[derive(Default)]
struct Life {
    /// Time and stack since which each profile counts.
    since: [Option<(Time, StackKey)>; 4],
    /// Whether it has run.
    started: bool,
    /// Whether it waits forever, so that nothing counts any more.
    over: bool,
    /// Whether the goroutine is a callback from C.
    callback: bool,
    /// Records that count only if the goroutine never runs.
    before: Pending,
    /// Records of a callback, which count only if no later one with its ID runs.
    own: Pending,
}

/// Records that may not count.
#[derive(Default)]
struct Pending(Vec<(Part, StackKey, Values)>);

impl Pending {
    /// Adds a record. Drops it if there are too many, which only damaged traces have.
    fn add(&mut self, part: Part, stack: StackKey, values: Values) {
        let room = self.0.len() < PENDING;
        let mut known = self.0.iter_mut();
        match known.find(|(other, at, _)| (*other, *at) == (part, stack)) {
            Some((_, _, sum)) => sum.add(values),
            None if room => self.0.push((part, stack, values)),
            None => {}
        }
    }

    fn append(&mut self, other: &Self) {
        for (part, stack, values) in &other.0 {
            self.add(*part, *stack, *values);
        }
    }

    fn count(self, add: &mut impl FnMut(Part, StackKey, Values)) {
        for (part, stack, values) in self.0 {
            add(part, stack, values);
        }
    }
}

/// Goroutines of a trace.
#[derive(Default)]
pub(super) struct Lives(HashMap<GoId, Life, foldhash::fast::RandomState>);

impl Lives {
    /// Returns the bytes of memory held.
    pub(super) fn held(&self) -> u64 {
        of_map(&self.0, 1)
    }

    /// Processes a transition, and passes the records that it ends to `add`.
    pub(super) fn step(&mut self, step: Step<'_>, mut add: impl FnMut(Part, StackKey, Values)) {
        let Step {
            id, time, from, to, ..
        } = step;
        if from == GoState::NotExist {
            let mut life = Life {
                callback: to == GoState::Syscall,
                ..Life::default()
            };
            match self.0.remove(&id) {
                Some(earlier) if earlier.callback => {
                    life.before = earlier.before;
                    life.before.append(&earlier.own);
                }
                Some(earlier) => earlier.before.count(&mut add),
                None => {}
            }
            self.0.insert(id, life);
        }
        let life = self.0.entry(id).or_default();
        for (kind, open) in ALL.into_iter().zip(&mut life.since) {
            match *open {
                Some((since, at)) if to != kind.state() => {
                    *open = None;
                    let ns = time.saturating_sub(since).max(0) as u64;
                    let values = Values { count: 1, ns };
                    match (life.started, life.callback) {
                        _ if ns == 0 => {}
                        (true, false) => add(kind.part(), at, values),
                        (true, true) => life.own.add(kind.part(), at, values),
                        (false, _) if life.over => {}
                        (false, _) => life.before.add(kind.part(), at, values),
                    }
                }
                None if !life.over && kind.begins(to, step.reason) => {
                    *open = Some((time, step.stack));
                }
                _ => {}
            }
        }
        if to == GoState::Running {
            life.started = true;
            life.before = Pending::default();
        }
        if to == GoState::Waiting && from != to && step.reason == b"forever" {
            life.over = true;
            life.since = [None; 4];
        }
        // A later callback may have the same ID.
        if to == GoState::NotExist && !life.callback {
            let ended = self.0.remove(&id);
            ended.unwrap_or_default().before.count(&mut add);
        }
    }

    /// Ends all goroutines at the end of the trace. If one never ran, its pending records count.
    pub(super) fn end_all(&mut self, mut add: impl FnMut(Part, StackKey, Values)) {
        for (_, life) in self.0.drain() {
            life.before.count(&mut add);
            life.own.count(&mut add);
        }
    }
}
