//! Wire form of a finding.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::{self, Cause, Frame, PlaceCount, Severity};
use crate::rules::{Rule, Unit};
use crate::timeline::Leaves;

/// Occurrences that crossed a threshold at one place, or in one phase at any places.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Finding<'a> {
    /// Identifier that is the same for the same rule and place, or phase, in every trace.
    pub id: Cow<'a, str>,
    /// Name of the rule.
    pub rule: Cow<'a, str>,
    /// Severity of the worst occurrence.
    pub severity: Severity,
    /// Unit of `worst`, `total` and `threshold`.
    #[schemars(with = "Unit")]
    pub unit: Cow<'static, str>,
    /// Number of occurrences that crossed the threshold.
    pub count: u64,
    /// Number of occurrences that the trace's start or end cuts off: their length is a lower bound.
    pub open: u64,
    /// The worst occurrence.
    pub worst: u64,
    /// Start of the worst occurrence since the trace's start. Version 0.1 did not write it.
    #[serde(default)]
    #[schemars(with = "u64")]
    pub worst_at_ns: Option<u64>,
    /// Duration of the worst occurrence; 0 for growth. Version 0.1 did not write it.
    #[serde(default)]
    pub worst_for_ns: u64,
    /// Sum of all occurrences.
    pub total: u64,
    /// The threshold that the worst occurrence crossed.
    pub threshold: u64,
    /// Start of the first occurrence since the trace's start.
    pub first_ns: u64,
    /// End of the last occurrence since the trace's start.
    pub last_ns: u64,
    /// Wall-clock time of the first occurrence, or null if the trace does not hold the wall clock.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub first_time: Option<Timestamp>,
    /// The finding in one sentence.
    pub message: Cow<'a, str>,
    /// Suggested fix.
    pub suggestion: Cow<'a, str>,
    /// Goroutines of the worst few occurrences.
    pub goroutines: Cow<'a, [i64]>,
    /// Frame to change; for a phase, that of the worst occurrence.
    pub place: Cow<'a, Frame>,
    /// Phase of the occurrences, such as "GC mark termination" or "taking_turns": they have one cause at many places.
    /// Null for a finding of one place.
    #[serde(default)]
    pub phase: Option<Cow<'a, str>>,
    /// The places of a phase, the worst first, at most 10. Empty for a finding of one place.
    #[serde(default)]
    pub places: Cow<'a, [PlaceCount]>,
    /// Number of places of a phase that are not in `places`.
    #[serde(default)]
    pub more_places: u64,
    /// Stack of the worst occurrence, innermost frame first.
    pub stack: Cow<'a, [Frame]>,
    /// Cause of the worst occurrence, if the trace shows one.
    pub cause: Option<Cow<'a, Cause>>,
    /// The total by what the waits were in the end: each wait for another goroutine is replaced by that goroutine's
    /// states. Null if the occurrences are no waits for other goroutines. Version 0.1 did not write it.
    #[serde(default, with = "super::leaves::option")]
    #[schemars(with = "Option<BTreeMap<String, u64>>")]
    pub time_in_the_end: Option<Leaves>,
}

impl<'a> Finding<'a> {
    /// Converts a finding.
    pub fn new(f: &'a report::Finding) -> Self {
        Self {
            id: Cow::Borrowed(&f.id),
            rule: f.rule.name.into(),
            severity: f.severity,
            unit: f.unit().name().into(),
            count: f.count,
            open: f.open,
            worst: f.worst,
            worst_at_ns: Some(f.worst_at_ns),
            worst_for_ns: f.worst_for_ns,
            total: f.total,
            threshold: f.threshold,
            first_ns: f.first_ns,
            last_ns: f.last_ns,
            first_time: f.first_time,
            message: Cow::Borrowed(&f.message),
            suggestion: Cow::Borrowed(&f.suggestion),
            goroutines: Cow::Borrowed(&f.goroutines),
            place: Cow::Borrowed(&f.place),
            phase: f.phase.as_deref().map(Cow::Borrowed),
            places: Cow::Borrowed(&f.places),
            more_places: f.more_places,
            stack: Cow::Borrowed(&f.stack),
            cause: f.cause.as_ref().map(Cow::Borrowed),
            time_in_the_end: f.time_in_the_end,
        }
    }

    /// Converts the finding of a saved report; `None` if this version does not know the rule.
    pub(super) fn into_model(self) -> Option<report::Finding> {
        Some(report::Finding {
            rule: Rule::find(&self.rule)?,
            id: self.id.into_owned(),
            severity: self.severity,
            count: self.count,
            open: self.open,
            worst: self.worst,
            worst_at_ns: self.worst_at_ns.unwrap_or(self.first_ns),
            worst_for_ns: self.worst_for_ns,
            total: self.total,
            threshold: self.threshold,
            first_ns: self.first_ns,
            last_ns: self.last_ns,
            first_time: self.first_time,
            worst_time: None,
            message: self.message.into_owned(),
            suggestion: self.suggestion.into_owned(),
            goroutines: self.goroutines.into_owned(),
            place: self.place.into_owned(),
            phase: self.phase.map(Cow::into_owned),
            places: self.places.into_owned(),
            more_places: self.more_places,
            stack: self.stack.into_owned(),
            cause: self.cause.map(Cow::into_owned),
            time_in_the_end: self.time_in_the_end,
        })
    }
}
