//! Model of each goroutine, and counts of goroutines by creation site.

use std::collections::HashMap;

use super::account::Account;
use super::classify::Owner;
use super::interval::{Actor, Way};
use super::stacks::{FrameKey, StackKey};
use super::waiting::{Wait, Waiting};
use crate::sums;
use crate::trace::internal::{Ids, of_map, of_vec};
use crate::trace::{GoId, GoState, Slot, Time};

/// Mode in which a goroutine works for the collector.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Worker {
    /// Not a mark worker.
    #[default]
    None,
    /// Dedicated or fractional worker.
    Background,
    /// Idle worker: its P would be idle otherwise.
    Idle,
}

/// Goroutine that exists.
#[derive(Clone, Copy, Debug)]
pub struct Goroutine {
    /// Goroutine ID.
    pub id: GoId,
    /// Slot, which no other goroutine has until this one ends.
    pub slot: Slot,
    /// Present state.
    pub state: GoState,
    /// Start of the present state, or of the trace.
    pub since: Time,
    /// The present state began before the trace.
    pub cut: bool,
    /// Owner: program, runtime or tracer.
    pub owner: Owner,
    /// The trace contains the goroutine's creation.
    pub born: bool,
    /// Time of creation, or of the trace's start.
    pub birth: Time,
    /// Cause for which it last became runnable.
    pub way: Way,
    /// Kind of the present or last wait, as the rules distinguish them.
    pub wait: Wait,
    /// Object of the present or last wait.
    pub waiting: Waiting,
    /// Own stack at the last stop, block or syscall.
    pub stack: StackKey,
    /// Start function, as a stack.
    pub start: StackKey,
    /// Stack that created the goroutine.
    pub creator: StackKey,
    /// Goroutine that created it, if `born`.
    pub created_by: GoId,
    /// Index of its creation site, if `born`.
    pub(super) site: u32,
    /// Goroutine and stack that made it runnable.
    pub by: Actor,
    /// Total stop-the-world time before it became runnable, ns.
    pub stopped_before: u64,
    /// Total running time, ns.
    pub ran: u64,
    /// Time by state.
    pub(super) account: Account,
    /// Goroutine that the network, a timer or the runtime woke for the present activity; [`GoId::NONE`] in a
    /// computation.
    pub(super) origin: GoId,
    /// The network or a timer woke it last.
    pub(super) from_outside: bool,
    /// Has created or woken a goroutine.
    pub(super) gives: bool,
    /// Has been preempted. A preempted goroutine computes.
    pub(super) preempted: bool,
    /// Stacks of the last two waits at different places, the last one first.
    pub(super) waited: [StackKey; 2],
    /// Stack of the last wait to which it returned after another activity, as a worker does.
    pub returned: StackKey,
    /// Stack at the last preemption.
    pub busy: StackKey,
    /// A mark assist is active.
    pub(super) assisting: bool,
    /// Mode as a mark worker.
    pub(super) worker: Worker,
    /// Represents a thread of the program's C code outside of any call into Go.
    pub in_c: bool,
}

impl Goroutine {
    /// Whether its running time is work for the collector.
    #[inline(always)]
    pub(super) fn collects(&self) -> bool {
        // One test in place of two, at each transition.
        self.worker as u8 | u8::from(self.assisting) != 0
    }

    /// Start function if it is known, otherwise the best stack.
    pub fn first_stack(&self) -> StackKey {
        match self.start.is_some() {
            true => self.start,
            false => self.best_stack(),
        }
    }

    /// Returns the best stack to place it: its own, its creator's, or the start function.
    #[inline]
    pub fn best_stack(&self) -> StackKey {
        if self.stack.is_some() {
            self.stack
        } else if self.creator.is_some() {
            self.creator
        } else {
            self.start
        }
    }

    /// Whether it is blocked.
    pub fn is_waiting(&self) -> bool {
        self.state == GoState::Waiting
    }
}

