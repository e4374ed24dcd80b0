//! Holders of a lock during a wait for it.
//!
//! A trace names the goroutine that unlocked at the end of a wait. That one held
//! the lock last, but may itself have waited for it until shortly before. So the
//! chain of unlocking goroutines is followed back to the start of the wait.

use std::collections::{HashMap, VecDeque};

use crate::timeline::{Actor, Doing, Interval, Timeline};
use crate::trace::internal::of_map;
use crate::trace::{GoId, Time};
use crate::units::elapsed;

/// Maximum number of waits that are kept.
const KEPT: usize = 1 << 14;
/// Minimum length of a wait whose holder's activity is looked up, ns.
const LONG: u64 = 1_000_000;
/// Maximum number of holders of one wait.
const HOPS: usize = 256;

/// Wait for a lock that has ended.
#[derive(Clone, Copy)]
struct Wait {
    end: Time,
    /// The goroutine that unlocked, with its stack.
    by: Actor,
    /// State of that goroutine for most of the time it held the lock, and how long.
    doing: Option<(Doing, u64)>,
    /// Number of that goroutine's own previous wait.
    before: Option<u64>,
}

/// Waits for locks in a trace.
#[derive(Clone, Default)]
pub(crate) struct Waits {
    kept: VecDeque<Wait>,
    /// Number of the first wait that is kept.
    first: u64,
    /// Number of each goroutine's last wait.
    last: HashMap<GoId, u64, foldhash::fast::RandomState>,
}

/// Holder of a lock during a part of a wait.
#[derive(Clone, Copy)]
struct Held {
    by: Actor,
    from: Time,
    to: Time,
    /// Part of that time in which the process did not run, ns.
    stalled: u64,
    doing: Option<(Doing, u64)>,
}

impl Held {
    /// Time it held the lock while the process ran, ns.
    fn length(&self) -> u64 {
        let length = elapsed(self.from, self.to);
        length.saturating_sub(self.stalled)
    }

    fn did(&self, t: &Timeline) -> Option<(Doing, u64)> {
        t.mostly_did(self.by.g, self.from, self.to)
    }
}

/// Goroutine that held a lock longest during a wait for it.
#[derive(Clone, Copy)]
pub(crate) struct Holder {
    /// The goroutine, with the stack of its unlock.
    pub by: Actor,
    /// Time it held the lock during the wait, ns.
    pub held: u64,
    /// State of the goroutine for most of that time, and how long.
    pub doing: Option<(Doing, u64)>,
    /// Goroutine that unlocked last, if it is another one.
    pub last: Option<GoId>,
    /// Number of goroutines that held it at least half as long, including this one.
    pub alike: usize,
    /// Part of the wait in which the process did not run, ns.
    pub stalled: u64,
}

impl Waits {
    /// Adds a wait that has ended.
    pub(crate) fn add(&mut self, i: &Interval, t: &Timeline) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
            self.first += 1;
        }
        let before = self.last.get(&i.by.g).copied();
        let number = self.first + self.kept.len() as u64;
        self.kept.push_back(Wait {
            end: i.end,
            by: i.by,
            doing: self
                .last_holder(i, t)
                .filter(|h| h.length() >= LONG)
                .and_then(|h| h.did(t)),
            before,
        });
        self.last.insert(i.victim.g, number);
    }

    /// Bytes of memory that the waits hold.
    pub(crate) fn held(&self) -> u64 {
        (self.kept.capacity() * size_of::<Wait>()) as u64 + of_map(&self.last, 1)
    }

    /// Drops goroutines that have ended.
    pub(crate) fn forget(&mut self, t: &Timeline) {
        self.last.retain(|&g, _| t.find(g).is_some());
    }

    /// Returns the goroutine that held the lock longest during a wait that has ended and is not added yet.
    pub(crate) fn holder(&self, wait: &Interval, t: &Timeline) -> Option<Holder> {
        let holders = self.holders(wait, t);
        let longest = holders.iter().max_by_key(|held| held.length())?;
        let alike = holders
            .iter()
            .filter(|h| h.length() * 2 >= longest.length());
        Some(Holder {
            by: longest.by,
            held: longest.length(),
            // What was known when it unlocked may cover a part of the time only.
            doing: [longest.doing, longest.did(t)]
                .into_iter()
                .flatten()
                .max_by_key(|(_, ns)| *ns),
            last: Some(wait.by.g).filter(|&g| g != longest.by.g),
            alike: alike.count(),
            stalled: t.silent(wait.start, wait.end),
        })
    }

    /// Returns the holder at the end of a wait.
    fn last_holder(&self, wait: &Interval, t: &Timeline) -> Option<Held> {
        let own = self
            .last
            .get(&wait.by.g)
            .and_then(|&number| self.get(number));
        let own = own.filter(|own| own.end > wait.start);
        let from = own.map_or(wait.start, |own| own.end);
        wait.by.g.is_some().then(|| Held {
            by: wait.by,
            from,
            to: wait.end,
            stalled: t.silent(from, wait.end),
            doing: None,
        })
    }

    /// Returns all holders, the last one first.
    fn holders(&self, wait: &Interval, t: &Timeline) -> Vec<Held> {
        let mut holders = Vec::new();
        let (mut by, mut to, mut doing) = (wait.by, wait.end, None);
        let mut before = self.last.get(&by.g).copied();
        while by.g.is_some() && holders.len() < HOPS {
            let own = before.and_then(|number| self.get(number));
            let own = own.filter(|own| own.end > wait.start && own.end <= to);
            let from = own.map_or(wait.start, |own| own.end);
            holders.push(Held {
                by,
                from,
                to,
                stalled: t.silent(from, to),
                doing,
            });
            let Some(own) = own else { break };
            (by, to, before, doing) = (own.by, own.end, own.before, own.doing);
        }
        holders
    }

    fn get(&self, number: u64) -> Option<&Wait> {
        let at = number.checked_sub(self.first)?;
        self.kept.get(usize::try_from(at).ok()?)
    }
}
