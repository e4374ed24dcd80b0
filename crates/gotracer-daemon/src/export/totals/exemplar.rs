//! Exemplars of counters of findings.

use std::time::SystemTime;

use crate::report::Finding;
use crate::units;

/// Most characters of all labels of an exemplar in OpenMetrics.
const MAX_EXEMPLAR: usize = 128;
/// How many of them a URL may take.
const MAX_URL: usize = 60;
/// Most characters of a function's name.
const MAX_FUNCTION: usize = 80;

/// Example of what a counter counted.
#[derive(Clone, Debug)]
pub struct Exemplar {
    /// Labels.
    pub labels: Vec<(&'static str, String)>,
    /// When the example happened.
    pub at: Option<SystemTime>,
    /// Its value, in the unit of the metric.
    pub value: f64,
}

/// Returns the exemplar of a finding.
pub(super) fn exemplar(finding: &Finding, evidence: Option<&str>, at: SystemTime) -> Exemplar {
    let mut labels = vec![
        ("finding", finding.id.clone()),
        ("worst_at", units::duration(finding.worst_at_ns)),
    ];
    let evidence = evidence.filter(|url| url.chars().count() <= MAX_URL);
    labels.extend(evidence.map(|url| ("evidence", url.to_owned())));
    let taken = labels
        .iter()
        .map(|(name, value)| name.len() + value.chars().count());
    let room = MAX_EXEMPLAR.saturating_sub(taken.sum::<usize>() + "function".len());
    let function = last_characters(&finding.place.function, room.min(MAX_FUNCTION));
    labels.push(("function", function));
    // As with gauges, nothing happened after it was read.
    let happened = finding.worst_time.or(finding.first_time);
    let at = happened.map(|t| units::system_time(t).min(at));
    Exemplar {
        labels,
        at,
        value: 1.0,
    }
}

/// The end of a function's name, which says more than its beginning.
pub(crate) fn shorten(function: &str) -> String {
    last_characters(function, MAX_FUNCTION)
}

fn last_characters(text: &str, most: usize) -> String {
    let excess = text.chars().count().saturating_sub(most);
    text.chars().skip(excess).collect()
}
