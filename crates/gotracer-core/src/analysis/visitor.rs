//! Packed events to the timeline.

use super::Analysis;
use super::packed::EventVisitor;
use crate::timeline::{Creation, Transition};
use crate::trace::{Event, GoId, Slot, Tables, Time};

/// Visitor that passes the events of one generation to the timeline.
pub(super) struct TimelineVisitor<'a> {
    pub analysis: &'a mut Analysis,
    pub tables: &'a Tables,
}

impl EventVisitor for TimelineVisitor<'_> {
    #[inline(always)]
    fn transition(&mut self, transition: &Transition) {
        let Self { analysis, tables } = self;
        analysis.slice(transition.time);
        let seen = &mut analysis.seen;
        analysis.timeline.transition(transition, tables, seen);
        analysis.chain(transition);
        analysis.note();
    }

    #[inline(never)]
    fn rare_transition(&mut self, transition: &Transition) {
        self.transition(transition);
    }

    #[inline(always)]
    fn goroutine(&self, slot: Slot) -> GoId {
        self.analysis.timeline.goroutine_at(slot)
    }

    #[inline(always)]
    fn creation(&mut self, creation: &Creation) {
        let Self { analysis, tables } = self;
        analysis.slice(creation.time);
        let seen = &mut analysis.seen;
        analysis.timeline.creation(creation, tables, seen);
        analysis.chain_creation(creation);
        analysis.note();
    }

    fn event(&mut self, event: &Event) {
        self.analysis.event(event, self.tables);
    }

    fn pass(&mut self, time: Time) {
        self.analysis.timeline.pass(time);
    }

    fn unheeded(&mut self, time: Time) {
        let Self { analysis, .. } = self;
        analysis.timeline.unheeded(time, &mut analysis.seen);
    }
}
