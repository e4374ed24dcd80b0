//! Registry of all services and versions, within bounds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::name::ServiceName;
use super::settings::Settings;
use super::store::{Entry, Op, Record};
use super::verdict::{Comparison, Value, compare, values};
use super::version::{Key, Version};
use crate::compare::Options;
use crate::report::Report;
use crate::rules::{self, Rule, Unit};

/// Versions per service that keep captures for comparison.
const COMPARED: usize = 3;

/// Versions of a service by name.
pub(super) type Service = BTreeMap<String, VersionEntry>;

/// Entry of a version.
#[derive(Debug)]
pub(super) struct VersionEntry {
    /// Data of the version.
    pub version: Version,
    /// Quantities of a typical program of the version.
    pub values: Vec<Value>,
    /// Comparison with the previous version, while the version runs and both have enough captures.
    pub comparison: Option<Arc<Comparison>>,
}

impl VersionEntry {
    fn new(version: Version) -> Self {
        Self {
            version,
            values: Vec::new(),
            comparison: None,
        }
    }
}

/// Registry of the versions of all services.
#[derive(Debug, Default)]
pub(super) struct Registry {
    services: BTreeMap<ServiceName, Service>,
    /// Services to compare again.
    stale: BTreeSet<ServiceName>,
    /// Records that changed since the last write.
    touched: BTreeSet<Record>,
}

/// New regression of a version.
#[derive(Debug, PartialEq)]
pub struct News {
    /// The service.
    pub service: ServiceName,
    /// Name of the worse version.
    pub version: String,
    /// Name of the previous version.
    pub previous: String,
    /// Rules by which the version became worse.
    pub rules: Vec<&'static str>,
    /// Place with the most goroutines left over, if goroutines are the regression.
    pub place: Option<String>,
}

impl Registry {
    /// Creates a registry with the stored data.
    pub(super) fn new(stored: Vec<Entry>) -> Self {
        let mut registry = Self::default();
        for Entry {
            service,
            name,
            version,
        } in stored
        {
            registry.stale.insert(service.clone());
            let versions = registry.services.entry(service).or_default();
            versions.insert(name, VersionEntry::new(version));
        }
        registry
    }

    /// Returns all services.
    pub(super) fn services(&self) -> &BTreeMap<ServiceName, Service> {
        &self.services
    }

    /// Marks all services for comparison, after a change of settings.
    pub(super) fn reconsider(&mut self) {
        self.stale = self.services.keys().cloned().collect();
    }

    /// Adds a capture of an instance that ended at `at`.
    pub(super) fn add(
        &mut self,
        (service, version, instance): (&ServiceName, &str, &str),
        report: &Report,
        at: Timestamp,
        settings: &Settings,
    ) {
        self.make_room(service, version, settings);
        let versions = self.services.entry(service.clone()).or_default();
        let new = || VersionEntry::new(Version::new(at));
        let entry = versions.entry(version.into()).or_insert_with(new);
        let captures = entry.version.add(instance, report, at, settings);
        self.touch(service, version, captures);
        self.stale.insert(service.clone());
    }

    /// Marks a version and some of its captures to be stored again or deleted.
    fn touch(&mut self, service: &ServiceName, version: &str, captures: Vec<Key>) {
        let captures = captures.into_iter().map(Some);
        let records = captures.chain([None]);
        self.touched
            .extend(records.map(|key| (service.clone(), version.into(), key)));
    }

    /// Removes the oldest version of a service if there are too many, and the captures of versions
    /// that are no longer compared.
    fn make_room(&mut self, service: &ServiceName, version: &str, settings: &Settings) {
        let Some(versions) = self.services.get(service) else {
            while self.services.len() >= settings.max_services {
                let last = |versions: &Service| versions.values().map(last_seen).max();
                let oldest = self.services.iter().min_by_key(|(_, v)| last(v));
                let Some(oldest) = oldest.map(|(name, _)| name.clone()) else {
                    break;
                };
                for name in self.services[&oldest].keys().cloned().collect::<Vec<_>>() {
                    self.retire(&oldest, &name);
                }
                self.services.remove(&oldest);
            }
            return;
        };
        if versions.contains_key(version) {
            return;
        }
        let mut by_age: Vec<_> = versions.iter().map(|(n, c)| (last_seen(c), n)).collect();
        by_age.sort_unstable_by_key(|(last, _)| std::cmp::Reverse(*last));
        let names: Vec<_> = by_age.into_iter().map(|(_, name)| name.clone()).collect();
        let compared = COMPARED.min(settings.max_versions) - 1;
        for (age, name) in names.iter().enumerate().skip(compared) {
            self.retire(service, name);
            if age + 1 >= settings.max_versions
                && let Some(versions) = self.services.get_mut(service)
            {
                versions.remove(name);
            }
        }
    }

