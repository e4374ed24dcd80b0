//! The analysis of Go execution traces: from events to intervals, findings, reports and their formats.
//!
//! This crate reads one trace and describes it. It has no async runtime and knows nothing of daemons, scraping or
//! exporters.
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub use gotrace as trace;

pub mod analysis;
pub mod causes;
pub mod compare;
pub mod config;
pub mod explain;
pub mod memory;
pub mod perfetto;
pub mod pprof;
pub mod report;
pub mod rules;
mod schema;
pub mod source;
mod sums;
pub mod tasks;
pub mod timeline;
pub mod units;
pub mod unnamed;
