//! Metrics of the entries of `ignore`.

use std::sync::LazyLock;

use super::{Emit, Group, Kind, Metric, Point};

/// Metrics of the entries of `ignore` in the configuration.
pub static METRICS: LazyLock<Vec<Metric<IgnoreEntries>>> = LazyLock::new(|| {
    let read = |entries: &IgnoreEntries, emit: &mut Emit<'_>| {
        for (state, count) in [
            ("used", entries.used),
            ("unused", entries.unused),
            ("expired", entries.expired),
        ] {
            emit(Point::new(&[("state", state)], count));
        }
    };
    let entries = Metric::new(
        Kind::Gauge,
        "gotracer_ignore_entries",
        "Entries of `ignore` in the configuration, by state: those that matched a finding since they \
         were loaded, those that did not, and those whose last day is over. Findings of expired \
         entries are reported.",
        read,
    );
    vec![entries.labels(&["state"]).fixed(3)]
});

/// Entries of `ignore` by state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IgnoreEntries {
    /// Entries that matched a finding since they were loaded.
    pub used: u64,
    /// Entries that matched no finding since they were loaded.
    pub unused: u64,
    /// Entries whose last day is over.
    pub expired: u64,
}

/// The metrics of the entries that `count` returns at each collection.
pub fn part(count: impl Fn() -> IgnoreEntries + Send + Sync + 'static) -> Group<IgnoreEntries> {
    Group::new(&METRICS, move || Some(count()))
}
