//! Values in numbered slots, which are used again.

use std::ops::{Index, IndexMut};

use super::allowance::of_vec;

/// Some values.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    slots: Vec<T>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slab<T> {
    /// Adds a value; returns its slot.
    #[inline]
    pub(crate) fn add(&mut self, value: T) -> u32 {
        if let Some((slot, old)) = self.reuse() {
            *old = value;
            return slot;
        }
        self.slots.push(value);
        (self.slots.len() - 1) as u32
    }

    /// A slot that was free and is taken now, with the value that was there.
    #[inline]
    pub(crate) fn reuse(&mut self) -> Option<(u32, &mut T)> {
        let slot = self.free.pop()?;
        Some((slot, &mut self.slots[slot as usize]))
    }

    /// Lets a slot be used again. Its value stays until it is.
    #[inline]
    pub(crate) fn free(&mut self, slot: u32) {
        self.free.push(slot);
    }

    /// The value of a slot, which may be free.
    #[inline(always)]
    pub(crate) fn get(&self, slot: u32) -> Option<&T> {
        self.slots.get(slot as usize)
    }

    /// Like [`get`](Self::get), to be changed.
    #[inline(always)]
    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.slots.get_mut(slot as usize)
    }

    /// Bytes of memory that this holds while up to `more` values are added;
    /// what the values hold elsewhere does not count.
    pub(crate) fn held(&self, more: usize) -> u64 {
        of_vec(&self.slots, more) + of_vec(&self.free, more)
    }

    /// How many slots there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }
}

impl<T> Index<u32> for Slab<T> {
    type Output = T;
    #[inline]
    fn index(&self, slot: u32) -> &T {
        &self.slots[slot as usize]
    }
}

impl<T> IndexMut<u32> for Slab<T> {
    #[inline]
    fn index_mut(&mut self, slot: u32) -> &mut T {
        &mut self.slots[slot as usize]
    }
}
