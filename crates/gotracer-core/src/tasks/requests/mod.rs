//! Requests that servers handle, recognized without instrumentation.
//!
//! A connection of HTTP/1 is one goroutine. A request arrives when that goroutine
//! is woken from its wait for the next one, or is created for the first one; it
//! ends with the system call that writes the end of its response. A request of
//! HTTP/2 or gRPC is the life of one goroutine.

mod role;

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::Over;
use super::chains::Chains;
use super::groups::{Group, Groups};
use super::ids::Ids;
use super::leaves::Leaves;
use crate::report::Request;
use crate::rules::custom::{Activity, Subject};
use crate::timeline::{
    Goroutine, Interval, Kind, Kinds, StackKey, State, StateVector, Timeline, Way,
};
use crate::trace::{GoId, TaskId, Time};
use role::{Handler, Role};

/// Maximum number of connections and streams that are followed at a time.
const OPEN: usize = 1 << 16;
/// Name of the handler of a request without a stack in it.
const UNKNOWN: &[u8] = b"(unknown)";

/// Kinds of intervals that requests are recognized by.
pub const KINDS: Kinds = Kinds::SYSCALL.union(Kinds::RUNNABLE);

/// Requests since the last report.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    /// Roles by stack.
    roles: Vec<Role>,
    /// Whether any stack is that of a server's goroutine.
    serves: bool,
    open: HashMap<GoId, Open, RandomState>,
    handlers: Groups,
}

/// A connection or a stream, and the request that it handles.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// Whether the goroutine handles one request only.
    stream: bool,
    arrived: Arrived,
    /// Time from the arrival to the first run, if the trace has both.
    queued: Option<u64>,
    /// Whether the goroutine ran since the arrival.
    runs: bool,
    /// The innermost handler known, and a stack in which it is.
    handler: Option<(Handler, StackKey)>,
    /// Time at which the response was written completely.
    finished: Option<Arrived>,
    /// Whether the response's last write waited for the network and continues.
    resumes: bool,
}

#[derive(Clone, Copy, Debug)]
struct Arrived {
    at: Time,
    before: StateVector,
    leaves: Leaves,
    /// Whether the goroutine was woken for the request. Otherwise the request was already there.
    woken: bool,
    /// Whether the request began before the trace.
    cut: bool,
}

impl Requests {
    /// Returns whether any goroutine of a server is known.
    pub fn is_any(&self) -> bool {
        !self.open.is_empty()
    }

    /// Bytes of memory that this holds.
    pub fn held(&self) -> u64 {
        let roles = self.roles.len() * size_of::<Role>();
        let open = self.open.len() * size_of::<(GoId, Open)>();
        (roles + open + self.handlers.held()) as u64
    }

    /// Returns whether the trace has a server so far. Classifies the stacks that were added since the last call.
    #[inline]
    pub fn serves(&mut self, t: &Timeline) -> bool {
        if self.roles.len() < t.stacks().count() {
            self.classify(t);
        }
        self.serves
    }

    #[cold]
    fn classify(&mut self, t: &Timeline) {
        let Self {
            roles, handlers, ..
        } = self;
        for stack in t.stacks().keys_from(roles.len()) {
            let frames: Vec<_> = t.stacks().frames(stack).map(|f| f.function).collect();
            let role = Role::of(&frames, |handler| handlers.find(handler.as_bytes()));
            self.serves |= role != Role::None;
            roles.push(role);
        }
    }

    #[inline]
    fn role(&self, stack: StackKey) -> Role {
        self.roles.get(stack.index()).copied().unwrap_or(Role::None)
    }

    /// Observes a wait that has ended.
    #[inline]
    pub fn waited(&mut self, g: &Goroutine, chains: &Chains, t: &Timeline) {
        if self.serves(t) {
            let role = self.role(g.stack);
            if role != Role::None {
                self.step(g, role, true, chains, t);
            }
        }
    }

    /// Observes an interval of [`KINDS`] that has ended.
    #[inline]
    pub fn interval(&mut self, interval: &Interval, chains: &Chains, t: &Timeline) {
        if self.serves(t) {
            self.interval_of_server(interval, chains, t);
        }
    }

    fn interval_of_server(&mut self, interval: &Interval, chains: &Chains, t: &Timeline) {
        match interval.kind {
            Kind::Syscall => {
                let role = self.role(interval.victim.stack);
                if role != Role::None
                    && let Some(g) = t.find(interval.victim.g)
                {
                    self.step(g, role, false, chains, t);
                }
            }
            Kind::Runnable(Way::Created) => {
                let g = t.find(interval.victim.g);
                if let Some(g) = g.filter(|g| self.role(g.start) != Role::None) {
                    self.open(g, t);
                    self.ran(interval);
                }
            }
            Kind::Runnable(_) if !self.open.is_empty() => self.ran(interval),
            _ => {}
        }
    }

    /// Observes that a runnable goroutine runs.
    fn ran(&mut self, interval: &Interval) {
        if let Some(open) = self.open.get_mut(&interval.victim.g)
            && !open.runs
        {
            open.runs = true;
            open.queued = Some(interval.end.saturating_sub(interval.start).max(0) as u64);
        }
    }

