//! The heap's gauges, and the goroutine that allocates most.

use super::Timeline;
use super::classify::Owner;
use super::goroutines::Goroutine;
use super::heap::Share;
use super::interval::Actor;

/// Goroutine that was running for most of the heap's growth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Allocator {
    /// The goroutine, with a stack of its own: in an allocation, the last one, or its start function.
    pub actor: Actor,
    /// Growth of the heap meanwhile, bytes.
    pub bytes: u64,
    /// Whether the stack is that of an allocation.
    pub is_site: bool,
}

impl Allocator {
    /// No goroutine.
    pub const NONE: Self = Self {
        actor: Actor::NONE,
        bytes: 0,
        is_site: false,
    };
}

impl Timeline {
    /// Heap objects, live or not swept yet, bytes.
    pub fn heap_objects(&self) -> Option<u64> {
        self.heap.objects
    }

    /// Last known heap goal, bytes; `None` if the collector is off.
    pub fn heap_goal(&self) -> Option<u64> {
        self.heap.goal
    }

    /// Live heap at the end of the last marking, bytes.
    pub fn heap_live(&self) -> Option<u64> {
        self.heap.live
    }

    /// Peak of heap objects, live or not swept yet, bytes.
    pub fn heap_peak(&self) -> Option<u64> {
        self.heap.peak
    }

    /// Whether the heap goal means that the collector is off.
    pub fn is_collector_off(&self) -> bool {
        self.heap.is_off
    }

    /// Growth of the heap by allocation since the trace's start or the last report, bytes.
    pub fn allocated(&self) -> u64 {
        self.heap.allocated
    }

    /// First number of heap bytes since the trace's start or the last report.
    pub fn heap_first(&self) -> Option<u64> {
        self.heap.first
    }

    /// Mark phases that ended within the trace.
    pub fn collections(&self) -> u64 {
        self.heap.collections
    }

    /// Returns the goroutine that was running for most of the heap's growth since the last marking. Goroutines with a
    /// stack come first. Valid while the observer receives a [`HeapFloor`](super::HeapFloor).
    pub fn top_allocator(&self) -> Option<Allocator> {
        let placed = |g, share: &Share| {
            let alive = self.gs.find(g);
            let alive = alive.filter(|g| g.owner == Owner::Program && g.best_stack().is_some());
            let started = self.stacks.traits(share.start).owner == Owner::Program;
            share.site.is_some() || alive.is_some() || share.start.is_some() && started
        };
        let top = self.heap.top(placed).or_else(|| self.heap.top(|_, _| true));
        let (g, Share { bytes, start, site }) = top?;
        let last = self.gs.find(g).map(Goroutine::best_stack);
        let stacks = [site, last.unwrap_or_default(), start];
        let stack = stacks.into_iter().find(|stack| stack.is_some());
        let actor = Actor {
            g,
            stack: stack.unwrap_or_default(),
        };
        Some(Allocator {
            actor,
            bytes,
            is_site: site.is_some(),
        })
    }
}
