//! Names of activities, as tags of groups of occurrences.

/// Maximum number of names with findings of their own at one place. Further ones share a finding.
const MOST: usize = u8::MAX as usize;

/// Names by tag.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(Vec<String>);

impl Names {
    /// Returns the tag of a name. Intervals have no name and the tag of the first name; a rule observes activities or
    /// intervals, never both.
    pub(super) fn tag(&mut self, name: &str) -> u8 {
        if name.is_empty() {
            return 0;
        }
        let known = self.0.iter().position(|known| known == name);
        let index = known.unwrap_or_else(|| {
            if self.0.len() < MOST {
                self.0.push(name.into());
            }
            self.0.len() - 1
        });
        u8::try_from(index).unwrap_or(u8::MAX)
    }

    /// Returns the name of a tag; empty for intervals.
    pub(super) fn of(&self, tag: u8) -> &str {
        self.0.get(usize::from(tag)).map_or("", String::as_str)
    }

    /// Removes all names.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Bytes of memory in use.
    pub(super) fn held(&self) -> u64 {
        self.0.iter().map(|name| name.capacity() as u64).sum()
    }
}
