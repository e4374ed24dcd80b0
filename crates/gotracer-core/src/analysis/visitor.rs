//! Visitors that pass packed events to the timeline.

use super::Analysis;
use super::packed::EventVisitor;
use crate::pprof::Collector;
use crate::timeline::{Creation, Timeline, Transition};
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

/// Visitor that also gathers profiles and records values over time, as far as they are requested. Without them the
/// other one is faster.
pub(super) struct RecordingVisitor<'a>(pub TimelineVisitor<'a>);

impl RecordingVisitor<'_> {
    fn gather(&mut self, gather: impl FnOnce(&mut Collector, &Tables, &mut Timeline)) {
        let TimelineVisitor { analysis, tables } = &mut self.0;
        if let Some(profiles) = &mut analysis.seen.profiles {
            gather(profiles, tables, &mut analysis.timeline);
        }
    }
}

impl EventVisitor for RecordingVisitor<'_> {
    #[inline(never)]
    fn transition(&mut self, transition: &Transition) {
        self.gather(|profiles, tables, t| profiles.transition(transition, tables, t));
        self.0.transition(transition);
        self.0.analysis.note();
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
        self.0.analysis.note();
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
