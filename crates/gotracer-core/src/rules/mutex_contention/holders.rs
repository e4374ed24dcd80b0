//! Who held a lock while somebody waited for it.
//!
//! A trace says who unlocked when a wait ended. That goroutine held the lock
//! last, but if it had waited itself until shortly before, somebody else held
//! it until then. So the chain of unlockers is followed back to the start of
//! the wait.

use std::collections::{HashMap, VecDeque};

use crate::timeline::{Actor, Doing, Interval, Timeline};
use crate::trace::internal::of_map;
use crate::trace::{GoId, Time};

/// How many waits are remembered.
const KEPT: usize = 1 << 14;
/// What goroutines did in shorter waits is not looked for, ns.
const LONG: u64 = 1_000_000;
/// How many holders of one wait are looked at.
const HOPS: usize = 256;

/// A wait for a lock that is over.
#[derive(Clone, Copy)]
struct Wait {
    end: Time,
    /// Who unlocked, with the stack of that.
    by: Actor,
    /// What whoever unlocked mostly did while it held the lock, and for how
    /// long.
    doing: Option<(Doing, u64)>,
    /// The number of the last wait of whoever unlocked, at that time.
    before: Option<u64>,
}

/// The waits for locks of a trace.
#[derive(Clone, Default)]
pub struct Waits {
    kept: VecDeque<Wait>,
    /// The number of the first one that is kept.
    first: u64,
    /// The number of each goroutine's last wait.
    last: HashMap<GoId, u64, foldhash::fast::RandomState>,
}

/// Who held a lock for how long of a wait.
#[derive(Clone, Copy)]
struct Held {
    by: Actor,
    from: Time,
    to: Time,
    /// For how long of that the process did not run, ns.
    stalled: u64,
    doing: Option<(Doing, u64)>,
}

impl Held {
    /// How long it held the lock while the process ran, ns.
    fn length(&self) -> u64 {
        let length = self.to.saturating_sub(self.from).max(0) as u64;
        length.saturating_sub(self.stalled)
    }

    fn did(&self, t: &Timeline) -> Option<(Doing, u64)> {
        t.mostly_did(self.by.g, self.from, self.to)
    }
}

/// Who held a lock longest while somebody waited for it.
#[derive(Clone, Copy)]
pub struct Holder {
    /// Who, with the stack that unlocked.
    pub by: Actor,
    /// For how long of the wait, ns.
    pub held: u64,
    /// What it mostly did meanwhile, and for how long.
    pub doing: Option<(Doing, u64)>,
    /// Who unlocked last, if that is another one.
    pub last: Option<GoId>,
    /// How many held it at least half as long, this one included.
    pub alike: usize,
    /// For how long of the wait the process did not run, ns.
    pub stalled: u64,
}

impl Waits {
    /// Adds a wait that is over.
    pub fn add(&mut self, i: &Interval, t: &Timeline) {
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
    pub fn held(&self) -> u64 {
        (self.kept.capacity() * size_of::<Wait>()) as u64 + of_map(&self.last, 1)
    }

    /// Forgets goroutines that are gone.
    pub fn forget(&mut self, t: &Timeline) {
        self.last.retain(|&g, _| t.find(g).is_some());
    }

    /// Who held the lock longest during a wait that is over and was not added
    /// yet.
    pub fn holder(&self, wait: &Interval, t: &Timeline) -> Option<Holder> {
        let holders = self.holders(wait, t);
        let longest = holders.iter().max_by_key(|held| held.length())?;
        let alike = holders
            .iter()
            .filter(|h| h.length() * 2 >= longest.length());
        Some(Holder {
            by: longest.by,
            held: longest.length(),
            doing: longest.doing.or_else(|| longest.did(t)),
            last: Some(wait.by.g).filter(|&g| g != longest.by.g),
            alike: alike.count(),
            stalled: t.silent(wait.start, wait.end),
        })
    }

    /// Who held the lock when a wait ended.
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

    /// All who held it, the last one first.
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
