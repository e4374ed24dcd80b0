//! A connection or a stream, and the request that it handles.

use super::role::Handler;
use crate::tasks::Over;
use crate::tasks::chains::Chains;
use crate::tasks::ids::Ids;
use crate::tasks::scope::Scope;
use crate::timeline::{Goroutine, StackKey, Timeline};
use crate::trace::{GoId, Slot, TaskId, Time};
use crate::units::elapsed;

/// A connection or a stream, and the request that it handles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    /// Whether the goroutine handles one request only.
    pub stream: bool,
    /// Whether the goroutine waits for requests only, so each wake-up is one.
    pub worker: bool,
    pub arrived: Arrived,
    /// Time from the arrival to the first run, if the trace has both.
    pub queued: Option<u64>,
    /// Whether the goroutine ran since the arrival.
    pub runs: bool,
    /// The innermost handler known, and a stack in which it is.
    pub handler: Option<(Handler, StackKey)>,
    /// Whether the request before was answered completely, and nothing shows yet that this one was read ahead.
    pub answered: bool,
    /// Whether the response's last write waited for the network and continues.
    pub resumes: bool,
    /// Whether the chains of waits know that the goroutine handles a request.
    pub known: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Arrived {
    pub at: Time,
    pub scope: Scope,
    /// Whether the goroutine was woken for the request. Otherwise the request was already there.
    pub woken: bool,
    /// Whether the request began before the trace.
    pub cut: bool,
}

impl Arrived {
    /// Returns the state of a request's goroutine at its arrival.
    pub(super) fn now(g: &Goroutine, woken: bool, chains: &Chains, t: &Timeline) -> Self {
        Self {
            at: t.now(),
            scope: Scope::begin(g.slot, g.id, chains, t),
            woken,
            cut: false,
        }
    }
}

impl Open {
    /// Sets in the chains of waits whether the goroutine handles a request.
    #[inline]
    pub(super) fn assign(&mut self, slot: Slot, g: GoId, chains: &mut Chains) {
        let handles = !self.answered;
        if self.known != handles {
            self.known = handles;
            chains.handles(slot, g, handles);
        }
    }

    /// Starts a request; `runs` means that its goroutine does not wait to run.
    pub(super) fn arrive(&mut self, arrived: Arrived, runs: bool) {
        *self = Self {
            stream: self.stream,
            worker: self.worker,
            arrived,
            queued: None,
            runs,
            handler: None,
            answered: false,
            resumes: false,
            known: self.known,
        };
    }

    /// Ends a request. The next one may have been read while this one was handled (TLS reads ahead); then it arrives
    /// now.
    pub(super) fn finish(&mut self, now: Arrived) {
        self.arrive(now, true);
        self.answered = true;
    }

    /// Notes that the next request was read ahead, if none is handled.
    pub(super) fn follow(&mut self) {
        if self.answered {
            (self.answered, self.resumes) = (false, false);
        }
    }

    /// Returns a request whose end has no event of its own, after the goroutine waited `ns` for the next one.
    pub(super) fn before(
        &self,
        ns: u64,
        g: &Goroutine,
        chains: &Chains,
        t: &Timeline,
    ) -> Option<Over> {
        let known = self.handler.is_some() || self.worker && self.arrived.woken;
        if !known || self.answered {
            return None;
        }
        let mut over = self.over(g, chains, t);
        over.duration = over.duration.saturating_sub(ns);
        over.spent = over.spent.without(g.waiting.state(), ns);
        Some(over)
    }

    /// Returns the request up to now.
    pub(super) fn over(&self, g: &Goroutine, chains: &Chains, t: &Timeline) -> Over {
        let arrived = self.arrived;
        Over {
            task: TaskId::BACKGROUND,
            goroutine: g.id,
            start: t.since_stretch(arrived.at),
            duration: elapsed(arrived.at, t.now()),
            lower_bound: arrived.cut,
            ids: Ids::default(),
            spent: arrived.scope.spent(g.id, Some(chains), t),
            others: None,
            stack: self.handler.map_or(StackKey::NONE, |(_, stack)| stack),
            open: false,
            queued: self.queued,
        }
    }
}
