//! Wire format of reports, version 1.
//!
//! JSON, JSON Lines, saved reports, the daemon's API and the measurements of a comparison use these types, and
//! `schema/report-v1.json` is generated from them. A new field goes into the model, into the type here and into its
//! two conversions. A field that older reports lack is `#[serde(default)]`: readers default it, and the schema does
//! not require it.

mod document;
mod finding;
mod leaves;
mod line;
mod measurement;
mod suppressed;
mod task;

pub(crate) use super::by_state as time;
pub use super::by_state::Time;
pub use document::{Document, Head, Report, Rule, SCHEMA};
pub use finding::Finding;
pub use line::OneLine;
pub use measurement::Measurement;
pub use suppressed::Suppressed;
pub use task::{Region, Request, Slow, Task};

/// Reason why a document is not a saved report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// A measurement contradicts itself.
    #[error("the measurement of {0} contradicts itself")]
    Contradiction(String),
    /// The report predates distributions in reports.
    #[error("the report holds no distributions: write it again with this version of gotracer")]
    NoBuckets,
}

/// Returns the JSON Schema of [`Document`], which `schema/report-v1.json` holds.
pub fn schema() -> serde_json::Value {
    crate::schema::of::<Document<'static>>("urn:gotracer:report:v1")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_published_schema_is_up_to_date() {
        crate::schema::assert_published("report-v1.json", &super::schema());
    }
}
