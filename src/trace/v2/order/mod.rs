//! The scheduler model that decides which event happened next.
//!
//! Threads write their batches without looking at each other, and their clocks
//! may disagree. What is certain is what the scheduler allows: a goroutine
//! starts only when it is runnable, a P only when it is idle, and sequence
//! numbers of goroutines and Ps say which of several such steps comes first.
//! [`Order::advance`] is offered one thread's next event at a time. It either
//! takes the event and says what happened, or refuses it because something on
//! another thread must come first, or finds that it can never be right.
//!
//! The handlers are split by what they concern: [`goroutine`], [`proc`],
//! [`range`] and [`user`].

mod goroutine;
mod proc;
mod range;
mod state;
mod user;

use std::collections::HashMap;
use std::sync::Arc;

use super::super::error::{Corruption, ErrorKind};
use super::super::event::{Event, GoId, ProcId, StackId, StringId, ThreadId, What};
use super::super::tables::Tables;
use super::cursor::RawEvent;
use super::violation::Violation;
use super::wire;
use state::{Goroutines, Procs, Seq, Thread, Threads};

/// What an event may look at besides the model itself.
pub struct Step<'a> {
    pub tables: &'a mut Tables,
    pub generation: u64,
    pub raw: &'a RawEvent,
}

/// Why an event can't be right.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    Violation(Violation),
    Corruption(Corruption),
}

impl From<Violation> for Fault {
    fn from(v: Violation) -> Self {
        Self::Violation(v)
    }
}

impl From<Corruption> for Fault {
    fn from(c: Corruption) -> Self {
        Self::Corruption(c)
    }
}

impl From<Fault> for ErrorKind {
    fn from(f: Fault) -> Self {
        match f {
            Fault::Violation(v) => Self::Inconsistent(v),
            Fault::Corruption(c) => Self::Corrupt(c),
        }
    }
}

/// What became of an offered event: `None` if another must come first.
type Taken = Result<Option<What>, Fault>;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Gc {
    #[default]
    Undetermined,
    NotRunning,
    Running,
}

#[derive(Debug)]
struct Task {
    name: Arc<[u8]>,
    parent: i64,
}

/// The model.
#[derive(Debug, Default)]
pub struct Order {
    gs: Goroutines,
    ps: Procs,
    ms: Threads,
    tasks: HashMap<u64, Task, foldhash::fast::RandomState>,
    /// Names of this generation that were needed beyond it, by string.
    names: HashMap<StringId, Arc<[u8]>, foldhash::fast::RandomState>,
    gc: Gc,
    gc_seq: u64,
    first_generation: u64,
    /// Events that the last one brought along, latest first.
    follow: [Option<Event>; 2],
}

/// The context of an event: before it, and as it leaves it.
#[derive(Clone, Copy, Debug)]
struct Context {
    before: Thread,
    after: Thread,
}

impl Order {
    /// Where the state of thread `m` is kept.
    pub fn thread(&mut self, m: ThreadId) -> u32 {
        self.ms.slot(m)
    }

    /// To be called when a generation's tables are replaced.
    pub fn start_generation(&mut self) {
        self.names.clear();
    }

    /// The next event that came along with the last one taken.
    #[inline]
    pub fn next_following(&mut self) -> Option<Event> {
        match self.follow {
            [None, None] => None,
            [Some(event), None] => {
                self.follow[0] = None;
                Some(event)
            }
            [_, event] => {
                self.follow[1] = None;
                event
            }
        }
    }

    /// Forgets what came along with an event that can't be returned.
    pub fn drop_following(&mut self) {
        self.follow = [None, None];
    }

    /// Offers the next event of a thread. `Ok(None)` refuses it for now.
    #[inline]
    pub fn advance(&mut self, thread: u32, mut step: Step<'_>) -> Result<Option<Event>, Fault> {
        if self.first_generation == 0 {
            self.first_generation = step.generation;
        }
        let t = &mut self.ms.slots[thread as usize];
        t.seen = true;
        let mut cx = Context {
            before: *t,
            after: *t,
        };
        let Some(what) = self.dispatch(&mut cx, &mut step)? else {
            return Ok(None);
        };
        let t = &mut self.ms.slots[thread as usize];
        if t.m.is_some() {
            t.p = cx.after.p;
            t.p_slot = cx.after.p_slot;
            t.g = cx.after.g;
            t.g_slot = cx.after.g_slot;
        }
        Ok(Some(cx.event(step.raw.time, what)))
    }

