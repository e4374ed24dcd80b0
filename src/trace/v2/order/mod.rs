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

mod fast;
mod goroutine;
mod names;
mod proc;
mod range;
mod state;
mod user;

use std::collections::HashMap;

use super::super::error::Corruption;
use super::super::event::{Event, GoId, ProcId, StackId, StringId, ThreadId, What};
pub use super::super::refusal::Refusal;
use super::super::tables::{Extra, Tables};
use super::super::violation::Violation;
use super::raw::Raw;
use super::wire;
use names::{NameId, Names};
use state::{Goroutines, Procs, Seq, Thread, Threads};

/// One thread's next event, offered to the order.
pub struct Step<'a> {
    pub tables: &'a Tables,
    pub generation: u64,
    pub raw: &'a Raw,
    /// The event that comes of it, with its context filled in.
    pub out: &'a mut Event,
}

/// What became of an offered event: taken, or not.
type Taken = Result<(), Refusal>;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Gc {
    #[default]
    Undetermined,
    NotRunning,
    Running,
}

#[derive(Debug)]
struct Task {
    name: NameId,
    parent: i64,
}

/// What the order knows of everything but threads.
#[derive(Debug, Default)]
struct Model {
    gs: Goroutines,
    ps: Procs,
    tasks: HashMap<u64, Task, foldhash::fast::RandomState>,
    names: Names,
    /// Names of tasks that ended, for the events that say so.
    extra: Extra,
    gc: Gc,
    gc_seq: u64,
    first_generation: u64,
    /// Events that the last one brought along, latest first.
    follow: [Option<Event>; 2],
    /// Whether there are any.
    followed: bool,
}

/// The scheduler model.
#[derive(Debug, Default)]
pub struct Order {
    ms: Threads,
    model: Model,
}

impl Order {
    /// Where the state of thread `m` is kept.
    pub fn thread(&mut self, m: ThreadId) -> u32 {
        self.ms.slot(m)
    }

    /// To be called before a generation's first event is offered.
    pub fn start_generation(&mut self, generation: u64) {
        self.model.names.start_generation();
        self.model.extra.clear();
        if self.model.first_generation == 0 {
            self.model.first_generation = generation;
        }
    }

    /// A string that only an event of this generation has.
    pub fn extra_string(&self, id: StringId) -> Option<&[u8]> {
        self.model.extra.get(id)
    }

    /// Whether events came along with the last one taken.
    #[inline]
    pub fn has_following(&self) -> bool {
        self.model.followed
    }

    /// The next of them.
    pub fn next_following(&mut self) -> Option<Event> {
        let follow = &mut self.model.follow;
        let event = follow[1].take().or_else(|| follow[0].take());
        self.model.followed = follow[0].is_some();
        event
    }

    /// Forgets what came along with an event that can't be returned.
    pub fn drop_following(&mut self) {
        self.model.follow = [None, None];
        self.model.followed = false;
    }

    /// To be called before the events of a thread are offered.
    #[inline]
    pub fn turn_to(&mut self, thread: u32) {
        self.ms.slots[thread as usize].seen = true;
    }

    /// Offers the next event of a thread, with its time in `step.out`.
    #[inline(never)]
    pub fn advance(&mut self, thread: u32, step: Step<'_>) -> Taken {
        let t = &mut self.ms.slots[thread as usize];
        step.out.m = t.m;
        step.out.p = t.p;
        step.out.g = t.g;
        match step.raw.kind {
            // These may change the state of other threads.
            wire::GO_STATUS | wire::GO_STATUS_STACK | wire::PROC_STEAL | wire::PROC_STATUS => {
                self.advance_across(thread, step)
            }
            _ => self.model.advance(t, step),
        }
    }

    fn advance_across(&mut self, thread: u32, step: Step<'_>) -> Taken {
        let mut t = self.ms.slots[thread as usize];
        let taken = match step.raw.kind {
            wire::PROC_STEAL => self.proc_steal(&mut t, step),
            wire::PROC_STATUS => self.proc_status(&mut t, step),
            _ => self.go_status(&mut t, step),
        };
        if taken.is_ok() && t.m.is_some() {
            self.ms.slots[thread as usize] = t;
        }
        taken
    }
}

