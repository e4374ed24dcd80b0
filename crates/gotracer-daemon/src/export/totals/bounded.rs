//! Values by a label that comes out of traces, in a bounded number of series.

use std::collections::BTreeMap;

use super::room::{Limits, Room};
use crate::export::births::Birth;

/// Limit of label values. Further values share [`OTHER`].
pub(super) const MOST: usize = 16;
/// Label value shared by everything without its own series.
pub(crate) const OTHER: &str = "other";

/// Values of type `V` by a label. They are boxed, because a map has room for eleven of them, and most have one to three.
#[derive(Clone, Debug)]
pub struct Bounded<V>(BTreeMap<String, Box<(V, Birth)>>);

impl<V> Default for Bounded<V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<V: Default> Bounded<V> {
    /// Returns the value of a label. It is that of [`OTHER`] if there are [`MOST`] labels or the
    /// `room` is used up, and `None` if there is no room for that either. A new value has `series`
    /// series, which start with `birth`.
    pub fn entry(
        &mut self,
        label: &str,
        series: usize,
        birth: impl FnOnce() -> Birth,
        room: &mut Room,
        limits: &Limits<'_>,
    ) -> Option<&mut V> {
        let known = self.0.contains_key(label);
        let own = known || self.0.len() < MOST && room.discover(series, limits);
        let label = if own { label } else { OTHER };
        if !self.0.contains_key(label) {
            if !own && !room.admit(series, limits) {
                return None;
            }
            let new = Box::new((V::default(), birth()));
            self.0.insert(label.into(), new);
        }
        self.0.get_mut(label).map(|entry| &mut entry.0)
    }

    /// Returns whether there is a value for everything without its own series.
    pub fn has_other(&self) -> bool {
        self.0.contains_key(OTHER)
    }

    /// Labels, their values, and the start of their series.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &V, Birth)> {
        let all = self.0.iter();
        all.map(|(label, entry)| (label.as_str(), &entry.0, entry.1))
    }
}
