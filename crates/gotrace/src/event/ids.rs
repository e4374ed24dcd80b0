//! Ids of what events are about, and of strings and stacks in the tables.

use std::fmt;

macro_rules! resource_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub i64);

        impl $name {
            /// The value for no id; with it an [`Event`] fits one cache line.
            #[doc(hidden)]
            pub const NONE: Self = Self(-1);

            /// Whether this is another value than [`NONE`](Self::NONE).
            #[doc(hidden)]
            #[inline]
            pub fn is_some(self) -> bool {
                self != Self::NONE
            }

            /// The id, or `None` where the event has none.
            #[inline]
            pub fn known(self) -> Option<Self> {
                self.is_some().then_some(self)
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::NONE
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

resource_id! {
    /// A goroutine, by the runtime's `goid`.
    GoId
}
resource_id! {
    /// A processor (P).
    ProcId
}
resource_id! {
    /// An operating system thread (M).
    ThreadId
}

resource_id! {
    /// A task of the traced program (`trace.NewTask`).
    TaskId
}

impl TaskId {
    /// The background task, which is none of the program's own: the task of
    /// regions and logs outside all tasks.
    pub const BACKGROUND: Self = Self(0);
}

/// A string of the event's generation. The default is the empty string.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct StringId(#[doc(hidden)] pub u32);

/// A stack of the event's generation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct StackId(#[doc(hidden)] pub u32);

impl StringId {
    /// Position in the generation's string table; 0 is the empty string.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl StackId {
    /// The event carries no stack.
    pub const NONE: Self = Self(0);

    /// Position in the generation's stack table; 0 is no stack.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Index of a goroutine among those that exist: dense, for vectors of
/// goroutines. It is reused after the goroutine ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Slot(#[doc(hidden)] pub u32);

impl Slot {
    /// The index.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}
