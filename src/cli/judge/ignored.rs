//! Warnings about entries of `ignore` that are expired or match no finding.

use std::collections::{BTreeMap, BTreeSet};

use gotracer::report::Report;
use gotracer::rules::Settings;
use gotracer::rules::suppression::today;

/// Entries of `ignore` that a run applied, by their places, and the places of those that matched.
#[derive(Default)]
pub(crate) struct Ignored {
    entries: BTreeMap<String, Warning>,
    used: BTreeSet<String>,
}

struct Warning {
    over: bool,
    text: String,
}

impl Ignored {
    /// Records the entries that applied to a trace, and those that matched in its report.
    pub(crate) fn note(&mut self, settings: &Settings, report: &Report) {
        for entry in settings.ignore.iter() {
            // An entry for a disabled rule is not stale.
            if entry.rule.is_some_and(|rule| !settings.of(rule).enabled) {
                continue;
            }
            let (place, reason) = (&entry.place, &entry.reason);
            self.entries.entry(place.clone()).or_insert_with(|| {
                let over = entry.until.filter(|_| entry.is_over(today()));
                let text = match over {
                    Some(until) => format!("{place}: over since {until}, shown again ({reason})"),
                    None => format!("{place}: suppresses nothing ({reason})"),
                };
                let over = over.is_some();
                Warning { over, text }
            });
        }
        let places = report.suppressed.iter().map(|s| s.place.clone());
        self.used.extend(places);
    }

    /// Returns warnings about entries that are expired or match no finding of any trace.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = &str> {
        let stale =
            |(place, warning): &(&String, &Warning)| warning.over || !self.used.contains(*place);
        let stale = self.entries.iter().filter(stale);
        stale.map(|(_, warning)| warning.text.as_str())
    }
}
