//! Versions of services over all their captures, each compared with the previous version.
//!
//! A single trace shows present problems. A regression by a release shows in many captures of many
//! programs: the statistics of [`compare`](crate::compare) separate it from chance, and `trend`
//! finds growth that is too slow for one trace.
//!
//! Data is bounded and in memory. The daemon calls [`Releases::settle`] about once a second, which
//! compares changed services and writes changes to the store (`store`), if there is one. Recording
//! a capture waits for neither.

mod aggregator;
mod capture;
mod instance;
mod name;
mod places;
mod registry;
mod settings;
mod store;
mod trend;
mod verdict;
mod version;
mod view;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use parking_lot::Mutex;

use crate::labels::Labels;
use crate::live::Live;
use crate::report::Report;
use crate::rules;
use crate::storage::Health;

use aggregator::CaptureAggregator;
use registry::Registry;
use store::Store;

pub use name::ServiceName;
pub use registry::News;
pub use settings::{Settings, SettingsError};
pub use store::StoreError;
pub use verdict::{Comparison, Value};
pub use version::{Heap, Totals};
pub use view::Release;

/// Time between two attempts to open a store that failed.
const AGAIN: Duration = Duration::from_secs(10);

/// Data of all releases.
#[derive(Default)]
pub struct Releases {
    settings: Live<Settings>,
    registry: Mutex<Registry>,
    /// Streams by target.
    streams: Mutex<HashMap<Labels, CaptureAggregator>>,
    store: Mutex<Keeping>,
    health: Arc<Health>,
}

/// State of the store.
#[derive(Default)]
enum Keeping {
    /// No store is configured.
    #[default]
    InMemory,
    /// The database is open.
    Open(Store),
    /// The store in this directory failed; the next attempt is at this time.
    Failed(PathBuf, Instant),
}

/// Returns the service, version and instance of a target.
fn names(target: &Labels) -> Option<(ServiceName, &str, &str)> {
    let service = match target.get("service") {
        "" => target.chosen_job(),
        service => service,
    };
    let version = target.get("version");
    let told = !service.is_empty() && !version.is_empty();
    told.then(|| {
        let service = ServiceName::new(target.get("namespace"), service);
        (service, version, target.get("instance"))
    })
}

impl Releases {
    /// Opens the store in a directory, which is created if it is missing. Blocks.
    ///
    /// # Errors
    /// If the directory cannot be used. Unreadable data and a full disk are no errors.
    pub fn kept_in(directory: &Path, health: Arc<Health>) -> Result<Self, StoreError> {
        let is_new = !Store::is_in(directory);
        let (store, entries) = match Store::open(directory) {
            Ok((store, entries)) => (Keeping::Open(store), entries),
            Err(error) if error.is_full() && is_new => {
                Store::forget(directory);
                (failed(directory, &error, &health), Vec::new())
            }
            // Unread data must not be overwritten.
            Err(error) if error.is_full() => {
                health.failed();
                tracing::error!(%error, "what is known of releases is not stored until the next start");
                (Keeping::InMemory, Vec::new())
            }
            Err(error) => return Err(error),
        };
        Ok(Self {
            registry: Mutex::new(Registry::new(entries)),
            store: Mutex::new(store),
            health,
            ..Self::default()
        })
    }

    /// Replaces the settings. All versions are compared again, since thresholds may have changed
    /// too.
    pub fn configure(&self, settings: Settings) {
        self.settings.set(settings);
        self.registry.lock().reconsider();
    }

    /// The settings in force.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.get()
    }

    /// Records the report of a target's trace, analyzed at `at`.
    pub fn record(&self, target: &Labels, report: &Report, at: SystemTime) {
        let settings = self.settings();
        let Some((service, version, instance)) = names(target).filter(|_| settings.enabled) else {
            return;
        };
        let at = Timestamp::try_from(at).unwrap_or_default();
        if report.trace.duration_ns > 0 {
            let mut registry = self.registry.lock();
            registry.add((&service, version, instance), report, at, &settings);
        }
    }

    /// Records the report of a generation of a stream. `last` marks the end of its trace.
    pub fn hear(&self, target: &Labels, report: &Report, at: SystemTime, last: bool) {
        if names(target).is_none() || !self.settings().enabled {
            return;
        }
        let over = {
            let mut streams = self.streams.lock();
            let aggregator = streams.entry(target.clone()).or_default();
            aggregator.add(report, last)
        };
        if let Some(report) = over {
            self.record(target, &report, at);
        }
    }

    /// Forgets the stream of a removed target.
    pub fn forget(&self, target: &Labels) {
        self.streams.lock().remove(target);
    }

    /// Compares changed services by the thresholds that `of` returns per service, and writes
    /// changes to the store. Returns new regressions. Blocks.
    pub fn settle(&self, of: impl Fn(&str) -> rules::Settings) -> Vec<News> {
        let settings = self.settings();
        let mut store = self.store.lock();
        let mut registry = self.registry.lock();
        let news = registry.judge(Timestamp::now(), &settings, of);
        let again = |since: &Instant| since.elapsed() >= AGAIN;
        match &mut *store {
            Keeping::InMemory => registry.skip_ops(),
            Keeping::Open(open) if open.is_lost() => {
                let directory = open.directory().to_owned();
                let ops = registry.all_ops();
                drop(registry);
                let why = "the file was deleted or replaced";
                failed(&directory, &why, &self.health);
                *store = reopened(&directory, &ops, &self.health);
            }
            Keeping::Open(open) => {
                let ops = registry.take_ops();
                drop(registry);
                if !ops.is_empty()
                    && let Err(error) = open.write(&ops)
                {
                    *store = failed(open.directory(), &error, &self.health);
                }
            }
            Keeping::Failed(path, since) if again(since) => {
                let ops = registry.all_ops();
                drop(registry);
                *store = reopened(path, &ops, &self.health);
            }
            Keeping::Failed(..) => {}
        }
        news
    }
}

