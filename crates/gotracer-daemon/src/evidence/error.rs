//! Errors of the evidence store.

use std::io;
use std::path::PathBuf;

use crate::objects::ObjectError;

/// Reason for which the store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// The directory cannot be used.
    #[error("cannot keep evidence in {}: {error}", .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Error of the system.
        error: io::Error,
    },
    /// Another daemon uses the directory and would delete this daemon's recordings.
    #[error("cannot keep evidence in {}: another gotracer uses it", .0.display())]
    InUse(PathBuf),
    /// There is no directory for traces that wait for the bucket.
    #[error(
        "cannot keep evidence that waits for its bucket: {0}; `evidence: {{directory: …}}` says \
         where it can be"
    )]
    Temporary(#[source] io::Error),
    /// The bucket cannot be used.
    #[error(transparent)]
    Bucket(#[from] ObjectError),
    /// A thread cannot be started.
    #[error("cannot start a thread for evidence: {0}")]
    Thread(#[source] io::Error),
}
