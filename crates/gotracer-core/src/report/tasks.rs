//! Tasks and regions of a trace, by type.

use crate::rules::Distribution;
use crate::tasks::Leaves;
use crate::timeline::StateVector;

/// Tasks of one type.
#[derive(Clone, Debug, Default)]
pub struct Task {
    /// The type; `(unknown)` for tasks that began before the trace, `(other)` for
    /// all types beyond the limit.
    pub name: String,
    /// How many of them the trace's start or end cuts off: their duration is a
    /// lower bound.
    pub open: u64,
    /// How long they took, ns.
    pub duration: Distribution,
    /// Time by state of the goroutines that began them, from begin to end.
    pub time: StateVector,
    /// The same by what waits for other goroutines were in the end.
    pub time_in_the_end: Leaves,
    /// Time by state of other goroutines, each from its first region or log in
    /// the task to its last.
    pub time_others: StateVector,
    /// The slowest ones.
    pub slowest: Vec<Slow>,
}

/// Regions of one type.
#[derive(Clone, Debug, Default)]
pub struct Region {
    /// The type; `(other)` for all types beyond the limit.
    pub name: String,
    /// How many of them the trace's start or end cuts off.
    pub open: u64,
    /// How long they took, ns.
    pub duration: Distribution,
    /// Time by state of their goroutines, from begin to end.
    pub time: StateVector,
    /// The same by what waits for other goroutines were in the end.
    pub time_in_the_end: Leaves,
    /// The slowest ones.
    pub slowest: Vec<Slow>,
}

/// Requests of one handler.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The handler's function; `(unknown)` if no event of the request has a stack
    /// of it, `(other)` for all handlers beyond the limit.
    pub handler: String,
    /// How many of them began before the trace.
    pub open: u64,
    /// How long they took from their arrival to the end of the response, ns.
    pub duration: Distribution,
    /// Time from their arrival to the first run of their goroutine, ns.
    pub queued: Distribution,
    /// Time by state of their goroutines.
    pub time: StateVector,
    /// The same by what waits for other goroutines were in the end.
    pub time_in_the_end: Leaves,
    /// The slowest ones.
    pub slowest: Vec<Slow>,
}

/// A slow task, region or request.
#[derive(Clone, PartialEq, Debug)]
pub struct Slow {
    /// How long it took, ns.
    pub duration_ns: u64,
    /// When it began, ns since the trace's start.
    pub start_ns: u64,
    /// The goroutine that began it, if the trace tells.
    pub goroutine: Option<i64>,
    /// The task's id, for `gotracer explain --task`; that of a region's task.
    pub task: Option<i64>,
    /// The trace's start or end cuts it off.
    pub lower_bound: bool,
    /// Id of the distributed trace that it belongs to, as logged.
    pub trace_id: Option<String>,
    /// Id of its span, as logged.
    pub span_id: Option<String>,
    /// Time of its goroutine by state.
    pub time: StateVector,
    /// The same by what waits for other goroutines were in the end.
    pub time_in_the_end: Leaves,
}
