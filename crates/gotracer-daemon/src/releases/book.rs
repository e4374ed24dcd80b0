//! All services and their versions, within bounds.

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

/// How many versions of a service keep what they are compared by.
const COMPARED: usize = 3;

/// A service's versions by name.
pub type Service = BTreeMap<String, Chapter>;

/// One version.
#[derive(Debug)]
pub struct Chapter {
    /// Data of the version.
    pub version: Version,
    /// Quantities of a typical program of it.
    pub values: Vec<Value>,
    /// What became of it since the one before, while both are known well
    /// enough and it runs.
    pub comparison: Option<Arc<Comparison>>,
}

impl Chapter {
    fn new(version: Version) -> Self {
        Self {
            version,
            values: Vec::new(),
            comparison: None,
        }
    }
}

/// Versions of all services.
#[derive(Debug, Default)]
pub struct Book {
    services: BTreeMap<ServiceName, Service>,
    /// Services whose versions are to be compared again.
    stale: BTreeSet<ServiceName>,
    /// Additions, changes and deletions since the last write.
    touched: BTreeSet<Record>,
}

/// A verdict that is new.
#[derive(Debug, PartialEq)]
pub struct News {
    /// The service.
    pub service: ServiceName,
    /// The version that is worse.
    pub version: String,
    /// The one before it.
    pub previous: String,
    /// The rules by which it is worse now and was not before.
    pub rules: Vec<&'static str>,
    /// The place that leaves most goroutines behind, if they are what is worse.
    pub place: Option<String>,
}

impl Book {
    /// Book with the stored data.
    pub fn new(stored: Vec<Entry>) -> Self {
        let mut book = Self::default();
        for Entry {
            service,
            name,
            version,
        } in stored
        {
            book.stale.insert(service.clone());
            let versions = book.services.entry(service).or_default();
            versions.insert(name, Chapter::new(version));
        }
        book
    }

    /// All services.
    pub fn services(&self) -> &BTreeMap<ServiceName, Service> {
        &self.services
    }

    /// Everything is compared again: what counts as a change may be another.
    pub fn reconsider(&mut self) {
        self.stale = self.services.keys().cloned().collect();
    }

    /// Takes in a capture of an instance that ended at that time.
    pub fn add(
        &mut self,
        (service, version, instance): (&ServiceName, &str, &str),
        report: &Report,
        at: Timestamp,
        settings: &Settings,
    ) {
        self.make_room(service, version, settings);
        let versions = self.services.entry(service.clone()).or_default();
        let new = || Chapter::new(Version::new(at));
        let chapter = versions.entry(version.into()).or_insert_with(new);
        let captures = chapter.version.add(instance, report, at, settings);
        self.touch(service, version, captures);
        self.stale.insert(service.clone());
    }

    /// A version and some of its captures are to be stored again, or deleted.
    fn touch(&mut self, service: &ServiceName, version: &str, captures: Vec<Key>) {
        let captures = captures.into_iter().map(Some);
        let records = captures.chain([None]);
        self.touched
            .extend(records.map(|key| (service.clone(), version.into(), key)));
    }

    /// What is older makes room for a version, and keeps no captures if it is
    /// not compared any more.
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
        if let Some(chapter) = versions.and_then(|v| v.get_mut(name)) {
            let captures = chapter.version.retire();
            self.touch(service, name, captures);
        }
    }

    /// Compares again what changed; what is worse that was not before.
    pub fn judge(
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
                let Some(chapter) = versions.get_mut(&name) else {
                    continue;
                };
                chapter.values = values(&chapter.version, &options.settings);
                let before = std::mem::replace(&mut chapter.comparison, judged);
                news.extend(difference(
                    &service,
                    &name,
                    before,
                    chapter.comparison.as_deref(),
                ));
            }
        }
        news
    }

    /// Changes to store.
    pub fn take_ops(&mut self) -> Vec<Op> {
        let touched = std::mem::take(&mut self.touched);
        let op = |record: Record| Op {
            value: self.value(&record),
            record,
        };
        touched.into_iter().map(op).collect()
    }

    /// Nothing of it is to be stored.
    pub fn skip_ops(&mut self) {
        self.touched.clear();
    }

    /// All of it, to be stored anew.
    pub fn all_ops(&mut self) -> Vec<Op> {
        self.touched.clear();
        for (service, versions) in &self.services {
            for (name, chapter) in versions {
                let keys = chapter.version.kept().map(Some);
                let records = keys.chain([None]);
                self.touched
                    .extend(records.map(|key| (service.clone(), name.clone(), key)));
            }
        }
        self.take_ops()
    }

    /// A record as it is stored; nothing, if it is gone.
    fn value(&self, (service, name, key): &Record) -> Option<Vec<u8>> {
        let version = &self.services.get(service)?.get(name)?.version;
        // Numbers, and maps by strings: nothing of that can't be written.
        match key {
            None => serde_json::to_vec(version).ok(),
            Some(key) => serde_json::to_vec(version.capture(key)?).ok(),
        }
    }
}