/// Creation site: counts of the goroutines that one stack created with one start function.
#[derive(Clone, Copy, Debug, Default)]
pub struct Site {
    /// Stack of the creator.
    pub creator: StackKey,
    /// Start function, as a stack.
    pub start: StackKey,
    /// Goroutines created.
    pub created: u64,
    /// Goroutines ended, of those created during the trace.
    pub ended: u64,
    /// Total lifetime of the ended goroutines, ns.
    pub lived: u64,
    /// Time of the first creation.
    pub first: Time,
    /// Time of the last creation.
    pub last: Time,
    /// Live goroutines when the count of growth last started.
    before: u64,
    /// Goroutines created and ended before the last report.
    reported: (u64, u64),
}

impl Site {
    /// Growth of the number of live goroutines.
    pub fn growth(&self) -> u64 {
        (self.created - self.ended).saturating_sub(self.before)
    }

    /// Goroutines created and ended since the last report.
    pub fn news(&self) -> (u64, u64) {
        (self.created - self.reported.0, self.ended - self.reported.1)
    }
}

/// Approximate memory of a site while a report is made, bytes.
const REPORTED: usize = 512;

/// Number of the program's goroutines over time.
#[derive(Debug, Default)]
pub struct Population {
    /// Live at the trace's start or at the last report.
    pub at_start: u64,
    /// Live when the count of growth started.
    pub before: u64,
    growing_since: Option<Time>,
    /// The count of growth continues, so its present value is not a measurement yet.
    pub growing: bool,
    /// Live now.
    pub now: u64,
    /// Peak of live goroutines.
    pub peak: u64,
    /// Goroutines created and ended since the trace's start; `reported` has the counts at the last report.
    created: u64,
    ended: u64,
    reported: (u64, u64),
    sites: Vec<Site>,
    /// Site of the last creation. The next creation often has the same one.
    last: u32,
    by_creation: HashMap<(StackKey, StackKey), u32, foldhash::fast::RandomState>,
    /// Goroutines older than the trace that ended since the count of growth started, by start function.
    pub ended_old: HashMap<FrameKey, u64, foldhash::fast::RandomState>,
}

impl Population {
    /// Bytes of memory held, including the memory of a report.
    pub(super) fn held(&self) -> u64 {
        of_vec(&self.sites, 1)
            + of_map(&self.by_creation, 1)
            + of_map(&self.ended_old, 1)
            + (self.sites.len() * REPORTED) as u64
    }

    /// Time at which the count of growth started; `None` is the trace's start.
    pub fn growing_since(&self) -> Option<Time> {
        self.growing_since
    }

    /// Sites that created goroutines of the program during the trace.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// Goroutines created since the trace's start or the last report.
    pub fn created(&self) -> u64 {
        self.created - self.reported.0
    }

    /// Goroutines ended since the trace's start or the last report.
    pub fn ended(&self) -> u64 {
        self.ended - self.reported.1
    }

    /// Starts the counts of the next report.
    pub(super) fn start_stretch(&mut self) {
        (self.at_start, self.peak) = (self.now, self.now);
        self.reported = (self.created, self.ended);
        for site in &mut self.sites {
            site.reported = (site.created, site.ended);
        }
    }

    /// Starts the count of growth.
    pub(super) fn start_growth(&mut self, time: Time) {
        (self.before, self.growing_since) = (self.now, Some(time));
        self.ended_old.clear();
        for site in &mut self.sites {
            site.before = site.created - site.ended;
            (site.first, site.last) = (time, time);
        }
    }

    /// Adds a goroutine that is older than the trace. It counts for the start and the peak, too.
    pub(super) fn appear(&mut self) {
        self.at_start += 1;
        self.before += 1;
        self.now += 1;
        self.peak += 1;
    }

    /// Removes a goroutine that turned out to be the runtime's or the tracer's.
    pub(super) fn disown(&mut self) {
        let alive = [
            &mut self.before,
            &mut self.at_start,
            &mut self.now,
            &mut self.peak,
        ];
        for count in alive {
            *count = count.saturating_sub(1);
        }
    }

