//! The scheduler model that decides which event happened next.
//!
//! Threads write their batches independently, and their clocks may disagree.
//! The scheduler's rules give the order: a goroutine starts only when it is
//! runnable, a P only when it is idle, and sequence numbers of goroutines and
//! Ps order the steps of each. [`Order::advance`] is offered one thread's next
//! event at a time. It accepts the event, or refuses it because an event of
//! another thread must come first, or rejects it as impossible.
//!
//! The handlers are split by what they concern: [`goroutine`], [`proc`],
//! [`range`] and [`user`].

mod fast;
mod goroutine;
mod names;
mod proc;
mod range;
mod state;
mod tasks;
mod user;

use super::super::error::Corruption;
use super::super::event::{Event, EventKind, GoId, ProcId, StackId, StringId};
pub(super) use super::super::refusal::Refusal;
use super::super::tables::Extra;
use super::super::violation::Violation;
use super::epoch::Epoch;
use super::raw::Raw;
use super::threads::{self, Thread, Threads};
use super::wire;
#[cfg(test)]
pub(super) use fast::NEVER;
use names::Names;
use state::{Goroutines, Procs, Seq};
use tasks::Tasks;

/// One thread's next event, offered to the order.
pub(super) struct Step<'a> {
    pub epoch: Epoch<'a>,
    pub raw: &'a Raw,
    /// The resulting event, with its context filled in.
    pub out: &'a mut Event,
}

/// Result of an offered event.
type Taken = Result<(), Refusal>;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Gc {
    #[default]
    Undetermined,
    NotRunning,
    Running,
}

/// The scheduler model: the state of everything but threads.
#[derive(Debug, Default)]
pub(super) struct Order {
    gs: Goroutines,
    ps: Procs,
    tasks: Tasks,
    names: Names,
    /// Bytes of the ranges and regions that goroutines have open.
    open: u64,
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

impl Order {
    /// To be called before a generation's first event is offered.
    pub(super) fn start_generation(&mut self, generation: u64) {
        self.names.start_generation();
        self.extra.clear();
        if self.first_generation == 0 {
            self.first_generation = generation;
        }
    }

    /// Bytes of memory that this holds while `more` bytes of events are taken.
    pub(super) fn held(&self, more: usize) -> u64 {
        // Events that add state have at least three bytes.
        let more = more / 3;
        self.gs.held(more)
            + self.ps.held(more)
            + self.tasks.held(more)
            + self.names.held(more)
            + self.extra.held(more)
            + 3 * self.open
    }

    /// A string that only an event of this generation has.
    pub(super) fn extra_string(&self, id: StringId) -> Option<&[u8]> {
        self.extra.get(id)
    }

    /// Whether events came along with the last one taken.
    #[inline]
    pub(super) fn has_following(&self) -> bool {
        self.followed
    }

    /// The next of them.
    pub(super) fn next_following(&mut self) -> Option<Event> {
        let follow = &mut self.follow;
        let event = follow[1].take().or_else(|| follow[0].take());
        self.followed = follow[0].is_some();
        event
    }

    /// Forgets what came along with an event that can't be returned.
    pub(super) fn drop_following(&mut self) {
        self.follow = [None, None];
        self.followed = false;
    }

    /// Offers the next event of a thread, with its time in `step.out`.
    #[inline(always)]
    pub(super) fn advance(&mut self, threads: &mut Threads, thread: u32, step: Step<'_>) -> Taken {
        if wire::may_concern_others(step.raw.kind) {
            self.advance_across(threads, thread, step)
        } else {
            let t = &mut threads[thread].thread;
            t.seen = true;
            self.advance_within(t, step)
        }
    }

    #[inline(never)]
    fn advance_across(&mut self, threads: &mut Threads, thread: u32, mut step: Step<'_>) -> Taken {
        let mut t = threads[thread].thread;
        t.seen = true;
        threads[thread].thread = t;
        step.set_context(&t);
        let taken = match step.raw.kind {
            wire::PROC_STEAL => self.proc_steal(threads, &mut t, step),
            wire::PROC_STATUS => self.proc_status(threads, &mut t, step),
            _ => self.go_status(threads, &mut t, step),
        };
        if taken.is_ok() && t.m.is_some() {
            threads[thread].thread = t;
        }
        taken
    }

