//! A finding that the configuration suppresses.

use std::borrow::Cow;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Finding;
use crate::report;

/// A finding that the configuration suppresses.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Suppressed<'a> {
    /// The finding.
    pub finding: Finding<'a>,
    /// Why it is accepted.
    pub reason: Cow<'a, str>,
    /// The last day on which it is accepted.
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub until: Option<Date>,
    /// File and line that suppress it.
    pub place: Cow<'a, str>,
}

impl<'a> Suppressed<'a> {
    /// Converts a suppressed finding.
    pub fn new(suppressed: &'a report::Suppressed) -> Self {
        Self {
            finding: Finding::new(&suppressed.finding),
            reason: Cow::Borrowed(&suppressed.reason),
            until: suppressed.until,
            place: Cow::Borrowed(&suppressed.place),
        }
    }

    /// Converts the suppressed finding of a saved report; `None` if this version does not know the rule.
    pub(super) fn into_model(self) -> Option<report::Suppressed> {
        Some(report::Suppressed {
            finding: self.finding.into_model()?,
            reason: self.reason.into_owned(),
            until: self.until,
            place: self.place.into_owned(),
        })
    }
}
