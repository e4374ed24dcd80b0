//! Where the time of goroutines goes: the state vectors, their sums, and the Go project's own summary of the same
//! traces.

#[path = "../support/mod.rs"]
mod support;

mod chains;
mod fresh;
mod known;
mod model;
mod pprof;
mod program;
mod random;
mod requests;
mod rpc;
mod summary;
mod sums;
mod tasks;
mod utilization;