    fn retire(&mut self, service: &ServiceName, name: &str) {
        let versions = self.services.get_mut(service);
        if let Some(entry) = versions.and_then(|v| v.get_mut(name)) {
            let captures = entry.version.retire();
            self.touch(service, name, captures);
        }
    }

    /// Compares the services that changed and returns new regressions.
    pub(super) fn judge(
        &mut self,
        now: Timestamp,
        settings: &Settings,
        of: impl Fn(&str) -> rules::Settings,
    ) -> Vec<News> {
        let mut news = Vec::new();
        for service in std::mem::take(&mut self.stale) {
            let Some(versions) = self.services.get_mut(&service) else {
                continue;
            };
            let options = Options {
                effect: settings.min_change,
                confidence: settings.confidence,
                settings: of(service.service()),
            };
            for name in versions.keys().cloned().collect::<Vec<_>>() {
                let judged = judged(versions, &name, now, settings, &options).map(Arc::new);
                let Some(entry) = versions.get_mut(&name) else {
                    continue;
                };
                entry.values = values(&entry.version, &options.settings);
                let before = std::mem::replace(&mut entry.comparison, judged);
                news.extend(difference(
                    &service,
                    &name,
                    before,
                    entry.comparison.as_deref(),
                ));
            }
        }
        news
    }

    /// Returns the changes to store, and clears them.
    pub(super) fn take_ops(&mut self) -> Vec<Op> {
        let touched = std::mem::take(&mut self.touched);
        let op = |record: Record| Op {
            value: self.value(&record),
            record,
        };
        touched.into_iter().map(op).collect()
    }

    /// Clears the changes without storing them.
    pub(super) fn skip_ops(&mut self) {
        self.touched.clear();
    }

    /// Returns all records, to store everything again.
    pub(super) fn all_ops(&mut self) -> Vec<Op> {
        self.touched.clear();
        for (service, versions) in &self.services {
            for (name, entry) in versions {
                let keys = entry.version.kept().map(Some);
                let records = keys.chain([None]);
                self.touched
                    .extend(records.map(|key| (service.clone(), name.clone(), key)));
            }
        }
        self.take_ops()
    }

    /// Returns the stored form of a record, or `None` if the record is gone.
    fn value(&self, (service, name, key): &Record) -> Option<Vec<u8>> {
        let version = &self.services.get(service)?.get(name)?.version;
        // Serialization of numbers and maps with string keys cannot fail.
        match key {
            None => serde_json::to_vec(version).ok(),
            Some(key) => serde_json::to_vec(version.capture(key)?).ok(),
        }
    }
}

fn last_seen(entry: &VersionEntry) -> Timestamp {
    entry.version.totals.last_seen
}

/// Returns whether a version counts as running.
pub(super) fn is_current(version: &Version, now: Timestamp, settings: &Settings) -> bool {
    let silent = now.duration_since(version.totals.last_seen);
    silent.unsigned_abs() <= settings.current_for || silent.is_negative()
}

/// Compares a version with its predecessor, if it runs and both have enough captures.
fn judged(
    versions: &Service,
    name: &str,
    now: Timestamp,
    settings: &Settings,
    options: &Options,
) -> Option<Comparison> {
    let new = &versions.get(name)?.version;
    if !is_current(new, now, settings) || !new.is_evidence(settings) {
        return None;
    }
    let earlier = |v: &Version| v.totals.first_seen < new.totals.first_seen;
    let before = versions
        .iter()
        .filter(|(_, c)| earlier(&c.version) && c.version.is_evidence(settings))
        .filter(|(_, c)| c.version.evidence().0 > 0)
        .max_by_key(|(_, c)| c.version.totals.first_seen);
    let (previous, base) = before?;
    Some(compare((previous, &base.version), new, options))
}

fn difference(
    service: &ServiceName,
    version: &str,
    before: Option<Arc<Comparison>>,
    now: Option<&Comparison>,
) -> Option<News> {
    let now = now?;
    let known: Vec<_> = before.iter().flat_map(|c| c.worse()).collect();
    let rules: Vec<_> = now.worse().filter(|rule| !known.contains(rule)).collect();
    let counts = |name: &&str| Rule::find(name).is_some_and(|r| r.unit == Unit::Goroutines);
    let leaks = rules.iter().any(counts);
    let place = now.sites.first().filter(|s| leaks && s.growth() > 0.0);
    (!rules.is_empty()).then(|| News {
        service: service.clone(),
        version: version.into(),
        previous: now.previous.clone(),
        rules,
        place: place.map(|site| site.place.function.clone()),
    })
}

#[cfg(test)]
mod tests;
