//! Events with all their arguments read, for those that need care.

use super::super::args::Args;
use super::super::varint;
use super::wire;

/// The longest event: its type and five varints.
pub const MAX_EVENT: usize = 1 + 5 * varint::MAX_LEN;

/// An event's type and its arguments; references are still wire ids.
#[derive(Clone, Copy, Debug)]
pub struct Raw {
    pub kind: u8,
    pub args: [u64; 4],
}

impl Raw {
    /// An event whose arguments are still to be read.
    pub fn new(kind: u8) -> Self {
        Self { kind, args: [0; 4] }
    }
}

impl Args<'_> {
    /// Reads all arguments of an event.
    pub fn all(&mut self, raw: &mut Raw) {
        let n = wire::ARGS[raw.kind as usize].into();
        for arg in raw.args.iter_mut().take(n) {
            *arg = self.next();
        }
    }
}
