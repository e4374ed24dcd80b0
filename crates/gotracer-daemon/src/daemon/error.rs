//! Errors at startup.

use std::io;

use super::processed::ProcessedLogError;
use super::web_config::WebError;
use crate::evidence::EvidenceError;
use crate::releases::StoreError;
use crate::source::directory::WatchError;

/// Reason why the daemon cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A directory cannot be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// The record of analyzed traces cannot be opened.
    #[error(transparent)]
    Storage(#[from] ProcessedLogError),
    /// The stored releases cannot be opened.
    #[error(transparent)]
    Releases(#[from] StoreError),
    /// The OTLP exporter cannot be created.
    #[error("OTLP: {0}")]
    Otlp(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The evidence store cannot be opened.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The web configuration cannot be used.
    #[error(transparent)]
    Web(#[from] WebError),
    /// The listen address cannot be bound.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Listen address.
        address: String,
        /// Error of the system.
        error: io::Error,
    },
}
