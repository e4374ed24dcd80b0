//! Observers of a timeline.

use super::Timeline;
use super::goroutines::Goroutine;
use super::interval::{Interval, Kinds};
use super::state::StateVector;
use crate::trace::Time;

/// Live heap at the end of a mark phase.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeapFloor {
    /// End of marking.
    pub time: Time,
    /// Live bytes.
    pub live: u64,
}

/// Receiver of a timeline's intervals.
pub trait Observer {
    /// Kinds of intervals to receive.
    fn watches(&self) -> Kinds;

    /// Receives an interval that ended.
    fn interval(&mut self, interval: &Interval, timeline: &Timeline);

    /// Receives the live heap at the end of a mark phase.
    fn heap_floor(&mut self, floor: HeapFloor, timeline: &Timeline);

    /// Receives a goroutine that was runnable for `ns` and runs. Returns whether the interval is needed as well: to build
    /// it takes longer than to count it, and most of these waits are short.
    fn ran(&mut self, _: &Goroutine, _ns: u64, _: &Timeline) -> bool {
        true
    }

    /// Receives a program's goroutine that returns from a system call after `ns`. Returns whether the interval is needed
    /// as well, as [`ran`](Self::ran).
    fn returned(&mut self, _: &Goroutine, _ns: u64, _: &Timeline) -> bool {
        true
    }

    /// Receives a goroutine that leaves a wait, and the wait's duration in ns.
    fn waited(&mut self, _: &Goroutine, _: u64, _: &Timeline) {}

    /// Receives a goroutine that ends, and the part of its state vector that no earlier report contains.
    fn ended(&mut self, _: &Goroutine, _: &StateVector, _: &Timeline) {}
}
