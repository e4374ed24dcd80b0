//! Values of a record.

/// Count and duration of the occurrences at a stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Values {
    /// Number of occurrences.
    pub count: u64,
    /// Total duration, ns.
    pub ns: u64,
}

impl Values {
    /// Adds other occurrences.
    pub fn add(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.ns = self.ns.saturating_add(other.ns);
    }
}
