//! Reasons to reject a pushed trace.

use std::io;

/// Reason to reject a trace.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The trace is larger than `max_size`.
    #[error("the trace has more than {0} bytes; max_size of `uploads` is the limit")]
    TooLarge(u64),
    /// Too many traces wait.
    #[error("too many pushed traces wait to be analyzed; try again")]
    Full,
    /// The request broke off.
    #[error("the trace breaks off: {0}")]
    Client(io::Error),
    /// The spool cannot be written.
    #[error("cannot store the trace in {directory}: {error}")]
    Disk {
        /// The spool.
        directory: String,
        /// Error of the system.
        #[source]
        error: io::Error,
    },
}
