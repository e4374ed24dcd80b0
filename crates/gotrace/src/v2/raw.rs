//! Events with all their arguments read, for those that need care.

use super::super::args::Args;
use super::super::varint;
use super::wire;

/// The longest event: its type and five varints.
pub(super) const MAX_EVENT: usize = 1 + 5 * varint::MAX_LEN;

/// An event's type and its arguments; references are still wire ids.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw {
    pub kind: u8,
    pub args: [u64; 4],
}

impl Args<'_> {
    /// Reads all arguments of an event of type `kind`.
    #[inline]
    pub(crate) fn all(&mut self, kind: u8) -> Raw {
        let n = wire::ARGS[kind as usize];
        let mut args = [0; 4];
        if n > 0 {
            args[0] = self.next();
            if n > 1 {
                args[1] = self.next();
                if n > 2 {
                    args[2] = self.next();
                    if n > 3 {
                        args[3] = self.next();
                    }
                }
            }
        }
        Raw { kind, args }
    }
}
