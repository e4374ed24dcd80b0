//! Requests that servers handle, recognized without instrumentation.
//!
//! A connection of HTTP/1 is one goroutine. A request arrives when that goroutine
//! is woken from its wait for the next one, or is created for the first one; it
//! ends with the system call that writes the end of its response. If the handler wrote all of
//! it, the request ends when the server stops to watch the connection for its end, when the
//! goroutine waits for the next request, or when it ends. A worker of gRPC handles its requests
//! likewise. Any other request of HTTP/2 or gRPC is the life of one goroutine.

mod open;
mod role;

use super::Over;
use super::by_slot::BySlot;
use super::chains::Chains;
use super::groups::{Group, Groups};
use super::scope::Scope;
use crate::report::Request;
use crate::rules::custom::{Activity, Subject};
use crate::timeline::{Goroutine, Kinds, StackKey, State, Timeline, Way};
use crate::trace::GoState;
use crate::units::elapsed;
use crate::unnamed::UNKNOWN;
use open::{Arrived, Open};
use role::{Handler, Role};

/// Maximum number of connections and streams that are followed at a time.
const OPEN: usize = 1 << 16;

/// Kinds of intervals that requests are recognized by.
pub const KINDS: Kinds = Kinds::SYSCALL.union(Kinds::RUNNABLE);

/// Requests since the last report.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    /// Roles by stack.
    roles: Vec<Role>,
    /// Whether any stack is that of a server's goroutine.
    serves: bool,
    open: BySlot<Open>,
    handlers: Groups,
}

impl Requests {
    /// Returns whether any goroutine of a server is known.
    pub fn is_any(&self) -> bool {
        !self.open.is_empty()
    }

