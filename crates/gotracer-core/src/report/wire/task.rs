//! Wire form of tasks, regions and requests.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Measurement, WireError};
use crate::report;
use crate::rules::Unit;
use crate::timeline::{Leaves, StateVector};

/// Tasks of one type.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Task<'a> {
    /// Type of the task; `(unknown)` if it began before the trace.
    #[serde(rename = "type")]
    pub name: Cow<'a, str>,
    /// Number of tasks.
    pub count: u64,
    /// Number of tasks that the trace's start or end cuts off: their duration is a lower bound.
    pub open: u64,
    /// Median of the duration, ns.
    pub p50: u64,
    /// 99th percentile of the duration, ns.
    pub p99: u64,
    /// Longest duration, ns.
    pub max: u64,
    /// Time by state of the goroutines that began the tasks, from begin to end.
    #[serde(with = "super::time")]
    #[schemars(with = "super::Time")]
    pub time: StateVector,
    /// The same time with each wait for another goroutine replaced by that goroutine's states.
    #[serde(default, with = "super::leaves")]
    #[schemars(with = "BTreeMap<String, u64>")]
    pub time_in_the_end: Leaves,
    /// Time by state of other goroutines, each from its first region or log in the task to its last.
    #[serde(with = "super::time")]
    #[schemars(with = "super::Time")]
    pub time_others: StateVector,
    /// The slowest tasks.
    pub slowest: Vec<Slow<'a>>,
    /// All durations.
    pub duration: Measurement,
}

/// Regions of one type.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Region<'a> {
    /// Type of the region.
    #[serde(rename = "type")]
    pub name: Cow<'a, str>,
    /// Number of regions.
    pub count: u64,
    /// Number of regions that the trace's start or end cuts off: their duration is a lower bound.
    pub open: u64,
    /// Median of the duration, ns.
    pub p50: u64,
    /// 99th percentile of the duration, ns.
    pub p99: u64,
    /// Longest duration, ns.
    pub max: u64,
    /// Time by state of the regions' goroutines, from begin to end.
    #[serde(with = "super::time")]
    #[schemars(with = "super::Time")]
    pub time: StateVector,
    /// The same time with each wait for another goroutine replaced by that goroutine's states.
    #[serde(default, with = "super::leaves")]
    #[schemars(with = "BTreeMap<String, u64>")]
    pub time_in_the_end: Leaves,
    /// The slowest regions.
    pub slowest: Vec<Slow<'a>>,
    /// All durations.
    pub duration: Measurement,
}

/// Requests of one handler.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Request<'a> {
    /// Handler's function; `(unknown)` if no event of the request has a stack of it.
    pub handler: Cow<'a, str>,
    /// Number of requests.
    pub count: u64,
    /// Number of requests that the trace's start or end cuts off: their duration is a lower bound.
    pub open: u64,
    /// Median of the duration, ns.
    pub p50: u64,
    /// 99th percentile of the duration, ns.
    pub p99: u64,
    /// Longest duration, ns.
    pub max: u64,
    /// Time by state of the requests' goroutines.
    #[serde(with = "super::time")]
    #[schemars(with = "super::Time")]
    pub time: StateVector,
    /// The same time with each wait for another goroutine replaced by that goroutine's states.
    #[serde(default, with = "super::leaves")]
    #[schemars(with = "BTreeMap<String, u64>")]
    pub time_in_the_end: Leaves,
    /// Time between the arrival of the requests and the first run of their goroutines.
    pub queued: Measurement,
    /// The slowest requests.
    pub slowest: Vec<Slow<'a>>,
    /// All durations, from arrival to the end of the response.
    pub duration: Measurement,
}

/// A slow task, region or request.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Slow<'a> {
    /// Duration, ns.
    pub duration_ns: u64,
    /// Start, ns since the trace's start.
    pub start_ns: u64,
    /// Goroutine that began it, or null if the trace does not hold it.
    pub goroutine: Option<i64>,
    /// Id of the task, or of the region's task; null without a task.
    pub task: Option<i64>,
    /// Whether the trace's start or end cuts it off.
    pub lower_bound: bool,
    /// Id of the distributed trace, 32 hexadecimal digits, as logged.
    pub trace_id: Option<Cow<'a, str>>,
    /// Id of the span, 16 hexadecimal digits, as logged.
    pub span_id: Option<Cow<'a, str>>,
    /// Time of the goroutine by state.
    #[serde(with = "super::time")]
    #[schemars(with = "super::Time")]
    pub time: StateVector,
    /// The same time with each wait for another goroutine replaced by that goroutine's states.
    #[serde(default, with = "super::leaves")]
    #[schemars(with = "BTreeMap<String, u64>")]
    pub time_in_the_end: Leaves,
}