    #[inline]
    fn dispatch(&mut self, cx: &mut Context, step: &mut Step<'_>) -> Taken {
        match step.raw.kind {
            wire::GO_START => self.go_start(cx, step),
            wire::GO_UNBLOCK => self.go_unblock(step),
            wire::GO_BLOCK | wire::GO_STOP | wire::GO_DESTROY => self.go_stop(cx, step),
            wire::PROC_START => self.proc_start(cx, step),
            wire::PROC_STOP => self.proc_stop(cx, step),
            wire::GO_SYSCALL_BEGIN => self.go_syscall_begin(cx, step),
            wire::GO_SYSCALL_END => self.go_syscall_end(cx, step),
            wire::GO_SYSCALL_END_BLOCKED => self.go_syscall_end_blocked(cx, step),
            wire::GO_CREATE | wire::GO_CREATE_BLOCKED => self.go_create(cx, step),
            wire::GO_STATUS | wire::GO_STATUS_STACK => self.go_status(cx, step),
            wire::PROC_STEAL => self.proc_steal(cx, step),
            wire::PROC_STATUS => self.proc_status(cx, step),
            wire::GO_CREATE_SYSCALL => self.go_create_syscall(cx, step),
            wire::GO_DESTROY_SYSCALL => self.go_destroy_syscall(cx, step),
            wire::GO_SWITCH | wire::GO_SWITCH_DESTROY => self.go_switch(cx, step),
            wire::PROCS_CHANGE | wire::HEAP_ALLOC | wire::HEAP_GOAL => Self::metric(cx, step),
            wire::STW_BEGIN | wire::GC_MARK_ASSIST_BEGIN => self.go_range_begin(cx, step),
            wire::STW_END | wire::GC_MARK_ASSIST_END => self.go_range_end(cx, step),
            wire::GC_MARK_ASSIST_ACTIVE => self.go_range_active(step),
            wire::GC_SWEEP_BEGIN => self.sweep_begin(cx, step),
            wire::GC_SWEEP_END => self.sweep_end(cx, step),
            wire::GC_SWEEP_ACTIVE => self.sweep_active(step),
            wire::GC_BEGIN => self.gc_begin(cx, step),
            wire::GC_END => self.gc_end(cx, step),
            wire::GC_ACTIVE => self.gc_active(cx, step),
            wire::USER_TASK_BEGIN => self.task_begin(cx, step),
            wire::USER_TASK_END => self.task_end(cx, step),
            wire::USER_REGION_BEGIN | wire::USER_REGION_END => self.region(cx, step),
            wire::USER_LOG | wire::GO_LABEL => Self::annotation(cx, step),
            wire::SPAN..=wire::GOROUTINE_STACK_FREE => Self::experimental(cx, step),
            kind => Err(Corruption::BadEventType(kind).into()),
        }
    }

    /// Whether the trace's first generation is being read, in which states
    /// appear from nowhere.
    fn in_first_generation(&self, step: &Step<'_>) -> bool {
        step.generation == self.first_generation
    }
}

impl Context {
    fn event(&self, time: i64, what: What) -> Event {
        Event {
            time,
            m: self.before.m,
            p: self.before.p,
            g: self.before.g,
            what,
        }
    }

    /// Checks that the event happened on a thread with a P and a goroutine.
    #[inline]
    fn needs_all(&self, event: u8) -> Result<(), Violation> {
        self.needs_m(event)?;
        self.needs_p(event)?;
        self.needs_g(event)
    }

    #[inline]
    fn needs_m(&self, event: u8) -> Result<(), Violation> {
        need(self.before.m.is_some(), event, "thread")
    }

    #[inline]
    fn needs_p(&self, event: u8) -> Result<(), Violation> {
        need(self.before.p.is_some(), event, "P")
    }

    #[inline]
    fn needs_g(&self, event: u8) -> Result<(), Violation> {
        need(self.before.g.is_some(), event, "goroutine")
    }

    #[inline]
    fn needs_no_g(&self, event: u8) -> Result<(), Violation> {
        if self.before.g.is_some() {
            return Err(Violation::Unexpected {
                event,
                present: "goroutine",
            });
        }
        Ok(())
    }

    #[inline]
    fn set_g(&mut self, g: GoId, slot: u32) {
        self.after.g = g;
        self.after.g_slot = slot;
    }

    #[inline]
    fn clear_g(&mut self) {
        self.set_g(GoId::NONE, state::NONE);
    }

    fn set_p(&mut self, p: ProcId, slot: u32) {
        self.after.p = p;
        self.after.p_slot = slot;
    }

    fn clear_p(&mut self) {
        self.set_p(ProcId::NONE, state::NONE);
    }
}

#[inline]
fn need(have: bool, event: u8, missing: &'static str) -> Result<(), Violation> {
    if have {
        Ok(())
    } else {
        Err(Violation::Missing { event, missing })
    }
}

impl Step<'_> {
    #[inline]
    fn arg(&self, i: usize) -> u64 {
        self.raw.args[i]
    }

    #[inline]
    fn stack(&self, i: usize) -> Result<StackId, Corruption> {
        self.tables.stack_id(self.arg(i))
    }

    #[inline]
    fn string(&self, i: usize) -> Result<StringId, Corruption> {
        self.tables.string_id(self.arg(i))
    }

    #[inline]
    fn seq(&self, i: usize) -> Seq {
        Seq {
            generation: self.generation,
            n: self.arg(i),
        }
    }

    #[inline]
    fn seq_reset(&self) -> Seq {
        Seq {
            generation: self.generation,
            n: 0,
        }
    }
}
