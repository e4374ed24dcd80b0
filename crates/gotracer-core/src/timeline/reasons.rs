//! Why goroutines stop, by the strings the runtime gives.

use super::interval::Wait;
use crate::trace::internal::of_vec;
use crate::trace::{StringId, Tables};

/// What a goroutine stopped for, as far as anybody wants to know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// Anything else.
    Other,
    /// The scheduler or the collector took the processor from it.
    Preempted,
    /// One of the runtime's semaphores.
    Sync,
    /// Assist credit from the collector.
    AssistCredit,
    /// The network.
    Network,
    /// Some time.
    Sleep,
    /// Another coroutine. Only these give no reason.
    Coroutine,
}

impl Reason {
    /// What a goroutine waits for that stopped for it.
    pub fn wait(self) -> Wait {
        match self {
            Self::Sync => Wait::Sync,
            Self::Preempted => Wait::Scanned,
            Self::AssistCredit => Wait::AssistCredit,
            Self::Coroutine => Wait::Coroutine,
            Self::Network => Wait::Network,
            Self::Sleep => Wait::Sleep,
            Self::Other => Wait::Other,
        }
    }
}

/// The reasons of a generation, each string being looked at once.
#[derive(Debug, Default)]
pub struct Reasons {
    known: Vec<Option<Reason>>,
}

impl Reasons {
    /// Bytes of memory that this holds.
    pub fn held(&self) -> u64 {
        of_vec(&self.known, 1)
    }

    /// To be called when a generation's tables are replaced.
    pub fn start_generation(&mut self) {
        self.known.clear();
    }

    /// What a string says.
    #[inline]
    pub fn get(&mut self, id: StringId, tables: &Tables) -> Reason {
        match self.known.get(id.index()) {
            Some(&Some(reason)) => reason,
            _ => self.learn(id, tables),
        }
    }

    #[cold]
    fn learn(&mut self, id: StringId, tables: &Tables) -> Reason {
        let reason = match tables.string(id) {
            b"" => Reason::Coroutine,
            b"preempted" => Reason::Preempted,
            b"network" => Reason::Network,
            b"sleep" => Reason::Sleep,
            b"sync" => Reason::Sync,
            // Since Go 1.22, and before.
            b"GC mark assist wait for work" | b"GC assist wait" => Reason::AssistCredit,
            _ => Reason::Other,
        };
        if self.known.len() <= id.index() {
            self.known.resize(id.index() + 1, None);
        }
        self.known[id.index()] = Some(reason);
        reason
    }
}
