//! Kept traces that are read to answer a request: within the limits of analyses and of memory.

use std::io;
use std::sync::Arc;

use super::State;
use super::connections::{InFlight, Kind};
use crate::daemon::permits::Permit;
use crate::daemon::pipeline::{BASE, Reservation};
use crate::evidence::{Evidence, Item};
use crate::report::Report;
use crate::source::{Limits, from_reader};
use crate::trace::Input;

/// A kept trace, with a permit to read it.
pub(super) struct Kept {
    /// Description of the trace.
    pub item: Item,
    /// State of the server.
    pub state: Arc<State>,
    evidence: Arc<Evidence>,
    room: Reservation,
    _permit: Option<Permit>,
}

impl Kept {
    /// Waits for a permit to read the trace; `None` if there is no permit or no memory in time.
    pub(super) async fn admit(
        (item, evidence): (Item, Arc<Evidence>),
        in_flight: &InFlight,
        state: Arc<State>,
    ) -> Option<Self> {
        in_flight.becomes(Kind::Analysis);
        let permit = state.limits.admit(Kind::Analysis, in_flight).await.ok()?;
        let room = state.memory.try_reserve(BASE)?;
        Some(Self {
            item,
            state,
            evidence,
            room,
            _permit: permit,
        })
    }

    /// Opens the trace. Blocks.
    ///
    /// # Errors
    /// If the store of evidence cannot be read.
    pub(super) fn open(&self) -> io::Result<Input<'static>> {
        let limits = Limits::of_memory(self.room.allowance());
        from_reader(self.evidence.read(&self.item.file)?, &limits)
    }

    /// Analyzes the trace again, since its times may differ from those of the first report: of a stream, only some
    /// generations are kept. Blocks.
    ///
    /// # Errors
    /// If the store of evidence cannot be read.
    pub(super) fn report(&self) -> io::Result<Option<Report>> {
        let (source, labels) = (&self.item.source, &self.item.target);
        let analyzer = self.state.pipeline.analyzer();
        Ok(analyzer.report(self.open()?, source, labels))
    }
}
