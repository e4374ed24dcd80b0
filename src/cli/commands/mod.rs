//! Subcommands: one module each, with its `Args` and `run`, which returns the exit code.

pub(crate) mod analyze;
pub(crate) mod anonymize;
#[cfg(feature = "daemon")]
pub(crate) mod capture;
pub(crate) mod check_config;
pub(crate) mod completions;
pub(crate) mod cut;
pub(crate) mod diff;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod goroutines;
#[cfg(feature = "daemon")]
pub(crate) mod healthcheck;
pub(crate) mod man;
pub(crate) mod rules;
#[cfg(feature = "daemon")]
pub(crate) mod serve;
pub(crate) mod tasks;