    /// Returns the entry of a server's goroutine, which is created at first sight.
    fn open(&mut self, g: &Goroutine, t: &Timeline) -> &mut Open {
        let is_new = !self.open.contains_key(&g.id);
        if is_new && self.open.len() >= OPEN {
            // Most of them are idle connections.
            self.open.clear();
        }
        self.open.entry(g.id).or_insert_with(|| {
            let start = t.stacks().get(t.start_function(g)).function;
            Open {
                stream: role::is_stream(start),
                // The goroutine is created for its first request, or older than the trace.
                arrived: Arrived {
                    at: g.birth,
                    before: StateVector::default(),
                    leaves: Leaves::default(),
                    woken: false,
                    cut: !g.born,
                },
                queued: None,
                runs: !g.born,
                handler: None,
                finished: None,
                resumes: false,
            }
        })
    }

    /// Observes that a server's goroutine leaves a wait (`waited`) or a system call.
    fn step(&mut self, g: &Goroutine, role: Role, waited: bool, chains: &Chains, t: &Timeline) {
        let open = self.open(g, t);
        match role {
            Role::Handles(handler) => {
                open.follow();
                let known = open.handler;
                if known.is_none_or(|(known, _)| handler.depth > known.depth) {
                    open.handler = Some((handler, g.stack));
                }
            }
            Role::Idle | Role::Reads | Role::Handshake if !open.stream => {
                // The first part of a request counts as its arrival.
                let arrives = match waited {
                    true => role == Role::Idle || open.finished.is_some() || !open.arrived.woken,
                    false => open.finished.is_some(),
                };
                if arrives {
                    let woken = waited && role != Role::Handshake;
                    open.arrive(Arrived::now(g, woken, chains, t), !waited);
                }
            }
            Role::Finishes if waited => open.resumes |= g.waiting.state() == State::Network,
            Role::Finishes if !open.stream && !open.resumes => {
                open.follow();
                let over = open.over(g, chains, t);
                let handler = open.handler;
                open.finished = Some(Arrived::now(g, false, chains, t));
                self.add(handler, &over);
            }
            _ => {}
        }
    }

    /// Observes that a goroutine ends; a stream's was a request.
    pub fn ended(&mut self, g: &Goroutine, chains: &Chains, t: &Timeline) {
        if !self.serves(t) {
            return;
        }
        let known = self.open.remove(&g.id);
        let open = match known {
            Some(open) => open,
            // The first run of a stream is not observed.
            None if self.role(g.start) != Role::None => {
                let open = *self.open(g, t);
                self.open.remove(&g.id);
                open
            }
            None => return,
        };
        if open.stream {
            let over = open.over(g, chains, t);
            self.add(open.handler, &over);
        }
    }

    /// Keeps the requests that end for [`drain`](Self::drain).
    pub fn observe(&mut self) {
        self.handlers.observe();
    }

    /// Passes the requests that ended since the last call to `each`.
    pub fn drain(&mut self, t: &Timeline, each: &mut impl FnMut(&Activity<'_>)) {
        let request =
            &mut |name: &str, over: &Over| each(&over.activity(Subject::Request, name, t));
        self.handlers.drain(request);
    }

    fn add(&mut self, handler: Option<(Handler, StackKey)>, over: &Over) {
        let group = match handler {
            Some((handler, _)) => handler.group,
            None => self.handlers.find(UNKNOWN),
        };
        self.handlers.add(group, over);
    }

    /// Returns requests for a report, handlers with the most time first.
    pub fn report(&self) -> Vec<Request> {
        let handlers = self.handlers.clone().sorted().into_iter();
        handlers.map(Group::into_request).collect()
    }

    /// Drops the requests that were reported.
    pub fn start_stretch(&mut self) {
        self.handlers.clear();
    }
}

impl Arrived {
    /// Returns the state of a request's goroutine at its arrival.
    fn now(g: &Goroutine, woken: bool, chains: &Chains, t: &Timeline) -> Self {
        Self {
            at: t.now(),
            before: t.snapshot(g.id).unwrap_or_default(),
            leaves: chains.snapshot(g.id, t),
            woken,
            cut: false,
        }
    }
}

impl Open {
    /// Starts a request; `runs` means that its goroutine does not wait to run.
    fn arrive(&mut self, arrived: Arrived, runs: bool) {
        *self = Self {
            stream: self.stream,
            arrived,
            queued: None,
            runs,
            handler: None,
            finished: None,
            resumes: false,
        };
    }

    /// Starts the next request if it was read while the previous one was handled (TLS reads
    /// ahead). It arrives when the previous one is finished.
    fn follow(&mut self) {
        if let Some(finished) = self.finished {
            self.arrive(finished, true);
        }
    }

    /// Returns the request up to now.
    fn over(&self, g: &Goroutine, chains: &Chains, t: &Timeline) -> Over {
        let arrived = self.arrived;
        let time = t.snapshot(g.id).unwrap_or(arrived.before) - arrived.before;
        let leaves = chains.snapshot(g.id, t) - arrived.leaves;
        Over {
            task: TaskId::BACKGROUND,
            goroutine: g.id,
            start: t.since_stretch(arrived.at),
            duration: t.now().saturating_sub(arrived.at).max(0) as u64,
            lower_bound: arrived.cut,
            ids: Ids::default(),
            time,
            leaves: leaves.or_own(&time),
            others: StateVector::default(),
            stack: self.handler.map_or(StackKey::NONE, |(_, stack)| stack),
            open: false,
            queued: self.queued,
        }
    }
}
