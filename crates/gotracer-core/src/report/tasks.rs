//! Tasks and regions of a trace, by type.

use crate::rules::Distribution;
use crate::timeline::{Leaves, StateVector};

/// Tasks of one type.
#[derive(Clone, Debug, Default)]
pub struct Task {
    /// The type; `(unknown)` for tasks that began before the trace, `(other)` for all types beyond the limit.
    pub name: String,
    /// Number of tasks that the trace's start or end cuts off: their duration is a lower bound.
    pub open: u64,
    /// Durations, ns.
    pub duration: Distribution,
    /// Time by state of the goroutines that began the tasks, from begin to end.
    pub time: StateVector,
    /// The same time with each wait for another goroutine replaced by that goroutine's states.
    pub time_in_the_end: Leaves,
    /// Time by state of other goroutines, each from its first region or log in the task to its last.
    pub time_others: StateVector,
    /// Slowest tasks.
    pub slowest: Vec<Slow>,
}

/// Regions of one type.
#[derive(Clone, Debug, Default)]
pub struct Region {
    /// The type; `(other)` for all types beyond the limit.
    pub name: String,
    /// Number of regions that the trace's start or end cuts off.
    pub open: u64,
    /// Durations, ns.
    pub duration: Distribution,
    /// Time by state of their goroutines, from begin to end.
    pub time: StateVector,
    /// The same time with each wait for another goroutine replaced by that goroutine's states.
    pub time_in_the_end: Leaves,
    /// Slowest regions.
    pub slowest: Vec<Slow>,
}

/// Requests of one handler.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The handler's function; `(unknown)` if no event of the request has a stack of it, `(other)` for all handlers
    /// beyond the limit.
    pub handler: String,
    /// Number of requests that the trace's start or end cuts off: their duration is a lower bound.
    pub open: u64,
    /// Durations from arrival to the end of the response, ns.
    pub duration: Distribution,
    /// Times from arrival to the first run of the request's goroutine, ns.
    pub queued: Distribution,
    /// Time by state of their goroutines.
    pub time: StateVector,
    /// The same time with each wait for another goroutine replaced by that goroutine's states.
    pub time_in_the_end: Leaves,
    /// Slowest requests.
    pub slowest: Vec<Slow>,
}

/// A slow task, region or request.
#[derive(Clone, PartialEq, Debug)]
pub struct Slow {
    /// Duration, ns.
    pub duration_ns: u64,
    /// Start, ns since the trace's start.
    pub start_ns: u64,
    /// Goroutine that began it, if the trace holds that.
    pub goroutine: Option<i64>,
    /// Id of the task, for `gotracer explain --task`; for a region, that of its task.
    pub task: Option<i64>,
    /// Whether the trace's start or end cuts it off.
    pub lower_bound: bool,
    /// Id of its distributed trace, as logged.
    pub trace_id: Option<String>,
    /// Id of its span, as logged.
    pub span_id: Option<String>,
    /// Time of its goroutine by state.
    pub time: StateVector,
    /// The same time with each wait for another goroutine replaced by that goroutine's states.
    pub time_in_the_end: Leaves,
}
