//! Batches of events, from the reader to the timeline.

use super::packed::Packed;
use crate::trace::internal::is_in_generations;
use crate::trace::{Event, EventKind, ReadError, Reader};

/// Unpacked events in a batch: few enough that they stay in the first-level
/// cache.
const BLOCK: usize = 256;

/// Events of one generation.
pub enum EventBatch {
    /// Packed by the reader of generations, without the events that the
    /// timeline ignores.
    Packed(Packed),
    /// Whole events: those of the old format.
    Plain { block: Vec<Event>, filled: usize },
}

impl EventBatch {
    /// An empty batch for the events of a reader.
    pub fn new(reader: &Reader<'_>) -> Self {
        match is_in_generations(reader.version()) {
            true => Self::Packed(Packed::default()),
            false => Self::plain(),
        }
    }

    /// An empty batch for whole events.
    pub fn plain() -> Self {
        Self::Plain {
            block: vec![Event::default(); BLOCK],
            filled: 0,
        }
    }

    /// Reads the next ones. False at the end.
    ///
    /// # Errors
    /// As [`Reader::fill`].
    pub fn read(&mut self, reader: &mut Reader<'_>) -> Result<bool, ReadError> {
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

    /// Whether a generation begins with them.
    pub fn begins(&self) -> bool {
        match self {
            Self::Packed(events) => events.begins(),
            Self::Plain { block, .. } => matches!(block[0].kind, EventKind::Sync { .. }),
        }
    }
}
