//! The threads that still have events, by the time of their next one.
//!
//! A binary min-heap. Which of several equal times comes first follows from
//! the exact swaps, and is part of the order of events: this heap moves its
//! entries as the reference reader's does.

use super::super::allowance::of_vec;
use super::super::event::Time;
use super::super::sort;
use super::super::work;
use super::threads;

/// A thread's slot and the time of its next event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub time: Time,
    pub thread: u32,
}

/// Fills places without an entry.
const NONE: Entry = Entry {
    time: Time::MAX,
    thread: threads::NONE,
};

/// Places for the root, its children and theirs.
const TOP: usize = 8;

/// The thread whose turn it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub first: Entry,
    /// The time up to which it stays the first: that of the one after it.
    pub until: Time,
}

/// The heap.
///
/// The root has place 1, so the children of place `k` are the pair `k` of all
/// places, which one load finds. After the last entry the pair is completed by
/// one that is never smaller.
#[derive(Debug)]
pub(super) struct Frontier {
    places: Vec<Entry>,
    len: usize,
}

impl Default for Frontier {
    fn default() -> Self {
        Self {
            places: vec![NONE; TOP],
            len: 0,
        }
    }
}

impl Frontier {
    /// The slot of the thread whose next event is the earliest; [`threads::NONE`] if
    /// there is none until `sample`.
    #[inline(always)]
    pub(super) fn head(&self, sample: Time) -> u32 {
        match self.places.get(1) {
            Some(first) if first.time <= sample => first.thread,
            _ => threads::NONE,
        }
    }

    /// The time up to which the first thread stays the first: that of the
    /// one after it.
    #[inline(always)]
    pub(super) fn second_time(&self) -> Time {
        let children = self.places.as_chunks::<2>().0.get(1);
        children.map_or(Time::MAX, |[left, right]| left.time.min(right.time))
    }

    /// Bytes of memory that this holds.
    pub(super) fn held(&self) -> u64 {
        of_vec(&self.places, 0)
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Entry `i`; 0 is the earliest.
    #[inline]
    pub(super) fn get(&self, i: usize) -> Entry {
        self.places[i + 1]
    }

    pub(super) fn clear(&mut self) {
        self.places.clear();
        self.places.resize(TOP, NONE);
        self.len = 0;
    }

    pub(super) fn insert(&mut self, entry: Entry) {
        self.len += 1;
        if self.len + 1 >= self.places.len() {
            self.places.extend([NONE; 2]);
        }
        self.places[self.len] = entry;
        self.sift_up(self.len);
    }

    /// Gives the first entry a later time, and says which is the first then.
    #[inline(always)]
    pub(super) fn delay_first(&mut self, time: Time) -> Turn {
        // One look at the places that nearly always suffice.
        let Some([_, root, left, right, rest @ ..]) = self.places.first_chunk_mut::<TOP>() else {
            unreachable!("there are always places for these");
        };
        let entry = Entry { time, ..*root };
        let smaller = usize::from(right.time < left.time);
        let (child, other) = match smaller {
            0 => (left, right.time),
            _ => (right, left.time),
        };
        work::add(1);
        if child.time >= time {
            *root = entry;
            let until = child.time.min(other);
            return Turn {
                first: entry,
                until,
            };
        }
        let first = *child;
        *root = first;
        let pair = if smaller == 0 { &rest[..2] } else { &rest[2..] };
        let grandchild = pair[0].time.min(pair[1].time);
        if grandchild >= time {
            work::add(1);
            *child = entry;
            let until = time.min(other);
            return Turn { first, until };
        }
        self.sift_down_entry(2 + smaller, entry);
        let until = self.second_time();
        Turn { first, until }
    }

    /// Gives entry `i` a new time.
    pub(super) fn update(&mut self, i: usize, time: Time) {
        let k = i + 1;
        self.places[k].time = time;
        if k == 1 || self.sift_up(k) == k {
            self.sift_down(k);
        }
    }

    /// Removes entry `i`: lifts it to the root, then takes the root away.
    pub(super) fn remove(&mut self, i: usize) {
        let mut k = i + 1;
        while k > 1 {
            work::add(1);
            self.places.swap(k / 2, k);
            k /= 2;
        }
        self.places[1] = self.places[self.len];
        self.places[self.len] = NONE;
        self.len -= 1;
        self.sift_down(1);
    }

    /// Sorts the heap, which stays one.
    pub(super) fn sort(&mut self) {
        work::add(self.len);
        sort::by_key(&mut self.places[1..=self.len], |e| e.time);
    }

    fn sift_up(&mut self, mut k: usize) -> usize {
        while k > 1 {
            work::add(1);
            if self.places[k / 2].time <= self.places[k].time {
                break;
            }
            self.places.swap(k / 2, k);
            k /= 2;
        }
        k
    }

    fn sift_down(&mut self, k: usize) {
        self.sift_down_entry(k, self.places[k]);
    }

    /// Moves `entry` from place `k` down.
    #[inline(never)]
    fn sift_down_entry(&mut self, mut k: usize, entry: Entry) {
        let pairs = self.places.as_chunks_mut::<2>().0;
        while let Some([left, right]) = pairs.get(k) {
            work::add(1);
            // Which of two children is the smaller one can't be predicted.
            let smaller = usize::from(right.time < left.time);
            let child = pairs[k][smaller];
            if child.time >= entry.time {
                break;
            }
            pairs[k / 2][k % 2] = child;
            k = 2 * k + smaller;
        }
        pairs[k / 2][k % 2] = entry;
    }
}