impl<'a> Task<'a> {
    /// Converts tasks.
    pub fn new(task: &'a report::Task) -> Self {
        let duration = &task.duration;
        Self {
            name: Cow::Borrowed(&task.name),
            count: duration.count(),
            open: task.open,
            p50: duration.quantile(0.5),
            p99: duration.quantile(0.99),
            max: duration.max(),
            time: task.time,
            time_in_the_end: task.time_in_the_end,
            time_others: task.time_others,
            slowest: task.slowest.iter().map(Slow::new).collect(),
            duration: Measurement::new(Unit::Nanoseconds, duration, None),
        }
    }

    pub(super) fn into_model(self) -> Result<report::Task, WireError> {
        Ok(report::Task {
            duration: self.duration.into_model(&self.name)?.0,
            name: self.name.into_owned(),
            open: self.open,
            time: self.time,
            time_in_the_end: self.time_in_the_end,
            time_others: self.time_others,
            slowest: self.slowest.into_iter().map(Slow::into_model).collect(),
        })
    }
}

impl<'a> Region<'a> {
    /// Converts regions.
    pub fn new(region: &'a report::Region) -> Self {
        let duration = &region.duration;
        Self {
            name: Cow::Borrowed(&region.name),
            count: duration.count(),
            open: region.open,
            p50: duration.quantile(0.5),
            p99: duration.quantile(0.99),
            max: duration.max(),
            time: region.time,
            time_in_the_end: region.time_in_the_end,
            slowest: region.slowest.iter().map(Slow::new).collect(),
            duration: Measurement::new(Unit::Nanoseconds, duration, None),
        }
    }

    pub(super) fn into_model(self) -> Result<report::Region, WireError> {
        Ok(report::Region {
            duration: self.duration.into_model(&self.name)?.0,
            name: self.name.into_owned(),
            open: self.open,
            time: self.time,
            time_in_the_end: self.time_in_the_end,
            slowest: self.slowest.into_iter().map(Slow::into_model).collect(),
        })
    }
}

impl<'a> Request<'a> {
    /// Converts requests.
    pub fn new(request: &'a report::Request) -> Self {
        let duration = &request.duration;
        Self {
            handler: Cow::Borrowed(&request.handler),
            count: duration.count(),
            open: request.open,
            p50: duration.quantile(0.5),
            p99: duration.quantile(0.99),
            max: duration.max(),
            time: request.time,
            time_in_the_end: request.time_in_the_end,
            queued: Measurement::new(Unit::Nanoseconds, &request.queued, None),
            slowest: request.slowest.iter().map(Slow::new).collect(),
            duration: Measurement::new(Unit::Nanoseconds, duration, None),
        }
    }

    pub(super) fn into_model(self) -> Result<report::Request, WireError> {
        Ok(report::Request {
            duration: self.duration.into_model(&self.handler)?.0,
            queued: self.queued.into_model(&self.handler)?.0,
            handler: self.handler.into_owned(),
            open: self.open,
            time: self.time,
            time_in_the_end: self.time_in_the_end,
            slowest: self.slowest.into_iter().map(Slow::into_model).collect(),
        })
    }
}

impl<'a> Slow<'a> {
    fn new(slow: &'a report::Slow) -> Self {
        Self {
            duration_ns: slow.duration_ns,
            start_ns: slow.start_ns,
            goroutine: slow.goroutine,
            task: slow.task,
            lower_bound: slow.lower_bound,
            trace_id: slow.trace_id.as_deref().map(Cow::Borrowed),
            span_id: slow.span_id.as_deref().map(Cow::Borrowed),
            time: slow.time,
            time_in_the_end: slow.time_in_the_end,
        }
    }

    fn into_model(self) -> report::Slow {
        report::Slow {
            duration_ns: self.duration_ns,
            start_ns: self.start_ns,
            goroutine: self.goroutine,
            task: self.task,
            lower_bound: self.lower_bound,
            trace_id: self.trace_id.map(Cow::into_owned),
            span_id: self.span_id.map(Cow::into_owned),
            time: self.time,
            time_in_the_end: self.time_in_the_end,
        }
    }
}
