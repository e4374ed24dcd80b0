//! Metrics and events of what the daemon sees, for other programs.
//!
//! [`catalog`] lists every metric, `totals` adds reports up, and [`Metrics`] holds both for all
//! targets. Prometheus, OTLP and `docs/metrics.md` derive from the catalogue.

mod births;
pub mod catalog;
mod metrics;
mod names;
pub mod otlp;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod prometheus;
mod settings;
mod targets;
mod totals;

pub use births::View;
pub use catalog::IgnoreEntries;
pub use metrics::Metrics;
pub use settings::{Settings, SettingsError};
pub use totals::{Gap, LeakProfile, Stream};
