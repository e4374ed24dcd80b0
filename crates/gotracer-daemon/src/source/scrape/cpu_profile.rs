//! Active CPU profile.

use tokio::task::{AbortHandle, JoinHandle};

/// CPU profile that is active until this is dropped.
#[derive(Debug)]
pub(super) struct CpuProfile(AbortHandle);

impl CpuProfile {
    /// Returns the profile that a task requests and reads.
    pub(super) fn of<T>(task: &JoinHandle<T>) -> Self {
        Self(task.abort_handle())
    }
}

impl Drop for CpuProfile {
    fn drop(&mut self) {
        // The program ends a profile whose connection is closed.
        self.0.abort();
    }
}
