//! Goroutines by the place that created them, on both sides.

use std::collections::BTreeMap;

use crate::report::{Creations, Frame, Report};
use crate::rules::MIN_GROWTH;

/// Most places in a comparison.
const MOST: usize = 20;

/// Goroutines that a place created in a typical trace.
#[derive(Clone, Copy, PartialEq, Debug, Default, serde::Serialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Created {
    /// Number of goroutines per second.
    pub per_second: f64,
    /// Number of goroutines per second that still existed at the end of the trace.
    pub left_per_second: f64,
}

/// A place that leaves more or fewer goroutines behind than before.
#[derive(Clone, PartialEq, Debug)]
pub struct SiteChange {
    /// The place, with its line in the new traces.
    pub place: Frame,
    /// Goroutines in the base.
    pub base: Created,
    /// Goroutines in the new traces.
    pub new: Created,
}

impl SiteChange {
    /// Returns by how many goroutines per second the place leaves behind more.
    pub fn growth(&self) -> f64 {
        self.new.left_per_second - self.base.left_per_second
    }
}

/// Goroutines by function and file of their place. Lines are ignored, because they change with edits.
#[derive(Clone, Debug, Default)]
pub struct Sites(BTreeMap<(String, String), (Frame, Created)>);

impl Sites {
    /// Sums up the goroutines of places over the length of the traces. A place may occur more than once.
    pub fn new<'a>(places: impl IntoIterator<Item = &'a Creations>, seconds: f64) -> Self {
        let mut sites = Self::default();
        for site in places {
            let key = (site.place.function.clone(), site.place.file.clone());
            let new = || (site.place.clone(), Created::default());
            let (_, sum) = sites.0.entry(key).or_insert_with(new);
            sum.per_second += site.created as f64 / seconds;
            sum.left_per_second += site.created.saturating_sub(site.exited) as f64 / seconds;
        }
        sites
    }

    fn of_all(reports: &[Report]) -> Self {
        let places = reports.iter().flat_map(|r| &r.program.goroutines.places);
        Self::new(places, reports.iter().map(seconds).sum())
    }

    /// Returns the places whose growth differs from `before` by at least `enough` per second, the greatest increase
    /// first.
    pub fn changes_since(self, mut before: Self, enough: f64) -> Vec<SiteChange> {
        let now = self.0.into_iter();
        let mut changes: Vec<_> = now
            .map(|(key, (place, new))| SiteChange {
                place,
                base: before.0.remove(&key).map(|(_, c)| c).unwrap_or_default(),
                new,
            })
            .collect();
        let gone = before.0.into_values().map(|(place, base)| SiteChange {
            place,
            base,
            new: Created::default(),
        });
        changes.extend(gone);
        changes.retain(|c| c.growth().abs() >= enough);
        changes.sort_by(|a, b| b.growth().total_cmp(&a.growth()));
        changes.truncate(MOST);
        changes
    }
}

fn seconds(report: &Report) -> f64 {
    report.trace.duration_ns.max(1) as f64 / 1e9
}

/// Returns the places whose number of goroutines grows differently on the two sides, the greatest increase first.
pub fn sites(base: &[Report], new: &[Report]) -> Vec<SiteChange> {
    let longest = base.iter().chain(new).map(seconds).fold(0.0, f64::max);
    // A few goroutines in a short trace are no growth.
    let enough = MIN_GROWTH as f64 / longest.max(f64::MIN_POSITIVE);
    Sites::of_all(new).changes_since(Sites::of_all(base), enough)
}