impl Model {
    fn advance(&mut self, t: &mut Thread, step: Step<'_>) -> Taken {
        match step.raw.kind {
            wire::GO_START => self.go_start(t, step),
            wire::GO_UNBLOCK => self.go_unblock(step),
            wire::GO_BLOCK | wire::GO_STOP => self.go_stop(t, step),
            wire::GO_SYSCALL_BEGIN => self.go_syscall_begin(t, step),
            wire::GO_SYSCALL_END => self.go_syscall_end(t, step),
            wire::GO_DESTROY => self.go_destroy(t, step),
            wire::PROC_START => self.proc_start(t, step),
            wire::PROC_STOP => self.proc_stop(t, step),
            wire::GO_SYSCALL_END_BLOCKED => self.go_syscall_end_blocked(t, step),
            wire::GO_CREATE | wire::GO_CREATE_BLOCKED => self.go_create(t, step),
            wire::GO_CREATE_SYSCALL => self.go_create_syscall(t, step),
            wire::GO_DESTROY_SYSCALL => self.go_destroy_syscall(t, step),
            wire::GO_SWITCH | wire::GO_SWITCH_DESTROY => self.go_switch(t, step),
            wire::PROCS_CHANGE | wire::HEAP_ALLOC | wire::HEAP_GOAL => Self::metric(t, step),
            wire::STW_BEGIN | wire::GC_MARK_ASSIST_BEGIN => self.go_range_begin(t, step),
            wire::STW_END | wire::GC_MARK_ASSIST_END => self.go_range_end(t, step),
            wire::GC_MARK_ASSIST_ACTIVE => self.go_range_active(step),
            wire::GC_SWEEP_BEGIN => self.sweep_begin(t, step),
            wire::GC_SWEEP_END => self.sweep_end(t, step),
            wire::GC_SWEEP_ACTIVE => self.sweep_active(step),
            wire::GC_BEGIN => self.gc_begin(t, step),
            wire::GC_END => self.gc_end(t, step),
            wire::GC_ACTIVE => self.gc_active(t, step),
            wire::USER_TASK_BEGIN => self.task_begin(t, step),
            wire::USER_TASK_END => self.task_end(t, step),
            wire::USER_REGION_BEGIN | wire::USER_REGION_END => self.region(t, step),
            wire::USER_LOG | wire::GO_LABEL => Self::annotation(t, step),
            wire::SPAN..=wire::GOROUTINE_STACK_FREE => Self::experimental(t, step),
            kind => Err(Corruption::BadEventType(kind).into()),
        }
    }

    /// A goroutine ends.
    fn end(&mut self, slot: u32) {
        for region in self.gs.close_regions(slot) {
            self.names.release(region.name);
        }
        self.gs.remove(slot);
    }

    /// Queues events that happen with the one being taken, latest first.
    fn also(&mut self, follow: [Option<Event>; 2]) {
        self.follow = follow;
        self.followed = true;
    }

    /// Whether the trace's first generation is being read, in which states
    /// appear from nowhere.
    fn in_first_generation(&self, step: &Step<'_>) -> bool {
        step.generation == self.first_generation
    }
}

impl Thread {
    /// Checks that the event happened on a thread with a P and a goroutine.
    #[inline]
    fn needs_all(&self, event: u8) -> Result<(), Violation> {
        self.needs_m(event)?;
        self.needs_p(event)?;
        self.needs_g(event)
    }

    #[inline]
    fn needs_m(&self, event: u8) -> Result<(), Violation> {
        need(self.m.is_some(), event, "thread")
    }

    #[inline]
    fn needs_p(&self, event: u8) -> Result<(), Violation> {
        need(self.p.is_some(), event, "P")
    }

    #[inline]
    fn needs_g(&self, event: u8) -> Result<(), Violation> {
        need(self.g.is_some(), event, "goroutine")
    }

    #[inline]
    fn needs_no_g(&self, event: u8) -> Result<(), Violation> {
        if self.g.is_some() {
            return Err(Violation::Unexpected {
                event,
                present: "goroutine",
            });
        }
        Ok(())
    }

    #[inline]
    fn set_g(&mut self, g: GoId, slot: u32) {
        self.g = g;
        self.g_slot = if g.is_some() { slot } else { state::NONE };
    }

    #[inline]
    fn clear_g(&mut self) {
        self.set_g(GoId::NONE, state::NONE);
    }

    #[inline]
    fn set_p(&mut self, p: ProcId, slot: u32) {
        self.p = p;
        self.p_slot = if p.is_some() { slot } else { state::NONE };
    }

    #[inline]
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
    /// Takes the event: this is what happened.
    #[inline]
    fn take(&mut self, what: What) -> Taken {
        self.out.what = what;
        Ok(())
    }

    /// An event in the same context at the same time.
    fn also(&self, what: What) -> Event {
        Event { what, ..*self.out }
    }

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
