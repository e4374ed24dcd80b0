//! Files of the spool: a trace, and its labels beside it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::labels::Labels;
use crate::source::directory::Root;

/// Endings of a trace, of the labels beside it, and of one that is received.
pub(super) const TRACE: &str = "trace";
pub(super) const LABELS: &str = "json";
pub(super) const PART: &str = ".part";

/// Directory of the spool.
pub(super) struct Place {
    pub(super) root: Arc<Root>,
    /// Deletes a spool outside of the storage directory on drop.
    pub(super) _temporary: Option<TempDir>,
}

/// Content of the file beside a trace.
#[derive(Serialize, Deserialize)]
pub(super) struct Beside {
    /// Labels of its measurements.
    pub labels: Labels,
    /// Reason to keep it.
    pub reason: Option<String>,
}

impl Beside {
    /// Reads the file beside a trace; `None` if there is none.
    pub(super) fn read(trace: &Path) -> Option<Self> {
        let text = fs::read(trace.with_extension(LABELS)).ok()?;
        serde_json::from_slice(&text).ok()
    }
}