fn last_seen(chapter: &Chapter) -> Timestamp {
    chapter.version.totals.last_seen
}

/// Whether a version counts as running.
pub fn is_current(version: &Version, now: Timestamp, settings: &Settings) -> bool {
    let silent = now.duration_since(version.totals.last_seen);
    silent.unsigned_abs() <= settings.current_for || silent.is_negative()
}

/// What became of a version, if it runs and that can be told.
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
mod tests {
    use super::*;
    use crate::report::sample;
    use jiff::SignedDuration;
    use std::time::Duration;

    fn settings() -> Settings {
        Settings {
            warmup: Duration::ZERO,
            min_captures: 5,
            min_observed: Duration::from_secs(5),
            max_services: 3,
            max_versions: 5,
            ..Settings::default()
        }
    }

    fn service(name: &str) -> ServiceName {
        ServiceName::new("", name)
    }

    fn minute(n: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(n)
    }

    /// Captures every minute of three instances, whose goroutines grow.
    fn roll_out(book: &mut Book, version: &str, (from, minutes): (i64, i64), growth: u64) {
        for n in 0..minutes {
            for i in ["a", "b", "c"] {
                let mut report = sample::report(i);
                report.trace.start_time = None;
                report.program.goroutines.end = 100 + growth * n as u64;
                book.add(
                    (&service("shop"), version, i),
                    &report,
                    minute(from + n),
                    &settings(),
                );
            }
        }
    }

    fn judge(book: &mut Book, at: i64) -> Vec<News> {
        book.judge(minute(at), &settings(), |_| rules::Settings::default())
    }

    fn comparison<'a>(book: &'a Book, version: &str) -> Option<&'a Comparison> {
        book.services[&service("shop")][version]
            .comparison
            .as_deref()
    }

    #[test]
    fn a_release_that_grows_goroutines_is_news_once() {
        let mut book = Book::default();
        roll_out(&mut book, "1", (0, 20), 0);
        assert_eq!(judge(&mut book, 20), []);
        assert!(comparison(&book, "1").is_none());
        // Too slow for any single trace: six a minute.
        roll_out(&mut book, "2", (10, 20), 6);
        let news = judge(&mut book, 30);
        assert_eq!(news.len(), 1, "{news:?}");
        assert_eq!((&*news[0].version, &*news[0].previous), ("2", "1"));
        assert_eq!(news[0].rules, ["GoroutineLeakGrowth"]);
        book.reconsider();
        assert_eq!(judge(&mut book, 30), []);
        // The next one is as it was, and better than the one before.
        roll_out(&mut book, "3", (30, 20), 0);
        assert_eq!(judge(&mut book, 50), []);
        let now = comparison(&book, "3").unwrap();
        assert_eq!((now.previous.as_str(), now.worse().count()), ("2", 0));
        // What does not run any more is judged no more.
        book.reconsider();
        judge(&mut book, 30 + 65);
        assert!(comparison(&book, "2").is_none() && comparison(&book, "3").is_some());
    }

    #[test]
    fn the_same_again_is_no_news() {
        let mut book = Book::default();
        for (n, version) in ["1", "2", "3"].into_iter().enumerate() {
            roll_out(&mut book, version, (20 * n as i64, 20), 0);
            assert_eq!(judge(&mut book, 20 * n as i64 + 20), []);
        }
        let told: Vec<_> = comparison(&book, "3").unwrap().verdicts().collect();
        assert!(!told.is_empty() && told.iter().all(|(_, worse)| !worse));
    }

    #[test]
    fn services_and_versions_are_bounded_and_what_goes_is_deleted() {
        let mut book = Book::default();
        let mut stored = BTreeSet::new();
        let mut keep = |book: &mut Book| {
            for Op { record, value } in book.take_ops() {
                match value {
                    Some(_) => stored.insert(record),
                    None => stored.remove(&record),
                };
            }
            stored.len()
        };
        for n in 0..12 {
            roll_out(&mut book, &format!("1.{n}"), (20 * n, 9), 0);
            keep(&mut book);
        }
        let shop = &book.services[&service("shop")];
        let names: Vec<_> = shop.keys().map(String::as_str).collect();
        assert_eq!(names, ["1.10", "1.11", "1.7", "1.8", "1.9"]);
        assert_eq!(shop["1.8"].version.evidence().0, 0);
        assert_eq!(shop["1.9"].version.evidence().0, 27);
        assert_eq!(keep(&mut book), 5 + COMPARED * 27);
        let all = book.all_ops().len();
        assert_eq!(all, 5 + COMPARED * 27);
        for n in 0..9 {
            let name = service(&format!("s{n}"));
            book.add(
                (&name, "1", ""),
                &sample::report("a"),
                minute(1_000 + n),
                &settings(),
            );
        }
        let names: Vec<_> = book.services.keys().map(ServiceName::service).collect();
        assert_eq!(names, ["s6", "s7", "s8"]);
        assert_eq!(keep(&mut book), 3 * 2);
    }
}
