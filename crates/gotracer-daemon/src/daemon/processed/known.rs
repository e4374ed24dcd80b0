//! Bounded map from traces to their states.

use std::collections::HashMap;

use super::record::{Record, Word};
use crate::daemon::identity::Identity;

/// Number of traces per generation: as many as a table of 2^20 entries holds,
/// which takes 26 MB.
const GENERATION: usize = (1 << 20) / 8 * 7;

/// States of at least the last 917,504 traces, and at most twice as many.
///
/// When the young generation is full it becomes the old one, and the old one is
/// forgotten. That drops the traces whose state changed first, without an order
/// to maintain.
pub(super) struct Known {
    young: HashMap<Identity, Record>,
    old: HashMap<Identity, Record>,
    limit: usize,
}

impl Default for Known {
    fn default() -> Self {
        Self::with_limit(GENERATION)
    }
}

impl Known {
    fn with_limit(limit: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            limit,
        }
    }

    /// Number of traces.
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Returns the state of a trace.
    pub(super) fn get(&self, identity: Identity) -> Option<Record> {
        let young = self.young.get(&identity);
        young.or_else(|| self.old.get(&identity)).copied()
    }

    /// Sets the state of a trace.
    pub(super) fn insert(&mut self, identity: Identity, record: Record) {
        self.old.remove(&identity);
        if self.young.len() >= self.limit && !self.young.contains_key(&identity) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(identity, record);
    }

    /// Applies a word of the journal.
    pub(super) fn apply(&mut self, identity: Identity, word: Word) {
        match Record::after(self.get(identity), word) {
            Some(record) => self.insert(identity, record),
            None => {
                self.young.remove(&identity);
                self.old.remove(&identity);
            }
        }
    }

    /// All traces, the old generation first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Identity, Record)> + Clone {
        let all = self.old.iter().chain(&self.young);
        all.map(|(identity, record)| (*identity, *record))
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Verdict;
    use super::*;

    fn id(n: u128) -> Identity {
        Identity(n.to_be_bytes())
    }

    #[test]
    fn the_last_are_known_and_the_oldest_are_forgotten() {
        let mut known = Known::with_limit(10);
        for n in 0..25 {
            known.apply(id(n), Word::Begun);
            known.apply(id(n), Word::Done(Verdict::Found));
            assert!(known.len() <= 20);
        }
        let kept: Vec<_> = (0..25).filter(|n| known.get(id(*n)).is_some()).collect();
        assert_eq!(kept, (10..25).collect::<Vec<_>>());
        // A change makes a trace young.
        known.apply(id(10), Word::Begun);
        (25..35).for_each(|n| known.apply(id(n), Word::Begun));
        assert!(known.get(id(10)).is_some() && known.get(id(11)).is_none());
        for n in [10, 34] {
            known.apply(id(n), Word::Released);
            assert_eq!(known.get(id(n)), None);
        }
        assert_eq!(known.iter().count(), known.len());
    }

    #[test]
    fn an_entry_is_small() {
        assert!(size_of::<(Identity, Record)>() <= 24);
    }
}
