//! The daemon of gotracer: it watches directories, scrapes Go programs, and exports what their traces show to Prometheus
//! and by OTLP.
//!
//! Analysis and reports are `gotracer-core`'s. This crate knows nothing of the command line.
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub(crate) use gotracer_core::{
    analysis, compare, explain, perfetto, pprof, report, rules, timeline, trace, units, unnamed,
};

mod backoff;
pub mod build;
mod cause;
pub mod config;
pub mod daemon;
pub mod evidence;
pub mod export;
pub mod labels;
mod live;
pub mod objects;
pub mod profiles;
pub mod releases;
pub mod secret;
pub mod source;
pub mod storage;
pub mod tls;
