//! Part of a trace in which a task was open.

use crate::trace::{EventKind, Input, ReadError, Reader, TaskId};

/// Begin and end of a task, ns since the trace's start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// Begin; 0 if it was before the trace.
    pub from: u64,
    /// End of the task or of the trace.
    pub to: u64,
}

/// Finds a task; `None` if no event of the trace names it. Reads the trace
/// up to the task's end.
///
/// # Errors
/// If the trace cannot be read at all.
pub fn span(input: Input<'_>, wanted: TaskId) -> Result<Option<Span>, Box<ReadError>> {
    let mut reader = Reader::new(input)?;
    let (mut start, mut from) = (None, None);
    let mut last = 0;
    // A truncated trace counts as far as it is readable.
    while let Ok(true) = reader.advance() {
        let event = reader.event();
        let start = *start.get_or_insert(event.time);
        last = event.time.saturating_sub(start).max(0) as u64;
        match event.kind {
            EventKind::TaskBegin { id, .. } if id == wanted => from = Some(last),
            EventKind::TaskEnd { id, .. } if id == wanted => {
                let from = from.unwrap_or_default();
                return Ok(Some(Span { from, to: last }));
            }
            EventKind::RegionBegin { task, .. }
            | EventKind::RegionEnd { task, .. }
            | EventKind::Log { task, .. }
                if task == wanted =>
            {
                from.get_or_insert(0);
            }
            _ => {}
        }
    }
    Ok(from.map(|from| Span { from, to: last }))
}
