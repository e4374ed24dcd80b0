//! From ids to slots.
//!
//! The runtime numbers goroutines and tasks almost densely. The low bits of an
//! id select a place, and one load finds nearly every id. Displaced ids are in
//! a hash map with a random seed, so no trace can make the search slow.

use std::collections::HashMap;

use super::allowance::{growing, of_map};
use super::work;

/// No slot.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Place {
    id: i64,
    slot: u32,
}

const FREE: Place = Place { id: -1, slot: NONE };

/// The fewest places there are.
const MIN_PLACES: usize = 1024;
/// Number of places up to which at most an eighth is occupied: a goroutine that
/// lives for long keeps its place, and all ids that map to it are displaced.
/// Larger tables fill up to a half, to save memory.
const MANY_PLACES: usize = 1 << 16;

/// Slots by id.
#[derive(Debug)]
pub struct Ids {
    /// By the low bits of the id; a power of two long.
    places: Vec<Place>,
    /// Ids whose place was occupied.
    displaced: HashMap<i64, u32, foldhash::fast::RandomState>,
    len: usize,
    /// Number of ids at which the table grows.
    room: usize,
}

impl Default for Ids {
    fn default() -> Self {
        Self {
            places: vec![FREE; MIN_PLACES],
            displaced: HashMap::default(),
            len: 0,
            room: room(MIN_PLACES),
        }
    }
}

/// Number of ids for which a table is large enough.
fn room(places: usize) -> usize {
    let share = if places < MANY_PLACES { 8 } else { 2 };
    places / share
}

impl Ids {
    /// The slot of an id.
    #[inline]
    pub fn find(&self, id: i64) -> Option<u32> {
        self.find_fast(id)
            .filter(|&slot| slot != NONE)
            .or_else(|| self.displaced.get(&id).copied())
    }

    /// Like [`find`](Self::find), by the table only: a displaced id gives none or `u32::MAX`, as does -1, which a corrupt
    /// trace may contain.
    #[inline(always)]
    pub fn find_fast(&self, id: i64) -> Option<u32> {
        let place = self.places.get(self.place(id))?;
        (place.id == id).then_some(place.slot)
    }

    #[inline(always)]
    fn place(&self, id: i64) -> usize {
        id as usize & (self.places.len() - 1)
    }

    /// Gives an id that has none a slot.
    #[inline]
    pub fn insert(&mut self, id: i64, slot: u32) {
        self.len += 1;
        if self.len > self.room {
            self.grow();
        }
        self.enter(Place { id, slot });
    }

    /// Gives an id a slot, in place of the one that it may have.
    #[inline]
    pub fn set(&mut self, id: i64, slot: u32) {
        let place = self.places.get(self.place(id));
        if place.is_some_and(|place| place.id == id) || !self.displaced.is_empty() {
            self.remove(id);
        }
        self.insert(id, slot);
    }

    #[inline]
    fn enter(&mut self, new: Place) {
        let at = self.place(new.id);
        let place = &mut self.places[at];
        if place.slot == NONE && new.id != FREE.id {
            *place = new;
        } else {
            self.displaced.insert(new.id, new.slot);
        }
    }

    /// Takes an id's slot away.
    #[inline]
    pub fn remove(&mut self, id: i64) {
        let at = self.place(id);
        let place = &mut self.places[at];
        if place.id == id && place.slot != NONE {
            *place = FREE;
        } else if self.displaced.remove(&id).is_none() {
            return;
        }
        self.len -= 1;
    }

    /// Bytes of memory that this holds while up to `more` ids are added.
    pub fn held(&self, more: usize) -> u64 {
        let places = self.places.len();
        let bytes = (places * size_of::<Place>()) as u64;
        growing(bytes, self.len + more > places / 2) + of_map(&self.displaced, more)
    }

    #[cold]
    fn grow(&mut self) {
        let more = vec![FREE; 2 * self.places.len()];
        self.room = room(more.len());
        let places = std::mem::replace(&mut self.places, more);
        let displaced = std::mem::take(&mut self.displaced);
        work::add(places.len() + displaced.len());
        let taken = places.into_iter().filter(|p| p.slot != NONE);
        let displaced = displaced.into_iter().map(|(id, slot)| Place { id, slot });
        taken.chain(displaced).for_each(|p| self.enter(p));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_what_a_map_finds(
            steps in proptest::collection::vec((0..3, -2i64..2000, 0u32..2), 0..3000)
        ) {
            let (mut ids, mut map) = (Ids::default(), HashMap::new());
            for (slot, (step, id, far)) in steps.into_iter().enumerate() {
                // Some are sent to the same place.
                let id = id << (20 * far);
                if step == 0 && !map.contains_key(&id) {
                    ids.insert(id, slot as u32);
                    map.insert(id, slot as u32);
                } else if step == 1 {
                    ids.set(id, slot as u32);
                    map.insert(id, slot as u32);
                } else {
                    ids.remove(id);
                    map.remove(&id);
                }
                prop_assert_eq!(ids.find(id), map.get(&id).copied());
            }
            for (&id, &slot) in &map {
                prop_assert_eq!(ids.find(id), Some(slot));
            }
            prop_assert_eq!(ids.len, map.len());
        }
    }
}
