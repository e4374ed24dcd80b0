//! Values of a few goroutines, by slot.

use crate::trace::internal::of_vec;
use crate::trace::{GoId, Slot};

/// Values of those goroutines that have one.
///
/// A slot is the index of its value's position, so a lookup takes two loads and no hash. A goroutine without a value
/// takes four bytes.
#[derive(Clone, Debug)]
pub(super) struct BySlot<T> {
    /// Position in `values` by slot; [`NONE`] if there is no value.
    positions: Vec<u32>,
    values: Vec<Option<(GoId, T)>>,
    free: Vec<u32>,
}

/// No position.
const NONE: u32 = u32::MAX;

impl<T> Default for BySlot<T> {
    fn default() -> Self {
        Self {
            positions: Vec::new(),
            values: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> BySlot<T> {
    /// Number of values.
    pub(super) fn len(&self) -> usize {
        self.values.len() - self.free.len()
    }

    /// Whether no goroutine has a value.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory held, except for what the values own elsewhere.
    pub(super) fn held(&self) -> usize {
        (of_vec(&self.positions, 1) + of_vec(&self.values, 1) + of_vec(&self.free, 1)) as usize
    }

    #[inline]
    fn position(&self, slot: Slot) -> usize {
        let position = self.positions.get(slot.index());
        position.copied().unwrap_or(NONE) as usize
    }

    /// Value of the goroutine in a slot.
    #[inline]
    pub(super) fn get(&self, slot: Slot, g: GoId) -> Option<&T> {
        match self.values.get(self.position(slot)) {
            Some(Some((owner, value))) if *owner == g => Some(value),
            _ => None,
        }
    }

    /// Mutable version of [`get`](Self::get).
    #[inline]
    pub(super) fn get_mut(&mut self, slot: Slot, g: GoId) -> Option<&mut T> {
        let position = self.position(slot);
        match self.values.get_mut(position) {
            Some(Some((owner, value))) if *owner == g => Some(value),
            _ => None,
        }
    }

    /// Value of a goroutine, which is `new()` if it has none.
    #[inline]
    pub(super) fn entry(&mut self, slot: Slot, g: GoId, new: impl FnOnce() -> T) -> &mut T {
        let mut position = self.position(slot);
        if position >= self.values.len() {
            position = self.occupy(slot);
        }
        let place = &mut self.values[position];
        // A damaged trace may put another goroutine into a slot before the first one ends.
        place.take_if(|(owner, _)| *owner != g);
        let (_, value) = place.get_or_insert_with(|| (g, new()));
        value
    }

    /// Returns a position for the value of a slot.
    fn occupy(&mut self, slot: Slot) -> usize {
        if slot.index() >= self.positions.len() {
            self.positions.resize(slot.index() + 1, NONE);
        }
        let position = self.free.pop().unwrap_or_else(|| {
            self.values.push(None);
            (self.values.len() - 1) as u32
        });
        self.positions[slot.index()] = position;
        position as usize
    }

    /// Removes the value of a goroutine.
    #[inline]
    pub(super) fn remove(&mut self, slot: Slot, g: GoId) -> Option<T> {
        let position = self.position(slot);
        let place = self.values.get_mut(position)?;
        let (_, value) = place.take_if(|(owner, _)| *owner == g)?;
        self.positions[slot.index()] = NONE;
        self.free.push(position as u32);
        Some(value)
    }

    /// Removes all values.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Iterates over goroutines and their values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (GoId, &T)> {
        let values = self.values.iter().flatten();
        values.map(|(g, value)| (*g, value))
    }

    /// Mutable version of [`iter`](Self::iter).
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (GoId, &mut T)> {
        let values = self.values.iter_mut().flatten();
        values.map(|(g, value)| (*g, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_goroutine_in_the_slot() {
        let mut values = BySlot::default();
        let (a, b) = (GoId(7), GoId(8));
        *values.entry(Slot(3), a, || 1) += 1;
        values.entry(Slot(0), b, || 5);
        assert_eq!(values.entry(Slot(0), b, || 6), &5);
        assert_eq!(values.get(Slot(3), a), Some(&2));
        assert_eq!(values.get(Slot(3), b), None);
        assert_eq!(values.get(Slot(9), a), None);
        assert_eq!(values.remove(Slot(3), b), None);
        assert_eq!(values.remove(Slot(3), a), Some(2));
        assert_eq!((values.len(), values.get(Slot(3), a)), (1, None));
        // The position is used again.
        values.entry(Slot(4), a, || 3);
        assert_eq!(values.values.len(), 2);
        // The goroutine of slot 4 did not end.
        values.entry(Slot(4), b, || 4);
        assert_eq!(values.len(), 2);
        let all: Vec<_> = values.iter().collect();
        assert_eq!(all, [(b, &4), (b, &5)]);
        values.clear();
        assert!(values.is_empty() && values.get(Slot(0), b).is_none());
    }
}
