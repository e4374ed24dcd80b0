//! Profiles of an analysis that requests them.

use super::Analysis;
use crate::pprof::Profiles;
use crate::trace::{Event, Tables};

impl Analysis {
    /// Gathers profiles of an event, if requested.
    pub(super) fn gather(&mut self, event: &Event, tables: &Tables) {
        if let Some(profiles) = &mut self.seen.profiles {
            profiles.event(event, tables, &mut self.timeline);
        }
    }

    /// Returns the profiles since the last call, if requested. Call it before the next stretch starts.
    pub(super) fn take_profiles(&mut self, under_way: bool) -> Option<Box<Profiles>> {
        let collector = self.seen.profiles.as_mut()?;
        Some(Box::new(collector.take(&self.timeline, under_way)))
    }
}
