#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod allowance;
mod args;
mod cut;
mod error;
mod event;
mod event_types;
mod header;
mod ids;
mod input;
#[cfg(test)]
mod linear;
mod lookalike;
mod reader;
mod refusal;
mod sink;
mod slab;
mod sort;
mod stats;
mod tables;
mod v1;
mod v2;
mod varint;
mod version;
mod violation;
mod work;

pub use allowance::Allowance;
pub use cut::Cut;
pub use error::{Corruption, ErrorKind, ReadError};
pub use event::{
    Event, EventKind, Experimental, GoId, GoState, Metric, ProcId, ProcState, Range, Slot, StackId,
    StateTransition, StringId, TaskId, ThreadId, Time,
};
pub use input::{Input, ReadAt};
pub use lookalike::Lookalike;
pub use reader::{Events, Reader};
pub use stats::{ClockSnapshot, Stats};
pub use tables::{Frame, Tables};
pub use v2::{ExperimentalBatch, anonymize};
pub use violation::Violation;

/// Parts that `gotracer-core` needs and that may change at any time.
#[doc(hidden)]
pub mod internal {
    pub use crate::allowance::{Share, growing, of_map, of_vec};
    pub use crate::event_types::{Spec, specs};
    pub use crate::header::peek_version;
    pub use crate::ids::Ids;
    pub use crate::sink::{NO_SLOT, Sink};
    pub use crate::sort::by_key as sort_by_key;
    pub use crate::version::{is_in_generations, is_newer};
}
