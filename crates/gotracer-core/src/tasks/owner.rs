//! The request that a goroutine works for.

use crate::trace::{GoId, TaskId};

/// A request that a goroutine works for: its outermost task, or the one that a server's
/// goroutine handles. Tasks under one outermost task are one request.
///
/// Ids are cut to 31 bits: two requests that are open together differ in their last bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Owner(u32);

impl Owner {
    /// No request is known.
    pub(super) const NONE: Self = Self(0);

    /// Returns the request with an outermost task.
    pub(super) fn task(root: TaskId) -> Self {
        Self((root.0 as u32) << 1)
    }

    /// Returns the request that a server's goroutine handles.
    pub(super) fn server(g: GoId) -> Self {
        Self(((g.0 as u32) << 1) | 1)
    }

    /// Number of the request.
    #[inline]
    pub(super) fn number(self) -> u32 {
        self.0
    }

    /// Returns the request with a number.
    #[inline]
    pub(super) fn numbered(number: u32) -> Self {
        Self(number)
    }

    /// Returns this request, or `other` if none is known.
    pub(super) fn or(self, other: Self) -> Self {
        match self == Self::NONE {
            true => other,
            false => self,
        }
    }
}
