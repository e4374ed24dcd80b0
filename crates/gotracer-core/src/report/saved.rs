//! Reports that were saved as JSON, for comparisons.

use super::Report;
use super::wire::{self, Document, Head, SCHEMA, WireError};

/// Why a file is not a saved report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SavedError {
    /// Other JSON, or not JSON.
    #[error("not a report of `gotracer analyze --format json`: {0}")]
    Json(#[from] serde_json::Error),
    /// Unknown version.
    #[error("unknown schema {0:?}: this version reads {SCHEMA:?}")]
    Schema(String),
    /// Contents that cannot be used.
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// Reads the reports of a document. Rules that this version does not know are left out, and so are entries of traces
/// that could not be read.
///
/// # Errors
/// If the text is not such a document.
pub fn read(text: &[u8]) -> Result<Vec<Report>, SavedError> {
    let head: Head = serde_json::from_slice(text)?;
    if head.schema != SCHEMA {
        return Err(SavedError::Schema(head.schema));
    }
    let document: Document<'_> = serde_json::from_slice(text)?;
    let reports = document.reports.into_iter().map(wire::Report::into_model);
    let mut reports: Vec<Report> = reports.collect::<Result<_, _>>()?;
    reports.retain(|report| !report.is_unreadable());
    Ok(reports)
}

/// Returns a note on how reports of gotracer 0.1 are compared, if some of these are. They lack the collector's work.
pub fn note(reports: &[Report]) -> Option<&'static str> {
    let old = reports.iter().any(|report| report.program.gc.is_none());
    old.then_some(
        "written by gotracer 0.1, which had a finding for each place of a GC pause or a turn on a processor; they are \
         compared as one finding per phase. Write the file again with this version to compare them exactly",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Options, json, sample};

    fn write(reports: &[Report]) -> Vec<u8> {
        let mut out = Vec::new();
        json::write(&mut out, reports, &Options::default()).unwrap();
        out
    }

    #[test]
    fn what_was_written_is_read() {
        let reports = [
            sample::eventful("a"),
            sample::broken("b"),
            sample::report("c"),
        ];
        let text = write(&reports);
        assert_eq!(write(&read(&text).unwrap()), text);
    }

    #[test]
    fn an_unreadable_trace_says_nothing_to_a_comparison() {
        let reports = [Report::unreadable("a", &"no trace"), sample::report("b")];
        let read = read(&write(&reports)).unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].trace.source, "b");
    }

    #[test]
    fn a_report_of_version_0_1_does_not_say_when_it_was_worst() {
        let text = String::from_utf8(write(&[sample::eventful("a")])).unwrap();
        let worst =
            |line: &&str| !line.contains("\"worst_at_ns\"") && !line.contains("\"worst_for_ns\"");
        let old: Vec<_> = text.lines().filter(worst).collect();
        let reports = read(old.join("\n").as_bytes()).unwrap();
        let finding = &reports[0].findings[0];
        assert_eq!(finding.worst_at_ns, finding.first_ns);
        assert_eq!((finding.worst_for_ns, finding.worst_time), (0, None));
    }

    #[test]
    fn what_is_no_report_is_refused() {
        let refused = |text: &str| read(text.as_bytes()).unwrap_err().to_string();
        assert!(refused("{}").contains("not a report"));
        assert!(refused("[").contains("not a report"));
        let other = refused("{\"schema\": \"gotracer.report/v9\", \"reports\": 5}");
        assert!(other.contains("v9"), "{other}");
        let text = String::from_utf8(write(&[sample::eventful("a")])).unwrap();
        let lies = text.replace("\"zeros\": 0", "\"zeros\": 7");
        assert!(refused(&lies).contains("contradicts itself"));
        let old = text.replace("\"buckets\"", "\"bockets\"");
        assert!(refused(&old).contains("write it again"));
    }
}
