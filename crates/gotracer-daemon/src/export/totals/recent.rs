//! Values by names that traces contain, in a bounded number of series that end with their names.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::OTHER;
use super::room::{Limits, Room};
use crate::export::births::{Birth, Births};

/// Time without a value after which a name frees its series.
pub(super) const SILENT: Duration = Duration::from_secs(24 * 3600);

/// Values of type `V` by name. They are boxed, as those of [`Bounded`](super::Bounded).
#[derive(Clone, Debug)]
pub struct Recent<V>(BTreeMap<String, Box<Entry<V>>>);

#[derive(Clone, Debug)]
struct Entry<V> {
    value: V,
    birth: Birth,
    /// Time of the last value.
    last: SystemTime,
    /// Series in the classic exposition.
    series: usize,
}

impl<V> Default for Recent<V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<V: Default> Recent<V> {
    /// Names, their values, and the start of their series.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &V, Birth)> {
        let all = self.0.iter();
        all.map(|(name, entry)| (name.as_str(), &entry.value, entry.birth))
    }

    /// Returns whether there is a value for everything without its own series.
    pub fn has_other(&self) -> bool {
        self.0.contains_key(OTHER)
    }

    /// Returns the number of names, without [`OTHER`].
    pub fn names(&self) -> usize {
        self.0.len() - usize::from(self.has_other())
    }

    /// Returns whether the name has series of its own.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Ends the series of names that were silent for a day, and returns their room.
    pub fn forget(&mut self, now: SystemTime, room: &mut Room) {
        self.0.retain(|_, entry| {
            let silent = now.duration_since(entry.last);
            let keep = silent.map_or(true, |silent| silent < SILENT);
            if !keep {
                room.free(entry.series);
            }
            keep
        });
    }

    /// Returns the value of a name that has its `series`, or else that of [`OTHER`]; `None` if
    /// there is no room for that either. `own` says whether the room holds the series of the name.
    pub fn entry(
        &mut self,
        (name, own): (&str, bool),
        series: usize,
        now: SystemTime,
        births: &Births,
        (room, limits): (&mut Room, &Limits<'_>),
    ) -> Option<&mut V> {
        let name = if own { name } else { OTHER };
        if !self.0.contains_key(name) {
            if !own && !room.admit(series, limits) {
                return None;
            }
            let new = Entry {
                value: V::default(),
                birth: births.with_a_trace(),
                last: now,
                series,
            };
            self.0.insert(name.into(), Box::new(new));
        }
        let entry = self.0.get_mut(name)?;
        entry.last = now;
        Some(&mut entry.value)
    }
}