    /// Bytes of memory that this holds.
    pub fn held(&self) -> u64 {
        let roles = self.roles.len() * size_of::<Role>();
        (roles + self.open.held() + self.handlers.held()) as u64
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

    /// Observes a wait of `ns` that has ended. The trace must have [a server](Self::serves), as for all that follows.
    #[inline]
    pub fn waited(&mut self, g: &Goroutine, ns: u64, chains: &mut Chains, t: &Timeline) {
        let role = self.role(g.stack);
        if role != Role::None {
            self.step(g, role, Some(ns), chains, t);
        }
    }

    /// Observes that a goroutine returns from a system call.
    #[inline]
    pub fn returned(&mut self, g: &Goroutine, chains: &mut Chains, t: &Timeline) {
        let role = self.role(g.stack);
        if role != Role::None {
            self.step(g, role, None, chains, t);
        }
    }

    /// Observes that a goroutine runs that was runnable for `ns`.
    #[inline]
    pub fn ran(&mut self, g: &Goroutine, ns: u64, chains: &mut Chains, t: &Timeline) {
        let open = if g.way == Way::Created && self.role(g.start) != Role::None {
            let open = self.open(g, t);
            open.assign(g.slot, g.id, chains);
            Some(open)
        } else {
            self.open.get_mut(g.slot, g.id)
        };
        if let Some(open) = open
            && !open.runs
        {
            open.runs = true;
            open.queued = Some(ns);
        }
    }

    /// Assigns all goroutines of requests in new chains.
    pub fn assign_all(&mut self, chains: &mut Chains, t: &Timeline) {
        for (g, open) in self.open.iter_mut() {
            open.known = false;
            if let Some(slot) = t.slot(g) {
                open.assign(slot, g, chains);
            }
        }
    }

    /// Returns the entry of a server's goroutine, which is created at first sight.
    fn open(&mut self, g: &Goroutine, t: &Timeline) -> &mut Open {
        if self.open.len() >= OPEN && self.open.get(g.slot, g.id).is_none() {
            // Most of them are idle connections.
            self.open.clear();
        }
        self.open.entry(g.slot, g.id, || {
            let start = t.stacks().get(t.start_function(g)).function;
            Open {
                stream: role::is_stream(start),
                worker: role::is_worker(start),
                // The goroutine is created for its first request, or older than the trace.
                arrived: Arrived {
                    at: g.birth,
                    scope: Scope::WHOLE,
                    woken: false,
                    cut: !g.born,
                },
                queued: None,
                runs: !g.born,
                handler: None,
                answered: false,
                resumes: false,
                known: false,
            }
        })
    }

    /// Observes that a server's goroutine leaves a wait of `waited` ns or a system call.
    fn step(
        &mut self,
        g: &Goroutine,
        role: Role,
        waited: Option<u64>,
        chains: &mut Chains,
        t: &Timeline,
    ) {
        let open = self.open(g, t);
        match role {
            Role::Handles(handler) => {
                open.follow();
                let known = open.handler;
                if known.is_none_or(|(known, _)| handler.depth > known.depth) {
                    open.handler = Some((handler, g.stack));
                }
            }
            Role::Aside => open.handler = None,
            Role::Idle | Role::Reads | Role::Handshake if !open.stream => {
                // The first part of a request counts as its arrival.
                let first = role == Role::Idle || !open.arrived.woken;
                // A known handler has written all of its response.
                let over = open.answered || open.handler.is_some();
                if over || first && waited.is_some() {
                    let waited_ns = waited.unwrap_or_default();
                    let before = open.before(waited_ns, g, chains, t);
                    let handler = open.handler;
                    let woken = waited.is_some() && role != Role::Handshake;
                    open.arrive(Arrived::now(g, woken, chains, t), waited.is_none());
                    open.assign(g.slot, g.id, chains);
                    if let Some(before) = before {
                        self.add(handler, &before);
                    }
                    return;
                }
            }
            Role::Finishes if waited.is_some() && g.waiting.state() != State::Cond => {
                open.resumes |= g.waiting.state() == State::Network;
            }
            Role::Finishes if waited.is_some() && open.answered => {}
            Role::Finishes if !open.stream && !open.resumes => {
                open.follow();
                let over = open.over(g, chains, t);
                let handler = open.handler;
                open.finish(Arrived::now(g, false, chains, t));
                open.assign(g.slot, g.id, chains);
                return self.add(handler, &over);
            }
            _ => {}
        }
        open.assign(g.slot, g.id, chains);
    }

    /// Observes that a goroutine ends; a stream's was a request.
    pub fn ended(&mut self, g: &Goroutine, chains: &Chains, t: &Timeline) {
        let known = self.open.remove(g.slot, g.id);
        let open = match known {
            Some(open) => open,
            // The first run of a stream is not observed.
            None if self.role(g.start) != Role::None => {
                let open = *self.open(g, t);
                self.open.remove(g.slot, g.id);
                open
            }
            None => return,
        };
        // The handler of a connection that ends may have written all of the response, or have taken the connection.
        if open.stream || open.handler.is_some() && !open.answered {
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
            None => self.handlers.find(UNKNOWN.as_bytes()),
        };
        self.handlers.add(group, over);
    }

    /// Returns requests for a report, handlers with the most time first. Open ones are lower bounds; they are omitted
    /// while more events may follow.
    pub fn report(&self, chains: &Chains, t: &Timeline, under_way: bool) -> Vec<Request> {
        let mut handlers = self.handlers.clone();
        if !under_way {
            for (handler, over) in self.still_open(chains, t) {
                let group = handler.map(|handler| handler.group);
                let group = group.unwrap_or_else(|| handlers.find(UNKNOWN.as_bytes()));
                handlers.add(group, &over);
            }
        }
        let handlers = handlers.sorted().into_iter();
        handlers.map(Group::into_request).collect()
    }

    /// Returns the requests whose handler runs, as if they ended now, and the last ones of idle goroutines.
    fn still_open(
        &self,
        chains: &Chains,
        t: &Timeline,
    ) -> impl Iterator<Item = (Option<Handler>, Over)> {
        self.open.iter().filter_map(move |(g, open)| {
            let (g, handler) = (t.find(g)?, open.handler.map(|(handler, _)| handler));
            if open.answered {
                return None;
            }
            let idle = g.state == GoState::Waiting && self.role(g.stack) == Role::Idle;
            let over = match idle {
                true => {
                    let ns = elapsed(g.since, t.now());
                    open.before(ns, g, chains, t)?
                }
                false if handler.is_none() => return None,
                false => Over {
                    lower_bound: true,
                    open: true,
                    ..open.over(g, chains, t)
                },
            };
            Some((handler, over))
        })
    }

    /// Drops the requests that were reported.
    pub fn start_stretch(&mut self) {
        self.handlers.clear();
    }
}
