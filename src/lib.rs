//! Finds performance problems in Go execution traces: their place, cause and fix.
//!
//! `gotrace` reads traces, `gotracer-core` analyzes them, and `gotracer-daemon` implements `gotracer serve`. This crate is
//! the command line, and re-exports their modules.

#[cfg(feature = "daemon")]
pub use gotracer_daemon::{
    build, daemon, evidence, export, labels, objects, releases, secret, tls,
};

pub use gotrace as trace;
pub use gotracer_core::{
    analysis, causes, compare, explain, memory, perfetto, pprof, report, rules, tasks, timeline,
    units,
};

#[cfg(not(feature = "daemon"))]
pub use gotracer_core::{config, source};
#[cfg(feature = "daemon")]
pub use gotracer_daemon::source;

/// The configuration file.
#[cfg(feature = "daemon")]
pub mod config {
    pub use gotracer_core::config::*;
    pub use gotracer_daemon::config::Config;
}
