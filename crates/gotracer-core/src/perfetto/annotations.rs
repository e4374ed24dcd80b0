//! Debug annotations: the arguments that Perfetto lists for an event.

use super::schema::{DebugAnnotation, Value};

macro_rules! keys {
    ($($key:ident = $name:literal,)*) => {
        /// Names of annotations.
        #[derive(Clone, Copy, Debug)]
        pub(super) enum Key {
            $($key,)*
        }

        impl Key {
            /// All names, in the order of the keys.
            pub(super) const NAMES: &'static [&'static str] = &[$($name,)*];
        }
    };
}

keys! {
    Goroutine = "goroutine",
    Processor = "processor",
    Thread = "thread",
    Stack = "stack",
    Why = "why",
    ByGoroutine = "by_goroutine",
    By = "by",
    Stopped = "stopped_ns",
    Lasted = "lasted_ns",
    AtLeast = "at_least",
    Task = "task",
    Parent = "parent",
    Swept = "swept_bytes",
    Reclaimed = "reclaimed_bytes",
    Severity = "severity",
    Count = "count",
    Worst = "worst",
    WorstAt = "worst_at_ns",
    WorstFor = "worst_for_ns",
    Total = "total",
    Place = "place",
    Cause = "cause",
    Suggestion = "suggestion",
}

impl Key {
    /// Id among the interned names.
    pub(super) fn iid(self) -> u64 {
        self as u64 + 1
    }
}

/// Id of an interned annotation value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Text(pub u64);

/// Annotations of one event.
#[derive(Clone, Default)]
pub(super) struct Annotations(pub Vec<DebugAnnotation>);

impl Annotations {
    /// Adds a number.
    pub(super) fn int(self, key: Key, value: i64) -> Self {
        self.with(key, Value::Int(value))
    }

    /// Adds a length or a size.
    pub(super) fn size(self, key: Key, value: u64) -> Self {
        self.int(key, i64::try_from(value).unwrap_or(i64::MAX))
    }

    /// Adds a flag if it is set.
    pub(super) fn flag(self, key: Key, holds: bool) -> Self {
        match holds {
            true => self.with(key, Value::Bool(true)),
            false => self,
        }
    }

    /// Adds a text that many events share, if there is one.
    pub(super) fn text(self, key: Key, text: Option<Text>) -> Self {
        match text {
            Some(Text(iid)) => self.with(key, Value::Interned(iid)),
            None => self,
        }
    }

    /// Adds a text that only this event has.
    pub(super) fn own_text(self, key: Key, text: String) -> Self {
        self.with(key, Value::Text(text))
    }

    fn with(mut self, key: Key, value: Value) -> Self {
        self.0.push(DebugAnnotation {
            name_iid: key.iid(),
            value: Some(value),
        });
        self
    }
}
