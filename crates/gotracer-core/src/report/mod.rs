//! The report of a trace, and its output formats.

mod benchstat;
pub(crate) mod by_state;
mod course;
mod cpu;
mod csv;
mod escape;
mod format;
mod formats;
mod gc;
mod github;
mod gitlab;
mod hash;
mod headline;
pub mod html;
pub mod human;
pub mod json;
mod jsonl;
mod junit;
pub mod listing;
pub mod markdown;
mod model;
mod moment;
mod openmetrics;
mod options;
mod paths;
mod placed;
#[cfg(any(test, feature = "testing"))]
#[doc(hidden)]
pub mod sample;
mod sarif;
pub mod saved;
mod share;
mod signals;
pub mod size;
mod style;
pub mod svg;
pub mod table;
mod tasks;
mod time;
mod top;
mod unreadable;
pub mod wire;
mod wrap;

pub use crate::rules::{Distribution, Severity, Unit};
pub use course::{Column, Course, State};
pub use cpu::{CpuSamples, SampledFunction};
pub use escape::{Escaped, is_hostile};
pub use format::{Format, Formats};
pub use formats::FORMATS;
pub use gc::{Gc, GcCpu, MinimumUtilization};
pub use github::FORMAT as GITHUB;
pub use hash::hash;
pub use json::FORMAT as JSON;
pub use markdown::FORMAT as MARKDOWN;
pub use model::{
    Cause, Creations, Finding, Frame, Goroutines, PlaceCount, Pressure, Program, Report,
    RuleReport, Spread, Status, Suppressed, TraceInfo,
};
pub use moment::{Moment, Row, Span, SpanState, Wake};
pub use options::{Detail, Options};
pub use paths::{Location, PathMap};
pub(crate) use style::Style;
pub use table::FORMAT as TABLE;
pub use tasks::{Region, Request, Slow, Task};
pub use time::{GoroutineGroup, Life, WorstGoroutine};
pub use top::{Top, ranked, top};
pub(crate) use wrap::columns;
pub use wrap::wrap;
