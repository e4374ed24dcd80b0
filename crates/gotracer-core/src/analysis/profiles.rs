//! Profiles of an analysis that requests them.

use super::packed::EventVisitor;
use super::{Analysis, TimelineVisitor};
use crate::pprof::{Collector, Profiles};
use crate::timeline::{Creation, Timeline, Transition};
use crate::trace::{Event, GoId, Slot, Tables, Time};

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

/// Visitor that gathers profiles, too. Traces without profiles keep their fast visitor.
pub(super) struct ProfileVisitor<'a>(pub TimelineVisitor<'a>);

impl ProfileVisitor<'_> {
    fn gather(&mut self, gather: impl FnOnce(&mut Collector, &Tables, &mut Timeline)) {
        let TimelineVisitor { analysis, tables } = &mut self.0;
        if let Some(profiles) = &mut analysis.seen.profiles {
            gather(profiles, tables, &mut analysis.timeline);
        }
    }
}

impl EventVisitor for ProfileVisitor<'_> {
    #[inline(never)]
    fn transition(&mut self, transition: &Transition) {
        self.gather(|profiles, tables, t| profiles.transition(transition, tables, t));
        self.0.transition(transition);
    }

    fn rare_transition(&mut self, transition: &Transition) {
        self.transition(transition);
    }

    fn goroutine(&self, slot: Slot) -> GoId {
        self.0.goroutine(slot)
    }

    #[inline(never)]
    fn creation(&mut self, creation: &Creation) {
        self.gather(|profiles, tables, t| profiles.creation(creation, tables, t));
        self.0.creation(creation);
    }

    fn event(&mut self, event: &Event) {
        self.gather(|profiles, tables, t| profiles.event(event, tables, t));
        self.0.event(event);
    }

    fn pass(&mut self, time: Time) {
        self.0.pass(time);
    }

    fn unheeded(&mut self, time: Time) {
        self.0.unheeded(time);
    }
}
