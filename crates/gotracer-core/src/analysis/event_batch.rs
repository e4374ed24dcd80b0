//! Batches of events, from the reader to the timeline.

use super::packed::Packed;
use crate::trace::internal::is_in_generations;
use crate::trace::{Event, EventKind, ReadError, Reader};

/// Number of unpacked events in a batch: few enough for the first-level cache.
const BLOCK: usize = 256;

/// Events of one generation.
pub(super) enum EventBatch {
    /// Events that the reader of generations packed, without those that the timeline ignores.
    Packed(Packed),
    /// Unpacked events of the v1 format.
    Plain { block: Vec<Event>, filled: usize },
}

impl EventBatch {
    /// Creates an empty batch for the events of a reader.
    pub(super) fn new(reader: &Reader<'_>) -> Self {
        match is_in_generations(reader.version()) {
            true => Self::Packed(Packed::on_one_core()),
            false => Self::plain(),
        }
    }

    /// Creates an empty batch for unpacked events.
    pub(super) fn plain() -> Self {
        Self::Plain {
            block: vec![Event::default(); BLOCK],
            filled: 0,
        }
    }

    /// Reads the next events. Returns false at the end.
    ///
    /// # Errors
    /// As [`Reader::fill`].
    pub(super) fn read(&mut self, reader: &mut Reader<'_>) -> Result<bool, ReadError> {
        match self {
            Self::Packed(events) => {
                events.clear();
                Ok(reader.pour(events)? > 0)
            }
            Self::Plain { block, filled } => {
                *filled = reader.fill(block)?;
                Ok(*filled > 0)
            }
        }
    }

    /// Reports whether the batch starts a generation.
    pub(super) fn begins(&self) -> bool {
        match self {
            Self::Packed(events) => events.begins(),
            Self::Plain { block, .. } => matches!(block[0].kind, EventKind::Sync { .. }),
        }
    }
}