    /// Adds a goroutine. Returns the index of its site.
    #[inline(always)]
    pub(super) fn create(&mut self, start: StackKey, creator: StackKey, time: Time) -> u32 {
        self.now += 1;
        self.created += 1;
        self.peak = self.peak.max(self.now);
        match self.sites.get(self.last as usize) {
            Some(s) if (s.start, s.creator) == (start, creator) => {}
            _ => self.last = self.site(start, creator, time),
        }
        let site = &mut self.sites[self.last as usize];
        site.created += 1;
        site.last = time;
        self.last
    }

    #[inline(never)]
    fn site(&mut self, start: StackKey, creator: StackKey, time: Time) -> u32 {
        let next = self.sites.len() as u32;
        let i = *self.by_creation.entry((start, creator)).or_insert(next);
        if i == next {
            self.sites.push(Site {
                creator,
                start,
                first: time,
                ..Site::default()
            });
        }
        i
    }

    /// Records the end of a goroutine that a site created.
    pub(super) fn end(&mut self, site: u32, lived: u64) {
        self.now = self.now.saturating_sub(1);
        self.ended += 1;
        if let Some(site) = self.sites.get_mut(site as usize) {
            site.ended += 1;
            sums::increase(&mut site.lived, lived);
        }
    }

    pub(super) fn end_old(&mut self, root: FrameKey) {
        self.now = self.now.saturating_sub(1);
        self.ended += 1;
        *self.ended_old.entry(root).or_default() += 1;
    }
}

/// Goroutines that exist, by the reader's slots.
#[derive(Debug, Default)]
pub(super) struct Goroutines {
    slots: Vec<Option<Goroutine>>,
    ids: Ids,
}

impl Goroutines {
    #[inline]
    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut Goroutine> {
        self.slots.get_mut(slot.index())?.as_mut()
    }

    /// Slot of a goroutine.
    pub(super) fn slot(&self, id: GoId) -> Option<u32> {
        self.ids.find(id.0)
    }

    /// Mutable version of [`find`](Self::find).
    pub(super) fn find_mut(&mut self, id: GoId) -> Option<&mut Goroutine> {
        let slot = self.ids.find(id.0)?;
        self.get_mut(Slot(slot))
    }

    /// Bytes of memory held while up to `more` goroutines are added.
    pub(super) fn held(&self, more: usize) -> u64 {
        of_vec(&self.slots, more) + self.ids.held(more)
    }

    pub(super) fn get(&self, slot: u32) -> Option<&Goroutine> {
        self.slots.get(slot as usize)?.as_ref()
    }

    /// Goroutine by its ID.
    pub(super) fn find(&self, id: GoId) -> Option<&Goroutine> {
        self.get(self.ids.find(id.0)?)
    }

    /// Returns the place of a new goroutine. The caller constructs it there: to construct it elsewhere and copy it
    /// stalls the processor, because stores are still in flight.
    #[inline(always)]
    pub(super) fn place(&mut self, slot: Slot, id: GoId) -> &mut Option<Goroutine> {
        if slot.index() >= self.slots.len() {
            self.add_slots(slot);
        }
        // A damaged trace may create a goroutine twice.
        self.ids.set(id.0, slot.0);
        &mut self.slots[slot.index()]
    }

    #[cold]
    fn add_slots(&mut self, last: Slot) {
        self.slots.resize(last.index() + 1, None);
    }

    pub(super) fn remove(&mut self, slot: Slot) {
        if let Some(place) = self.slots.get_mut(slot.index())
            && let Some(g) = place
        {
            self.ids.remove(g.id.0);
            *place = None;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Goroutine> {
        self.slots.iter().flatten()
    }

    /// Number of slots, free ones included.
    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// Iterates over the goroutines with their slots.
    pub(super) fn with_slots(&self) -> impl Iterator<Item = (u32, &Goroutine)> {
        let slots = self.slots.iter().zip(0..);
        slots.filter_map(|(g, slot)| Some((slot, g.as_ref()?)))
    }
}
