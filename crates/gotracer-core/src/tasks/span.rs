//! Part of a trace in which a task was open.

use crate::trace::{EventKind, GoId, Input, ReadError, Reader, TaskId};
use crate::units::elapsed;

/// Begin and end of a task, ns since the trace's start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span {
    /// Begin; 0 if it was before the trace.
    pub from: u64,
    /// End of the task or of the trace.
    pub to: u64,
    /// Goroutine that began the task, if the trace has that.
    pub goroutine: Option<GoId>,
    /// Type of the task, if the trace has its begin.
    pub name: Option<String>,
}

impl Span {
    /// Returns the span of a task that began before the trace.
    fn cut() -> Self {
        Self {
            from: 0,
            to: 0,
            goroutine: None,
            name: None,
        }
    }
}

/// Finds a task; `None` if no event of the trace names it. Reads the trace
/// up to the task's end.
///
/// # Errors
/// If the trace cannot be read at all.
pub fn span(input: Input<'_>, wanted: TaskId) -> Result<Option<Span>, Box<ReadError>> {
    let mut reader = Reader::new(input)?;
    let (mut start, mut found) = (None, None::<Span>);
    let mut last = 0;
    // A truncated trace counts as far as it is readable.
    while let Ok(true) = reader.advance() {
        let event = reader.event();
        let start = *start.get_or_insert(event.time);
        last = elapsed(start, event.time);
        match event.kind {
            EventKind::TaskBegin { id, name, .. } if id == wanted => {
                let name = String::from_utf8_lossy(reader.tables().string(name));
                found = Some(Span {
                    from: last,
                    to: last,
                    goroutine: Some(event.g).filter(|g| g.is_some()),
                    name: Some(name.into_owned()),
                });
            }
            EventKind::TaskEnd { id, .. } if id == wanted => {
                let begun = found.unwrap_or_else(Span::cut);
                return Ok(Some(Span { to: last, ..begun }));
            }
            EventKind::RegionBegin { task, .. }
            | EventKind::RegionEnd { task, .. }
            | EventKind::Log { task, .. }
                if task == wanted =>
            {
                found.get_or_insert_with(Span::cut);
            }
            _ => {}
        }
    }
    Ok(found.map(|begun| Span { to: last, ..begun }))
}
