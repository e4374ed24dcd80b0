//! Sinks: consumers of the reader's events.
//!
//! A sink that needs less than an [`Event`] takes the fields while they are in
//! registers and many are constants. Packing an event after it was written
//! costs 50 % more than packing it here.

use std::slice;

use super::event::Event;

/// No slot.
pub const NO_SLOT: u32 = u32::MAX;

/// Consumer of events.
#[expect(
    clippy::len_without_is_empty,
    reason = "the reader needs the number of events, never whether there are any"
)]
pub trait Sink {
    /// Whether the sink takes no more events for now.
    fn is_full(&self) -> bool;

    /// Number of events taken.
    fn len(&self) -> usize;

    /// Takes the next event. `slot` is that of the goroutine in whose context
    /// it happened, or [`NO_SLOT`] if it is not known.
    fn write(&mut self, event: Event, slot: u32);

    /// Takes the event that `fill` writes, unless that fails. The sink must not
    /// be full.
    ///
    /// # Errors
    /// The error of `fill`.
    #[inline(always)]
    fn write_with<T, E>(&mut self, fill: impl FnOnce(&mut Event) -> Result<T, E>) -> Result<T, E> {
        let mut event = Event::default();
        let filled = fill(&mut event)?;
        self.write(event, NO_SLOT);
        Ok(filled)
    }

    /// Removes the last event; none follows it.
    fn retract(&mut self);

    /// Takes the events that `fill` writes into a slice, and returns their number.
    ///
    /// # Errors
    /// The error of `fill`.
    fn take_from<E>(
        &mut self,
        fill: impl FnOnce(&mut [Event]) -> Result<usize, E>,
    ) -> Result<usize, E>;
}

/// A slice to fill with events.
pub(crate) struct EventBuffer<'a> {
    rest: slice::IterMut<'a, Event>,
    all: usize,
    retracted: usize,
}

impl<'a> EventBuffer<'a> {
    pub(crate) fn new(events: &'a mut [Event]) -> Self {
        Self {
            all: events.len(),
            rest: events.iter_mut(),
            retracted: 0,
        }
    }
}

impl Sink for EventBuffer<'_> {
    #[inline(always)]
    fn is_full(&self) -> bool {
        self.rest.len() == 0
    }

    #[inline(always)]
    fn len(&self) -> usize {
        self.all - self.rest.len() - self.retracted
    }

    #[inline(always)]
    fn write(&mut self, event: Event, _: u32) {
        if let Some(place) = self.rest.next() {
            *place = event;
        }
    }

    #[inline(always)]
    fn write_with<T, E>(&mut self, fill: impl FnOnce(&mut Event) -> Result<T, E>) -> Result<T, E> {
        let rest = std::mem::take(&mut self.rest).into_slice();
        let filled = fill(&mut rest[0]);
        self.rest = rest[usize::from(filled.is_ok())..].iter_mut();
        filled
    }

    fn retract(&mut self) {
        self.retracted += 1;
    }

    fn take_from<E>(
        &mut self,
        fill: impl FnOnce(&mut [Event]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let rest = std::mem::take(&mut self.rest).into_slice();
        let filled = fill(&mut *rest);
        let n = filled.as_ref().map_or(0, |n| *n);
        self.rest = rest[n..].iter_mut();
        filled
    }
}
