//! Events read at a time where they are analysed.

use super::packed::Packed;
use crate::trace::internal::is_in_generations;
use crate::trace::{Event, EventKind, ReadError, Reader};

/// Events read at a time as they are: few enough that they stay in the nearest
/// cache.
const BLOCK: usize = 256;

/// Some events of one generation.
pub enum Portion {
    /// As the reader of today's format writes them: only what the timeline
    /// heeds, by kind.
    Packed(Packed),
    /// As they are. That of the old format can do no more.
    Plain { block: Vec<Event>, filled: usize },
}

impl Portion {
    /// Room for what a reader tells.
    pub fn new(reader: &Reader<'_>) -> Self {
        match is_in_generations(reader.version()) {
            true => Self::Packed(Packed::default()),
            false => Self::plain(),
        }
    }

    /// Room for events as they are.
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
