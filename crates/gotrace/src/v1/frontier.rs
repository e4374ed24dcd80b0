//! The Ps whose next event can come next, by its time.
//!
//! A binary min-heap. Which of several equal times comes first follows from
//! the exact swaps, so this heap moves its entries as the reference reader's
//! does. It takes every event out of the heap and puts the P's next one in;
//! where that provably leaves the heap as it was, it need not be done.

use super::super::work;

/// A P and the time of its next event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// In ticks.
    pub time: i64,
    pub proc: u32,
}

/// The heap.
#[derive(Debug, Default)]
pub(super) struct Frontier {
    heap: Vec<Entry>,
}

impl Frontier {
    /// The earliest entry.
    #[inline]
    pub(super) fn first(&self) -> Option<Entry> {
        self.heap.first().copied()
    }

    pub(super) fn clear(&mut self) {
        self.heap.clear();
    }

    /// Up to what time an entry can be pushed and popped at once without a
    /// trace.
    pub(super) fn passing(&self) -> i64 {
        let heap = &self.heap[..];
        let Some(first) = heap.first() else {
            return i64::MAX;
        };
        // On its way up the entry pushes those between it and the root down by
        // one. When it is popped, the lowest of these sifts down from the root
        // and lifts them again if they are smaller than it and than their
        // siblings.
        let mut at = heap.len();
        let lowest = heap[(at - 1) / 2].time;
        let mut moved = false;
        while at > 0 {
            let parent = (at - 1) / 2;
            let time = heap[parent].time;
            moved |= at < heap.len()
                && (time >= lowest || (at.is_multiple_of(2) && heap[at - 1].time <= time));
            at = parent;
        }
        match moved {
            true => i64::MIN,
            false => first.time.saturating_sub(1),
        }
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.heap.push(entry);
        let mut i = self.heap.len() - 1;
        while i > 0 {
            let parent = (i - 1) / 2;
            work::add(1);
            if self.heap[i].time >= self.heap[parent].time {
                break;
            }
            self.heap.swap(parent, i);
            i = parent;
        }
    }

    pub(super) fn pop(&mut self) -> Option<Entry> {
        let last = self.heap.pop()?;
        let Some(first) = self.heap.first_mut() else {
            return Some(last);
        };
        let first = std::mem::replace(first, last);
        let heap = &mut self.heap[..];
        let (mut i, mut child) = (0, 1);
        while child < heap.len() {
            work::add(1);
            if child + 1 < heap.len() && heap[child + 1].time < heap[child].time {
                child += 1;
            }
            if heap[child].time >= last.time {
                break;
            }
            heap.swap(i, child);
            i = child;
            child = 2 * i + 1;
        }
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_passes_leaves_no_trace(times in proptest::collection::vec(0i64..20, 0..12)) {
            let mut frontier = Frontier::default();
            for (proc, time) in (0..).zip(times) {
                frontier.push(Entry { time, proc });
            }
            let all = |f: &Frontier| f.heap.iter().map(|e| (e.time, e.proc)).collect::<Vec<_>>();
            let before = all(&frontier);
            let time = frontier.passing();
            prop_assert!(time == i64::MIN || before.iter().all(|e| e.0 > time));
            if time > i64::MIN {
                frontier.push(Entry { time, proc: 99 });
                prop_assert_eq!(frontier.pop().map(|e| e.proc), Some(99));
                prop_assert_eq!(all(&frontier), before);
            }
        }

        #[test]
        fn entries_come_by_time(times in proptest::collection::vec(0i64..20, 0..40)) {
            let mut frontier = Frontier::default();
            for &time in &times {
                frontier.push(Entry { time, proc: 0 });
            }
            let mut sorted = times;
            sorted.sort_unstable();
            let popped: Vec<_> = std::iter::from_fn(|| frontier.pop()).map(|e| e.time).collect();
            prop_assert_eq!(popped, sorted);
        }
    }
}
