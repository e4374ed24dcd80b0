//! An event that is offered to the [`Model`](super::model::Model), and the result.

use super::super::args::Args;
use super::super::event::{Event, GoId, StackId, StringId, Time};
pub(super) use super::super::refusal::Refusal;
use super::super::tables::Tables;
use super::cursor::Position;

/// Result of an accepted event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Taken {
    /// An event.
    Event,
    /// None.
    Nothing,
    /// Events that wait in the model.
    Others,
    /// An event, and others that wait in the model.
    Followed,
    /// A syscall began. If it does not block, which only the goroutine's next
    /// event tells, it ends at once.
    Syscall,
    /// A log message, whose text stands behind the arguments.
    Log,
}

/// The change by an event that others may wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The goroutine in this slot took a step.
    Step(u32),
    /// The goroutine was created.
    Birth(GoId),
    /// A collection began.
    Collection,
    /// An unknown change.
    Anything,
}

/// Of an offer.
pub(super) type Result<T> = std::result::Result<T, Refusal>;

/// One P's next event, offered to the model.
pub(super) struct Step<'a, 'b> {
    pub tables: &'a Tables,
    pub next: Position,
    /// The event's time, ns.
    pub time: Time,
    pub args: &'a mut Args<'b>,
    /// The translated event.
    pub out: &'a mut Event,
}

impl Step<'_, '_> {
    /// Reads a reference to a stack. An unknown id is no stack, as in the
    /// reference reader.
    #[inline(always)]
    pub(super) fn stack(&mut self) -> StackId {
        let id = u64::from(self.args.next() as u32);
        let found = self.tables.dense_stack_id(id);
        found.unwrap_or_else(|| self.tables.stack_id(id).unwrap_or(StackId::NONE))
    }

    pub(super) fn string(&self, id: u64) -> Result<StringId> {
        Ok(self.tables.string_id(id)?)
    }
}
