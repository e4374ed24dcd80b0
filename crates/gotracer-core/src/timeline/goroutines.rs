//! What the timeline knows of each goroutine, and of the places that create
//! them.

use std::collections::HashMap;

use super::classify::Owner;
use super::collector::Worker;
use super::interval::{Actor, Wait, Way};
use super::stacks::{FrameKey, StackKey};
use super::waiting::Waiting;
use crate::trace::internal::{Ids, of_map, of_vec};
use crate::trace::{GoId, GoState, Slot, Time};

/// A goroutine that exists.
#[derive(Clone, Copy, Debug)]
pub struct Goroutine {
    /// Its id.
    pub id: GoId,
    /// What it is doing.
    pub state: GoState,
    /// Since when it is in that state, or the trace's start.
    pub since: Time,
    /// It was in that state when the trace started.
    pub cut: bool,
    /// Whose it is.
    pub owner: Owner,
    /// It was created within the trace.
    pub born: bool,
    /// When it was created, or the trace's start.
    pub birth: Time,
    /// How it became runnable, if it is.
    pub way: Way,
    /// What it waits for, if it does, as the rules see it.
    pub wait: Wait,
    /// What it waits for, if it does, or waited for last.
    pub waiting: Waiting,
    /// Its own stack when it last stopped, blocked or entered a syscall.
    pub stack: StackKey,
    /// The function it was started with, as a stack.
    pub start: StackKey,
    /// Where it was created.
    pub creator: StackKey,
    /// The number of the site that created it, if it was born.
    pub(super) site: u32,
    /// Who made it runnable.
    pub by: Actor,
    /// How long the world had been stopped in all when it became runnable, ns.
    pub stopped_before: u64,
    /// How long it ran in all, ns.
    pub ran: u64,
    /// Which goroutine woke or created it last.
    pub woken_by: GoId,
    /// When that was; [`Time::MIN`] if it was before the trace.
    pub woken: Time,
    /// When it was last preempted: it computes.
    pub(super) preempted: Time,
    /// Its stack when it was.
    pub busy: StackKey,
    /// It is within a mark assist.
    pub(super) assisting: bool,
    /// How it works for the collector.
    pub(super) worker: Worker,
    /// It is a thread of the program's C code, and not within a call of Go.
    pub in_c: bool,
}

impl Goroutine {
    /// Whether it works for the collector while it runs.
    #[inline(always)]
    pub(super) fn collects(&self) -> bool {
        self.assisting || self.worker != Worker::None
    }

    /// The best stack there is to place it: its own, where it was created, or
    /// the function it was started with.
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

    /// Whether it waits for something other than a P.
    pub fn is_waiting(&self) -> bool {
        self.state == GoState::Waiting
    }
}

/// How many goroutines a place created.
#[derive(Clone, Copy, Debug, Default)]
pub struct Site {
    /// The creator's stack.
    pub creator: StackKey,
    /// The function they were started with, as a stack.
    pub start: StackKey,
    /// How many were created.
    pub created: u64,
    /// Of those created during the trace.
    pub ended: u64,
    /// How long those that ended lived in all, ns.
    pub lived: u64,
    /// When the first was created.
    pub first: Time,
    /// When the last was created.
    pub last: Time,
    /// How many of them there were when growth was last counted from anew.
    before: u64,
    /// How many were created and how many ended when a report was last made.
    told: (u64, u64),
}

impl Site {
    /// How many more of them there are.
    pub fn growth(&self) -> u64 {
        (self.created - self.ended).saturating_sub(self.before)
    }

    /// How many were created and how many ended since the last report.
    pub fn news(&self) -> (u64, u64) {
        (self.created - self.told.0, self.ended - self.told.1)
    }
}

/// What a site takes while a report is made, about, bytes.
const REPORTED: usize = 512;

/// How the number of the program's goroutines changed.
#[derive(Debug, Default)]
pub struct Population {
    /// Alive when the trace started, or when a report was last made.
    pub at_start: u64,
    /// Alive at the moment from which growth is counted.
    pub before: u64,
    growing_since: Option<Time>,
    /// Growth will be counted on: what it is now is no measurement yet.
    pub growing: bool,
    /// Alive now.
    pub now: u64,
    /// The most that were alive at a time.
    pub peak: u64,
    /// How many were created and how many ended since the trace's start, and
    /// how many of those had when a report was last made.
    created: u64,
    ended: u64,
    told: (u64, u64),
    sites: Vec<Site>,
    /// The site that created last: often it creates next.
    last: u32,
    by_creation: HashMap<(StackKey, StackKey), u32, foldhash::fast::RandomState>,
    /// Those older than the trace that ended while growth is counted, by the
    /// function they were started with.
    pub ended_old: HashMap<FrameKey, u64, foldhash::fast::RandomState>,
}

