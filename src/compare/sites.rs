//! Goroutines by the place that created them, on both sides.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::report::{Frame, Report};
use crate::rules::MIN_GROWTH;

/// The most places to tell of.
const MOST: usize = 20;

/// Goroutines that a place created in a typical trace.
#[derive(Clone, Copy, PartialEq, Debug, Default, serde::Serialize)]
pub struct Created {
    /// How many, for each second of the traces.
    pub per_second: f64,
    /// How many of those were still there at the traces' ends, for each second.
    pub left_per_second: f64,
}

/// A place that leaves more or fewer goroutines behind than before.
#[derive(Clone, PartialEq, Debug)]
pub struct SiteChange {
    /// The place, with the line it has now.
    pub place: Frame,
    /// What it did before.
    pub base: Created,
    /// What it does now.
    pub new: Created,
}

impl SiteChange {
    /// How many more are left behind each second.
    pub fn growth(&self) -> f64 {
        self.new.left_per_second - self.base.left_per_second
    }
}

type Sites = BTreeMap<(String, String), (Frame, Created)>;

/// By function and file: lines move.
fn created(reports: &[Report]) -> Sites {
    let seconds: f64 = reports.iter().map(seconds).sum();
    let mut sites = Sites::new();
    for site in reports.iter().flat_map(|r| &r.program.goroutines.places) {
        let key = (site.place.function.clone(), site.place.file.clone());
        let (_, sum) = sites
            .entry(key)
            .or_insert_with(|| (site.place.clone(), Created::default()));
        sum.per_second += site.created as f64 / seconds;
        sum.left_per_second += site.created.saturating_sub(site.exited) as f64 / seconds;
    }
    sites
}

fn seconds(report: &Report) -> f64 {
    report.trace.duration_ns.max(1) as f64 / 1e9
}

/// The places whose goroutines grow otherwise than before, by so many that it
/// matters, those that grow most first.
pub fn sites(base: &[Report], new: &[Report]) -> Vec<SiteChange> {
    let (mut before, now) = (created(base), created(new));
    let mut changes: Vec<_> = now
        .into_iter()
        .map(|(key, (place, new))| SiteChange {
            place,
            base: before.remove(&key).map(|(_, c)| c).unwrap_or_default(),
            new,
        })
        .collect();
    let gone = before.into_values().map(|(place, base)| SiteChange {
        place,
        base,
        new: Created::default(),
    });
    changes.extend(gone);
    let least = |side: &[Report]| side.iter().map(seconds).fold(0.0, f64::max);
    // A handful in a short trace is no growth.
    let enough = MIN_GROWTH as f64 / least(new).max(least(base)).max(f64::MIN_POSITIVE);
    changes.retain(|c| c.growth().abs() >= enough);
    changes.sort_by_key(|c| Reverse(c.growth() as i64));
    changes.truncate(MOST);
    changes
}
