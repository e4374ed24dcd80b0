//! The threads that still have events, by the time of their next one.
//!
//! A binary min-heap. Which of several equal times comes first follows from
//! the exact swaps, and is part of the order of events: this heap moves its
//! entries as the reference reader's does.

use super::super::event::Time;
use super::sort;

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
    /// The thread whose next event is the earliest.
    #[inline]
    pub fn first(&self) -> Option<Entry> {
        self.heap.first().copied()
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

    /// Gives entry `i` a new time.
    #[inline]
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
        sort::by_key(&mut self.heap, |e| e.time);
    }

    fn sift_up(&mut self, mut i: usize) -> usize {
        while i > 0 {
            let parent = (i - 1) / 2;
            if self.heap[parent].time <= self.heap[i].time {
                break;
            }
            self.heap.swap(parent, i);
            i = parent;
        }
        i
    }

    #[inline]
    fn sift_down(&mut self, mut i: usize) {
        let heap = &mut self.heap[..];
        let entry = heap[i];
        loop {
            let left = 2 * i + 1;
            let (mut least, mut time) = (i, entry.time);
            if let Some(e) = heap.get(left)
                && e.time < time
            {
                (least, time) = (left, e.time);
            }
            if let Some(e) = heap.get(left + 1)
                && e.time < time
            {
                least = left + 1;
            }
            if least == i {
                break;
            }
            heap[i] = heap[least];
            i = least;
        }
        heap[i] = entry;
    }
}