impl Population {
    /// Bytes of memory that this holds, and of what is made of it for a report.
    pub(super) fn held(&self) -> u64 {
        of_vec(&self.sites, 1)
            + of_map(&self.by_creation, 1)
            + of_map(&self.ended_old, 1)
            + (self.sites.len() * REPORTED) as u64
    }

    /// Since when growth is counted; since the trace's start, if nothing is
    /// said.
    pub fn growing_since(&self) -> Option<Time> {
        self.growing_since
    }

    /// Places that created goroutines of the program during the trace.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// Goroutines created during the trace, or since the last report.
    pub fn created(&self) -> u64 {
        self.created - self.told.0
    }

    /// Goroutines that ended during the trace, or since the last report.
    pub fn ended(&self) -> u64 {
        self.ended - self.told.1
    }

    /// A report was made.
    pub(super) fn start_stretch(&mut self) {
        (self.at_start, self.peak) = (self.now, self.now);
        self.told = (self.created, self.ended);
        for site in &mut self.sites {
            site.told = (site.created, site.ended);
        }
    }

    /// Growth is counted from now on.
    pub(super) fn start_growth(&mut self, time: Time) {
        (self.before, self.growing_since) = (self.now, Some(time));
        self.ended_old.clear();
        for site in &mut self.sites {
            site.before = site.created - site.ended;
            (site.first, site.last) = (time, time);
        }
    }

    /// One more that is older than the trace: it was there all the time, at the
    /// peak as well.
    pub(super) fn appear(&mut self) {
        self.at_start += 1;
        self.before += 1;
        self.now += 1;
        self.peak += 1;
    }

    /// One that appeared is not the program's after all.
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

    /// A goroutine is created; returns the number of its site.
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

    /// A goroutine that the site created ended.
    pub(super) fn end(&mut self, site: u32, lived: u64) {
        self.now = self.now.saturating_sub(1);
        self.ended += 1;
        if let Some(site) = self.sites.get_mut(site as usize) {
            site.ended += 1;
            site.lived = site.lived.saturating_add(lived);
        }
    }

    pub(super) fn end_old(&mut self, root: FrameKey) {
        self.now = self.now.saturating_sub(1);
        self.ended += 1;
        *self.ended_old.entry(root).or_default() += 1;
    }
}

/// All goroutines that exist, by the reader's slots.
#[derive(Debug, Default)]
pub struct Goroutines {
    slots: Vec<Option<Goroutine>>,
    ids: Ids,
}

impl Goroutines {
    #[inline]
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut Goroutine> {
        self.slots.get_mut(slot.index())?.as_mut()
    }

    /// The slot of a goroutine.
    pub fn slot(&self, id: GoId) -> Option<u32> {
        self.ids.find(id.0)
    }

    /// As [`find`](Self::find), to be changed.
    pub fn find_mut(&mut self, id: GoId) -> Option<&mut Goroutine> {
        let slot = self.ids.find(id.0)?;
        self.get_mut(Slot(slot))
    }

    /// Bytes of memory that this holds while up to `more` goroutines are added.
    pub fn held(&self, more: usize) -> u64 {
        of_vec(&self.slots, more) + self.ids.held(more)
    }

    pub fn get(&self, slot: u32) -> Option<&Goroutine> {
        self.slots.get(slot as usize)?.as_ref()
    }

    /// A goroutine by its id.
    pub fn find(&self, id: GoId) -> Option<&Goroutine> {
        self.get(self.ids.find(id.0)?)
    }

    /// The place of a goroutine that is to be written there: it is not built
    /// elsewhere first, for copying what was just written piece by piece makes
    /// the processor wait.
    #[inline]
    pub fn place(&mut self, slot: Slot, id: GoId) -> &mut Option<Goroutine> {
        if slot.index() >= self.slots.len() {
            self.slots.resize(slot.index() + 1, None);
        }
        // A damaged trace's goroutine may be there twice.
        if self.ids.find(id.0).is_some() {
            self.ids.remove(id.0);
        }
        self.ids.insert(id.0, slot.0);
        &mut self.slots[slot.index()]
    }

    pub fn remove(&mut self, slot: Slot) {
        if let Some(place) = self.slots.get_mut(slot.index())
            && let Some(g) = place
        {
            self.ids.remove(g.id.0);
            *place = None;
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Goroutine> {
        self.slots.iter().flatten()
    }

    /// All goroutines with their slots.
    pub fn with_slots(&self) -> impl Iterator<Item = (u32, &Goroutine)> {
        let slots = self.slots.iter().zip(0..);
        slots.filter_map(|(g, slot)| Some((slot, g.as_ref()?)))
    }
}