/// Opens a store that failed before, and writes all records.
fn reopened(directory: &Path, ops: &[store::Op], health: &Health) -> Keeping {
    let opened = Store::open(directory);
    match opened.map(|(store, _)| store.rewrite(ops).map(|()| store)) {
        Ok(Ok(store)) => {
            health.succeeded();
            tracing::info!(directory = %directory.display(), "releases are stored again");
            Keeping::Open(store)
        }
        Ok(Err(error)) => failed(directory, &error, health),
        Err(error) => failed(directory, &error, health),
    }
}

fn failed(directory: &Path, error: &dyn std::fmt::Display, health: &Health) -> Keeping {
    if health.failed() {
        tracing::error!(
            directory = %directory.display(), %error,
            "releases cannot be stored; they are kept in memory until they can"
        );
    }
    Keeping::Failed(directory.into(), Instant::now())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn told(releases: &Releases) -> Vec<(String, String, u64)> {
        let all = releases.all().into_iter();
        all.map(|r| (r.service.to_string(), r.version, r.totals.captures))
            .collect()
    }

    fn settle(releases: &Releases) {
        releases.settle(|_| rules::Settings::default());
    }

    fn version(of: &str, version: &str) -> Labels {
        Labels::new().with("job", of).with("version", version)
    }

    #[test]
    fn a_target_counts_with_its_version_and_a_stream_by_the_minute() {
        let releases = Releases::default();
        let (now, report) = (SystemTime::now(), sample::report("a"));
        releases.record(&Labels::new().with("service", "shop"), &report, now);
        releases.record(&version("shop", "1"), &report, now);
        let named = version("api", "1")
            .with("service", "cart")
            .with("namespace", "prod");
        releases.record(&named, &report, now);
        // Five seconds each.
        (0..30).for_each(|_| releases.hear(&version("live", "2"), &report, now, false));
        releases.hear(&version("live", "2"), &report, now, true);
        let row = |s: &str, v: &str, n| (s.to_owned(), v.to_owned(), n);
        let wanted = [
            row("live", "2", 3),
            row("shop", "1", 1),
            row("prod/cart", "1", 1),
        ];
        assert_eq!(told(&releases), wanted);
        releases.configure(Settings {
            enabled: false,
            ..Settings::default()
        });
        releases.record(&version("shop", "2"), &report, now);
        assert_eq!(told(&releases), wanted);
    }

    #[test]
    fn what_could_not_be_stored_is_stored_when_that_works_again() {
        let directory = tempfile::tempdir().unwrap();
        let releases = Releases::default();
        releases.configure(Settings {
            warmup: Duration::ZERO,
            ..Settings::default()
        });
        let report = sample::report("a");
        let record = || releases.record(&version("shop", "1"), &report, SystemTime::now());
        record();
        let path = || directory.path().to_owned();
        *releases.store.lock() = Keeping::Failed(path(), Instant::now());
        settle(&releases);
        assert_eq!(directory.path().read_dir().unwrap().count(), 0);
        record();
        let long_ago = Instant::now().checked_sub(AGAIN).unwrap();
        *releases.store.lock() = Keeping::Failed(path(), long_ago);
        settle(&releases);
        record();
        settle(&releases);
        let before = format!("{:?}", releases.all());
        drop(releases);
        let again = Releases::kept_in(directory.path(), Arc::default()).unwrap();
        settle(&again);
        assert_eq!(format!("{:?}", again.all()), before);
        assert_eq!(told(&again)[0].2, 3);
        assert_eq!(again.all()[0].evidence, (3, 1));
    }
}
