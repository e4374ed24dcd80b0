//! Writes traces for tests.

use super::super::varint;
use super::wire;

/// A trace of Go 1.22.
pub(super) struct Trace(pub Vec<u8>);

impl Trace {
    pub(super) fn new() -> Self {
        Self(b"go 1.22 trace\0\0\0".to_vec())
    }

    pub(super) fn batch(&mut self, generation: u64, m: u64, time: u64, data: &[u64]) {
        let data = bytes(data);
        let header = [1, generation, m, time, data.len() as u64];
        self.0.extend(bytes(&header));
        self.0.extend(data);
    }

    /// The batch that every generation needs.
    pub(super) fn frequency(&mut self, generation: u64) {
        self.batch(
            generation,
            0,
            1,
            &[u64::from(wire::FREQUENCY), 1_000_000_000],
        );
    }
}

fn bytes(values: &[u64]) -> Vec<u8> {
    let mut out = Vec::new();
    for &value in values {
        varint::encode(&mut out, value);
    }
    out
}

/// No thread.
pub(super) const NO_THREAD: u64 = u64::MAX;

/// A P and a goroutine that run on the thread, as two events.
pub(super) fn running(p: u64, g: u64, m: u64) -> Vec<u64> {
    let p_status = [u64::from(wire::PROC_STATUS), 1, p, 1];
    let g_status = [u64::from(wire::GO_STATUS), 1, g, m, 2];
    [&p_status[..], &g_status[..]].concat()
}