    #[inline(always)]
    fn advance_within(&mut self, t: &mut Thread, mut step: Step<'_>) -> Taken {
        step.set_context(t);
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
        step.epoch.generation == self.first_generation
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
                event: wire::name(event),
                present: "goroutine",
            });
        }
        Ok(())
    }

    #[inline]
    fn set_g(&mut self, g: GoId, slot: u32) {
        self.g = g;
        self.g_slot = if g.is_some() { slot } else { threads::NONE };
    }

    #[inline]
    fn clear_g(&mut self) {
        self.set_g(GoId::NONE, threads::NONE);
    }

    #[inline]
    fn set_p(&mut self, p: ProcId, slot: u32) {
        self.p = p;
        self.p_slot = if p.is_some() { slot } else { threads::NONE };
    }

    #[inline]
    fn clear_p(&mut self) {
        self.set_p(ProcId::NONE, threads::NONE);
    }
}

#[inline]
fn need(have: bool, event: u8, missing: &'static str) -> Result<(), Violation> {
    if have {
        Ok(())
    } else {
        Err(Violation::Missing {
            event: wire::name(event),
            missing,
        })
    }
}

impl Step<'_> {
    #[inline]
    fn set_context(&mut self, t: &Thread) {
        (self.out.m, self.out.p, self.out.g) = (t.m, t.p, t.g);
    }

    /// Takes the event: this is what happened.
    #[inline]
    fn take(&mut self, kind: EventKind) -> Taken {
        self.out.kind = kind;
        Ok(())
    }

    /// An event in the same context at the same time.
    fn also(&self, kind: EventKind) -> Event {
        Event { kind, ..*self.out }
    }

    #[inline]
    fn arg(&self, i: usize) -> u64 {
        self.raw.args[i]
    }

    #[inline]
    fn stack(&self, i: usize) -> Result<StackId, Corruption> {
        self.epoch.tables.stack_id(self.arg(i))
    }

    #[inline]
    fn string(&self, i: usize) -> Result<StringId, Corruption> {
        self.epoch.tables.string_id(self.arg(i))
    }

    #[inline]
    fn seq(&self, i: usize) -> Seq {
        Seq {
            generation: self.epoch.generation,
            n: self.arg(i),
        }
    }

    #[inline]
    fn seq_reset(&self) -> Seq {
        Seq {
            generation: self.epoch.generation,
            n: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::error::ErrorKind;
    use super::super::super::event::ThreadId;
    use super::super::super::tables::Tables;
    use super::*;

    /// The error with which an event of a type is refused where nothing is
    /// known, if it is one of the bytes.
    fn corruption(event_type: u8) -> Option<Corruption> {
        let mut threads = Threads::default();
        let thread = threads.slot(ThreadId(1));
        let raw = Raw {
            kind: event_type,
            args: [0; 4],
        };
        let step = Step {
            epoch: Epoch {
                tables: &Tables::default(),
                generation: 1,
            },
            raw: &raw,
            out: &mut Event::default(),
        };
        match Order::default().advance(&mut threads, thread, step) {
            Err(Refusal::Invalid(kind)) => match *kind {
                ErrorKind::Corrupt(corruption) => Some(corruption),
                _ => None,
            },
            _ => None,
        }
    }

    #[test]
    fn every_timed_event_type_has_a_handler() {
        for event_type in 0..=u8::MAX {
            let spec = wire::spec(event_type);
            // The clock snapshot is of a generation, not of a thread.
            let has_handler = spec.timed && event_type != wire::CLOCK_SNAPSHOT;
            let refused = corruption(event_type) == Some(Corruption::BadEventType(event_type));
            assert_eq!(refused, !has_handler, "{event_type} {}", spec.name);
        }
    }
}
