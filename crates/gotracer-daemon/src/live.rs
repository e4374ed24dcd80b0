//! Settings that a reload replaces.

use std::sync::Arc;

use parking_lot::RwLock;

/// Value that readers share and a reload replaces. Readers keep the value that they got.
#[derive(Default, Debug)]
pub(crate) struct Live<T>(RwLock<Arc<T>>);

impl<T> Live<T> {
    /// Creates the first value.
    pub(crate) fn new(value: T) -> Self {
        Self(RwLock::new(Arc::new(value)))
    }

    /// Returns the current value.
    pub(crate) fn get(&self) -> Arc<T> {
        Arc::clone(&self.0.read())
    }

    /// Replaces the value.
    pub(crate) fn set(&self, value: T) {
        *self.0.write() = Arc::new(value);
    }

    /// Replaces the value unless the current one is equal, in which case readers keep seeing the
    /// same `Arc`. Returns whether the value changed.
    pub(crate) fn update(&self, value: T) -> bool
    where
        T: PartialEq,
    {
        let mut current = self.0.write();
        let changed = **current != value;
        if changed {
            *current = Arc::new(value);
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_equal_value_keeps_the_arc() {
        let live = Live::new(1);
        let first = live.get();
        assert!(!live.update(1));
        assert!(Arc::ptr_eq(&first, &live.get()));
        assert!(live.update(2));
        assert_eq!((*first, *live.get()), (1, 2));
        live.set(3);
        assert_eq!(*live.get(), 3);
    }
}
