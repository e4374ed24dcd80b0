//! Values by a label that comes out of traces, in a bounded number of series.

use std::collections::BTreeMap;

use crate::export::births::Birth;

/// Limit of label values. Further values share [`OTHER`].
pub const MOST: usize = 32;
/// Label value shared by everything without its own series.
pub const OTHER: &str = "other";

/// Values of type `V` by a label.
#[derive(Clone, Debug)]
pub struct Bounded<V>(BTreeMap<String, (V, Birth)>);

impl<V> Default for Bounded<V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<V: Default> Bounded<V> {
    /// Returns the value of a label, or that of [`OTHER`] if there are [`MOST`] labels. `admit`
    /// decides whether there may be a new series, which starts with `birth`.
    pub fn entry(
        &mut self,
        label: &str,
        birth: impl FnOnce() -> Birth,
        admit: impl FnOnce() -> bool,
    ) -> Option<&mut V> {
        let room = self.0.len() < MOST || self.0.contains_key(label);
        let label = if room { label } else { OTHER };
        if !self.0.contains_key(label) {
            if !admit() {
                return None;
            }
            self.0.insert(label.into(), (V::default(), birth()));
        }
        self.0.get_mut(label).map(|(value, _)| value)
    }

    /// Labels, their values, and the start of their series.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &V, Birth)> {
        let all = self.0.iter();
        all.map(|(label, (value, birth))| (label.as_str(), value, *birth))
    }
}
