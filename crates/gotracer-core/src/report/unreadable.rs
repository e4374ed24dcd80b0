//! Entries of traces that could not be read at all.

use std::fmt::Display;

use super::{Program, Report, TraceInfo};

impl Report {
    /// Returns the entry of a trace of which no event could be read: it has the error, and no rules. A batch then lists
    /// the trace in every format instead of leaving it out.
    pub fn unreadable(source: &str, error: &impl Display) -> Self {
        Self {
            trace: TraceInfo {
                source: source.into(),
                error: Some(error.to_string()),
                ..TraceInfo::default()
            },
            program: Program::default(),
            waits: Vec::new(),
            goroutines: Vec::new(),
            tasks: Vec::new(),
            regions: Vec::new(),
            requests: Vec::new(),
            cpu_samples: None,
            rules: Vec::new(),
            findings: Vec::new(),
            course: None,
            moments: Vec::new(),
            suppressed: Vec::new(),
            known: 0,
            evidence: None,
        }
    }

    /// Returns whether no event of the trace could be read.
    pub fn is_unreadable(&self) -> bool {
        self.trace.error.is_some() && self.trace.events == 0
    }
}
