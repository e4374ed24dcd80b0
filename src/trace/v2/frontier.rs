//! The threads that still have events, by the time of their next one.
//!
//! A binary min-heap. Which of several equal times comes first follows from
//! the exact swaps, and is part of the order of events: this heap moves its
//! entries as the reference reader's does.

use super::super::event::Time;
use super::super::sort;
use super::super::work;
use super::generation::NIL;

/// A thread's cursor and the time of its next event.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub time: Time,
    pub cursor: u32,
}

/// The heap.
#[derive(Debug, Default)]
pub struct Frontier {
    heap: Vec<Entry>,
}

impl Frontier {
    /// The cursor of the thread whose next event is the earliest; [`NIL`] if
    /// there is none until `sample`.
    #[inline]
    pub fn head(&self, sample: Time) -> u32 {
        match self.heap.first() {
            Some(first) if first.time <= sample => first.cursor,
            _ => NIL,
        }
    }

    /// The time up to which the first thread stays the first: that of the
    /// one after it.
    #[inline]
    pub fn second_time(&self) -> Time {
        let time = |i| self.heap.get(i).map_or(Time::MAX, |e: &Entry| e.time);
        time(1).min(time(2))
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    #[inline]
    pub fn get(&self, i: usize) -> Entry {
        self.heap[i]
    }

    pub fn clear(&mut self) {
        self.heap.clear();
    }

    pub fn insert(&mut self, entry: Entry) {
        self.heap.push(entry);
        self.sift_up(self.heap.len() - 1);
    }

    /// Gives the first entry a later time.
    #[inline(always)]
    pub fn delay_first(&mut self, time: Time) {
        if let Some(first) = self.heap.first_mut() {
            first.time = time;
            self.sift_down(0);
        }
    }

    /// Gives entry `i` a new time.
    pub fn update(&mut self, i: usize, time: Time) {
        self.heap[i].time = time;
        if i == 0 || self.sift_up(i) == i {
            self.sift_down(i);
        }
    }

    /// Removes entry `i`: lifts it to the root, then takes the root away.
    pub fn remove(&mut self, mut i: usize) {
        while i > 0 {
            let parent = (i - 1) / 2;
            work::add(1);
            self.heap.swap(parent, i);
            i = parent;
        }
        self.heap.swap_remove(0);
        if !self.heap.is_empty() {
            self.sift_down(0);
        }
    }

    /// Sorts the heap, which stays one.
    pub fn sort(&mut self) {
        work::add(self.heap.len());
        sort::by_key(&mut self.heap, |e| e.time);
    }

    fn sift_up(&mut self, mut i: usize) -> usize {
        while i > 0 {
            let parent = (i - 1) / 2;
            work::add(1);
            if self.heap[parent].time <= self.heap[i].time {
                break;
            }
            self.heap.swap(parent, i);
            i = parent;
        }
        i
    }

    #[inline(always)]
    fn sift_down(&mut self, mut i: usize) {
        let heap = &mut self.heap[..];
        let entry = heap[i];
        let mut child = 2 * i + 1;
        while child < heap.len() {
            work::add(1);
            // Which of two children is the smaller one can't be predicted.
            if child + 1 < heap.len() {
                child += usize::from(heap[child + 1].time < heap[child].time);
            }
            if heap[child].time >= entry.time {
                break;
            }
            heap[i] = heap[child];
            i = child;
            child = 2 * i + 1;
        }
        heap[i] = entry;
    }
}
