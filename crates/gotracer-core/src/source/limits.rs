//! Limits on reading a trace.

use crate::trace::Allowance;

/// Limits on reading a trace. By default there are none.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Memory that the reader may hold.
    pub memory: Allowance,
    /// Bytes of a stream or of a compressed file, decompressed.
    pub bytes: u64,
}

impl Limits {
    /// Bounds only the memory.
    pub fn of_memory(memory: Allowance) -> Self {
        Self {
            memory,
            bytes: u64::MAX,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::of_memory(Allowance::default())
    }
}
