//! Reasons of waits, by the runtime's strings.

use super::waiting::{StackWaits, Wait, Waiting};
use crate::trace::internal::of_vec;
use crate::trace::{StringId, Tables};

/// Reason for which a goroutine stops.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reason {
    /// No reason. Coroutines have none.
    Silent,
    /// Preemption by the scheduler or the collector.
    Preempted,
    /// Semaphore of the runtime.
    Sync,
    /// Channel send.
    ChanSend,
    /// Channel receive.
    ChanReceive,
    /// `select`.
    Select,
    /// `sync.Cond`.
    Cond,
    /// Network.
    Network,
    /// `time.Sleep`.
    Sleep,
    /// Wait that cannot end.
    Forever,
    /// Assist credit from the collector.
    AssistCredit,
    /// Any other reason. The stack does not matter.
    Plain(Waiting),
}

impl Reason {
    /// Parses a reason.
    fn of(string: &[u8]) -> Self {
        match string {
            b"" => Self::Silent,
            b"preempted" => Self::Preempted,
            b"sync" => Self::Sync,
            b"chan send" => Self::ChanSend,
            b"chan receive" => Self::ChanReceive,
            b"select" => Self::Select,
            b"sync.(*Cond).Wait" => Self::Cond,
            b"network" => Self::Network,
            b"sleep" => Self::Sleep,
            b"forever" => Self::Forever,
            // The first is of Go 1.22 and later.
            b"GC mark assist wait for work" | b"GC assist wait" => Self::AssistCredit,
            b"wait until GC ends" => Self::Plain(Waiting::RuntimeGc),
            b"GC weak to strong wait" => Self::Plain(Waiting::WeakPointer),
            b"synctest" => Self::Plain(Waiting::Synctest),
            b"wait for debug call" => Self::Plain(Waiting::Debugger),
            b"system goroutine wait" | b"GC background sweeper wait" => {
                Self::Plain(Waiting::Runtime)
            }
            _ => Self::Plain(Waiting::Unknown),
        }
    }

    /// Kind of a wait with this reason and stack, as the rules distinguish them, and its object.
    #[inline]
    pub(super) fn wait(self, stack: &StackWaits) -> (Wait, Waiting) {
        let pool = |wait| {
            if stack.pool.is_some() {
                Wait::Pool
            } else {
                wait
            }
        };
        match self {
            Self::Silent => (Wait::Coroutine, stack.silent),
            Self::Preempted => (Wait::Scanned, Waiting::Suspended),
            Self::Sync => (Wait::Sync, stack.sync),
            Self::ChanSend => (pool(Wait::Send), Waiting::ChanSend),
            Self::ChanReceive => (pool(Wait::Other), stack.receive),
            Self::Select => (pool(Wait::Select), Waiting::Select),
            Self::Cond => (Wait::Other, Waiting::Cond),
            Self::Network => (Wait::Network, stack.network),
            Self::Sleep => (Wait::Sleep, Waiting::Sleep),
            Self::Forever => (Wait::Other, stack.forever),
            Self::AssistCredit => (Wait::AssistCredit, Waiting::Credit),
            Self::Plain(waiting) => (Wait::Other, waiting),
        }
    }
}

/// Reasons of a generation, each parsed once.
#[derive(Debug, Default)]
pub(super) struct Reasons {
    known: Vec<Option<Reason>>,
}

impl Reasons {
    /// Bytes of memory held.
    pub(super) fn held(&self) -> u64 {
        of_vec(&self.known, 1)
    }

    /// Must be called when a generation's tables are replaced.
    pub(super) fn start_generation(&mut self) {
        self.known.clear();
    }

    /// Reason of a string.
    #[inline]
    pub(super) fn get(&mut self, id: StringId, tables: &Tables) -> Reason {
        match self.known.get(id.index()) {
            Some(&Some(reason)) => reason,
            _ => self.learn(id, tables),
        }
    }

    #[cold]
    fn learn(&mut self, id: StringId, tables: &Tables) -> Reason {
        let reason = Reason::of(tables.string(id));
        if self.known.len() <= id.index() {
            self.known.resize(id.index() + 1, None);
        }
        self.known[id.index()] = Some(reason);
        reason
    }
}
