//! View of the releases for metrics, API and pages.

use std::cmp::Reverse;
use std::sync::Arc;

use jiff::Timestamp;

use super::Releases;
use super::name::ServiceName;
use super::registry::{Service, VersionEntry, is_current};
use super::verdict::{Comparison, Value};
use super::version::Totals;

/// Version of a service.
#[derive(Clone, Debug)]
pub struct Release {
    /// The service.
    pub service: ServiceName,
    /// Its name.
    pub version: String,
    /// Totals over all captures.
    pub totals: Totals,
    /// Number of kept captures, and of their programs.
    pub evidence: (usize, usize),
    /// Whether the version counts as running.
    pub current: bool,
    /// Quantities of a typical program of the version.
    pub values: Vec<Value>,
    /// Comparison with the previous version, if both have enough captures.
    pub comparison: Option<Arc<Comparison>>,
}

impl Releases {
    /// Returns all versions by service, in the order of their first captures.
    pub fn all(&self) -> Vec<Release> {
        self.those(|_, _, _| true)
    }

    /// Returns running versions, and those that they are compared with.
    pub fn running(&self) -> Vec<Release> {
        self.those(|release, versions, current| {
            let is_base = |other: &VersionEntry| {
                let comparison = other.comparison.as_ref();
                current(other) && comparison.is_some_and(|c| c.previous == release.version)
            };
            release.current || versions.values().any(is_base)
        })
    }

    fn those(
        &self,
        wanted: impl Fn(&Release, &Service, &dyn Fn(&VersionEntry) -> bool) -> bool,
    ) -> Vec<Release> {
        let (settings, now) = (self.settings(), Timestamp::now());
        let current = |entry: &VersionEntry| is_current(&entry.version, now, &settings);
        let registry = self.registry.lock();
        let mut all = Vec::new();
        for (service, versions) in registry.services() {
            let releases = versions.iter();
            let releases = releases.map(|(name, c)| Release::new(service, name, c, current(c)));
            let mut releases: Vec<_> = releases
                .filter(|release| wanted(release, versions, &current))
                .collect();
            releases.sort_by_key(|r| Reverse(r.totals.first_seen));
            all.extend(releases);
        }
        all
    }
}

impl Release {
    fn new(service: &ServiceName, name: &str, entry: &VersionEntry, current: bool) -> Self {
        Self {
            service: service.clone(),
            version: name.into(),
            totals: entry.version.totals.clone(),
            evidence: entry.version.evidence(),
            current,
            values: entry.values.clone(),
            comparison: entry.comparison.clone().filter(|_| current),
        }
    }
}
