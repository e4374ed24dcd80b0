//! Where the reader writes events to.
//!
//! Whoever wants something smaller than an [`Event`] takes what he needs of it
//! as it comes, while it is in registers and much of it is known in advance:
//! an event that is written whole and packed afterwards costs half as much
//! again.

use std::slice;

use super::event::Event;

/// No slot.
pub const NO_SLOT: u32 = u32::MAX;

/// Takes events in.
#[expect(
    clippy::len_without_is_empty,
    reason = "the reader asks how many events it wrote, never whether"
)]
pub trait Sink {
    /// Whether no more are wanted for now.
    fn is_full(&self) -> bool;

    /// How many it took.
    fn len(&self) -> usize;

    /// Takes in the next one. `slot` is that of the goroutine in whose context
    /// it happened, or [`NO_SLOT`] if it is not known.
    fn write(&mut self, event: Event, slot: u32);

    /// Takes in the next one, written by `fill`, unless that fails. There must
    /// be room.
    #[inline(always)]
    fn write_with<T, E>(&mut self, fill: impl FnOnce(&mut Event) -> Result<T, E>) -> Result<T, E> {
        let mut event = Event::default();
        let filled = fill(&mut event)?;
        self.write(event, NO_SLOT);
        Ok(filled)
    }

    /// The last one does not count after all; none follows it.
    fn retract(&mut self);

    /// Takes in what `fill` writes into a slice; it returns how many.
    fn take_from<E>(
        &mut self,
        fill: impl FnOnce(&mut [Event]) -> Result<usize, E>,
    ) -> Result<usize, E>;
}

/// Room for a number of events.
pub struct Room<'a> {
    rest: slice::IterMut<'a, Event>,
    all: usize,
    retracted: usize,
}

impl<'a> Room<'a> {
    pub fn new(events: &'a mut [Event]) -> Self {
        Self {
            all: events.len(),
            rest: events.iter_mut(),
            retracted: 0,
        }
    }
}

impl Sink for Room<'_> {
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
